package pgcluster

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// preferredMajor is fetched when any will do.
const preferredMajor = 17

// npmVersions are the pinned versions of the package @embedded-postgres/<platform>.
var npmVersions = map[int]string{
	14: "14.23.0-beta.17",
	15: "15.18.0-beta.17",
	16: "16.14.0-beta.17",
	17: "17.10.0-beta.17",
	18: "18.4.0-beta.17",
}

var npmPlatforms = map[string]string{
	"linux/amd64":  "linux-x64",
	"linux/arm64":  "linux-arm64",
	"darwin/amd64": "darwin-x64",
	"darwin/arm64": "darwin-arm64",
}

// fetchFromNPM takes the programs from the cache, which npm fills.
func fetchFromNPM(ctx context.Context, o FindOptions, a *account) (Binaries, []string) {
	found, err := fetch(ctx, o, a)
	if err != nil {
		return Binaries{}, []string{"npm package: " + err.Error()}
	}
	return found, nil
}

func fetch(ctx context.Context, o FindOptions, a *account) (Binaries, error) {
	major := o.Major
	if major == 0 {
		major = preferredMajor
	}
	platform, ok := npmPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return Binaries{}, fmt.Errorf("there is none for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	cache, err := a.cacheDir()
	if err != nil {
		return Binaries{}, err
	}
	spec := "@embedded-postgres/" + platform + "@" + npmVersions[major]
	dir := filepath.Join(cache, "postgres-"+npmVersions[major])
	bin := filepath.Join(dir, "bin")
	if found, err := inspect(ctx, bin, major, a); err == nil {
		return found, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return Binaries{}, errors.New("no npm in PATH")
	}
	fmt.Fprintf(o.Progress, "fetching PostgreSQL %d (%s) into %s\n", major, spec, cache)
	if err := fill(ctx, npm, spec, cache, dir); err != nil {
		return Binaries{}, err
	}
	return inspect(ctx, bin, major, a)
}

// fill has npm fetch the package and unpacks it beside its place in the cache,
// then moves it there in one step: several processes may do so at once.
func fill(ctx context.Context, npm, spec, cache, dir string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, ".fetching-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", work, spec)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack %s: %w: %s", spec, err, lastLines(string(out), 3))
	}
	archives, _ := filepath.Glob(filepath.Join(work, "*.tgz")) // the pattern is well-formed
	if len(archives) != 1 {
		return fmt.Errorf("npm pack %s left %d archives, not one", spec, len(archives))
	}
	unpacked := filepath.Join(work, "native")
	if err := unpack(archives[0], "package/native/", unpacked); err != nil {
		return fmt.Errorf("unpack %s: %w", spec, err)
	}
	if err := makeSymlinks(unpacked); err != nil {
		return fmt.Errorf("unpack %s: %w", spec, err)
	}
	err = os.Rename(unpacked, dir)
	if _, statErr := os.Stat(filepath.Join(dir, "bin", "postgres")); statErr == nil {
		return nil // ours, or that of a process that was quicker
	}
	return err
}

// unpack writes the regular files below prefix of a .tgz to dir.
func unpack(archive, prefix, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	files := tar.NewReader(unzipped)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, below := strings.CutPrefix(header.Name, prefix)
		if !below || header.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the archive reaches out of its folder: %q", header.Name)
		}
		if err := unpackFile(files, filepath.Join(dir, name), header.FileInfo().Mode()); err != nil {
			return err
		}
	}
}

func unpackFile(content io.Reader, path string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	perm := os.FileMode(0o644)
	if mode&0o100 != 0 {
		perm = 0o755
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// makeSymlinks makes the links between libraries that npm archives cannot hold
// and this one lists.
func makeSymlinks(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, link := range links {
		source, target := strings.TrimPrefix(link.Source, "native/"), strings.TrimPrefix(link.Target, "native/")
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("pg-symlinks.json reaches out of its folder: %q, %q", link.Source, link.Target)
		}
		relative, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := os.Symlink(relative, filepath.Join(dir, target)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
