package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor and newestMajor bound the versions that odsd supports.
const (
	oldestMajor = 14
	newestMajor = 18
)

// Binaries are the server programs of one installation.
type Binaries struct {
	Dir     string
	Version string // "15.18"
	Major   int    // 15
}

// FindOptions say which server programs are wanted and what may be done for them.
type FindOptions struct {
	Bin      string // the folder to take; empty: search
	Major    int    // 0: any supported
	Install  bool   // the system's package manager may be used
	Progress io.Writer
}

// NotFoundError says that there are no server programs, and all that was tried.
type NotFoundError struct {
	Major int
	Tried []string
}

func (e *NotFoundError) Error() string {
	wanted := fmt.Sprintf("PostgreSQL %d to %d", oldestMajor, newestMajor)
	if e.Major != 0 {
		wanted = fmt.Sprintf("PostgreSQL %d", e.Major)
	}
	return "found no server programs of " + wanted + "; tried:\n  " + strings.Join(e.Tried, "\n  ")
}

// Hint says what to do.
func (e *NotFoundError) Hint() string {
	name := "postgresql"
	if e.Major != 0 {
		name = fmt.Sprintf("postgresql-%d", e.Major)
	}
	return "install the PostgreSQL server (package " + name + " or similar), or install npm, from which odsd can fetch one, or allow --install"
}

// Find looks for server programs on the machine, then fetches them by npm into
// the cache, then, if allowed, installs them by the system's package manager.
func Find(ctx context.Context, o FindOptions) (Binaries, error) {
	account, err := serverAccount()
	if err != nil {
		return Binaries{}, err
	}
	return find(ctx, o, account)
}

func find(ctx context.Context, o FindOptions, a *account) (Binaries, error) {
	if o.Major != 0 && (o.Major < oldestMajor || o.Major > newestMajor) {
		return Binaries{}, fmt.Errorf("PostgreSQL %d is not supported: %d to %d are", o.Major, oldestMajor, newestMajor)
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Bin != "" {
		return inspect(ctx, o.Bin, o.Major, a)
	}
	notFound := &NotFoundError{Major: o.Major}
	for _, step := range []func(context.Context, FindOptions, *account) (Binaries, []string){
		findInstalled, fetchFromNPM, installPackage,
	} {
		found, tried := step(ctx, o, a)
		if err := ctx.Err(); err != nil {
			return Binaries{}, err
		}
		if found.Dir != "" {
			return found, nil
		}
		notFound.Tried = append(notFound.Tried, tried...)
	}
	return Binaries{}, notFound
}

// packageFolders are where packages put the programs, by name patterns.
var packageFolders = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/libexec/postgresql*",
	"/usr/local/pgsql/bin",
	"/usr/local/opt/postgresql*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
}

// findInstalled takes PATH's programs, then pg_config's, then the newest of the
// package folders'.
func findInstalled(ctx context.Context, o FindOptions, a *account) (Binaries, []string) {
	var tried []string
	var candidates []string
	if path, err := exec.LookPath("postgres"); err != nil {
		tried = append(tried, "PATH: no postgres")
	} else {
		candidates = append(candidates, filepath.Dir(path))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err != nil {
		tried = append(tried, "pg_config --bindir: no pg_config")
	} else {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	for _, dir := range candidates {
		found, err := inspect(ctx, dir, o.Major, a)
		if err == nil {
			return found, nil
		}
		tried = append(tried, err.Error())
	}
	found, foldersTried := newestOf(ctx, packageFolders, o.Major, a)
	return found, append(tried, foldersTried...)
}

func newestOf(ctx context.Context, patterns []string, major int, a *account) (Binaries, []string) {
	var tried []string
	var found []Binaries
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // the patterns are well-formed
		for _, dir := range dirs {
			b, err := inspect(ctx, dir, major, a)
			if err != nil {
				tried = append(tried, err.Error())
				continue
			}
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return Binaries{}, append(tried, "package folders: none of "+strings.Join(patterns, ", ")+" will do")
	}
	return slices.MaxFunc(found, func(x, y Binaries) int { return x.Major - y.Major }), nil
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// inspect says whether a folder holds server programs that will do.
func inspect(ctx context.Context, dir string, major int, a *account) (Binaries, error) {
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return Binaries{}, fmt.Errorf("%s: no postgres in it", dir)
	}
	dir = filepath.Dir(postgres)
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return Binaries{}, fmt.Errorf("%s: no initdb in it", dir)
	}
	if err := a.reaches(dir); err != nil {
		return Binaries{}, fmt.Errorf("%s: %w", dir, err)
	}
	out, err := exec.CommandContext(ctx, postgres, "--version").CombinedOutput()
	if err != nil {
		return Binaries{}, fmt.Errorf("%s --version: %w: %s", postgres, err, lastLines(string(out), 2))
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return Binaries{}, fmt.Errorf("%s --version: cannot read %q", postgres, lastLines(string(out), 1))
	}
	found := Binaries{Dir: dir, Version: string(match[1])}
	if found.Major, err = strconv.Atoi(string(match[2])); err != nil {
		return Binaries{}, fmt.Errorf("%s --version: %w", postgres, err)
	}
	if major != 0 && found.Major != major {
		return Binaries{}, fmt.Errorf("%s: version %s", dir, found.Version)
	}
	if found.Major < oldestMajor {
		return Binaries{}, errors.New(dir + ": version " + found.Version + " is too old")
	}
	return found, nil
}
