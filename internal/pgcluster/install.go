package pgcluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// packageManager says how one of them installs the PostgreSQL server.
type packageManager struct {
	program string
	update  []string // run first, if any
	install []string
	name    string // of the package
	ofMajor string // the package of one major version, by format; empty: there is none
	byUser  bool   // not to be run by root
}

var packageManagers = []packageManager{
	{program: "apt-get", update: []string{"update", "-q"}, install: []string{"install", "-q", "-y", "--no-install-recommends"}, name: "postgresql", ofMajor: "postgresql-%d"},
	{program: "dnf", install: []string{"install", "-q", "-y"}, name: "postgresql-server", ofMajor: "postgresql%d-server"},
	{program: "apk", install: []string{"add", "--quiet"}, name: "postgresql", ofMajor: "postgresql%d"},
	{program: "zypper", install: []string{"--non-interactive", "install"}, name: "postgresql-server", ofMajor: "postgresql%d-server"},
	{program: "pacman", install: []string{"-S", "--noconfirm", "--needed"}, name: "postgresql"},
	{program: "brew", install: []string{"install"}, name: "postgresql", ofMajor: "postgresql@%d", byUser: true},
}

// installPackage installs the server by the first package manager there is.
func installPackage(ctx context.Context, o FindOptions, a *account) (Binaries, []string) {
	if !o.Install {
		return Binaries{}, []string{"package manager: not allowed to install"}
	}
	for _, m := range packageManagers {
		if _, err := exec.LookPath(m.program); err != nil {
			continue
		}
		if err := m.run(ctx, o); err != nil {
			return Binaries{}, []string{"package manager: " + err.Error()}
		}
		found, tried := findInstalled(ctx, o, a)
		if found.Dir == "" {
			tried = append([]string{"package manager: " + m.program + " installed it; then"}, tried...)
		}
		return found, tried
	}
	return Binaries{}, []string{"package manager: found none that odsd knows"}
}

func (m packageManager) run(ctx context.Context, o FindOptions) error {
	name := m.name
	if o.Major != 0 {
		if m.ofMajor == "" {
			return fmt.Errorf("%s has no package of one major version", m.program)
		}
		name = fmt.Sprintf(m.ofMajor, o.Major)
	}
	commands := [][]string{append(append([]string{m.program}, m.install...), name)}
	if m.update != nil {
		commands = append([][]string{append([]string{m.program}, m.update...)}, commands...)
	}
	for _, command := range commands {
		if os.Geteuid() != 0 && !m.byUser {
			command = append([]string{"sudo", "-n"}, command...) // asks nothing
		}
		fmt.Fprintf(o.Progress, "installing PostgreSQL: %s\n", strings.Join(command, " "))
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, lastLines(string(out), 3))
		}
	}
	return nil
}
