package pgcluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/jackc/pgx/v5"
)

// superuser owns every cluster.
const superuser = "postgres"

// Options of a cluster. The zero value is a cluster in a temporary directory
// that Stop removes, by the first server programs found.
type Options struct {
	// Dir holds the cluster and is kept by Stop. A cluster found in it is started
	// as it is. Empty: a temporary directory, removed by Stop.
	Dir string
	// Bin is the folder of the server programs; empty: they are searched for.
	Bin string
	// Major is the major version asked for; 0: any that odsd supports.
	Major int
	// Install allows the system's package manager to be used.
	Install bool
	// Settings of postgresql.conf, over those of a fast server that can be
	// replicated from: write "fsync": "on" for one that survives a power cut.
	Settings map[string]string
	// Databases to create, besides "postgres".
	Databases []string
	// Port to listen on; 0: a free one. A restart keeps it.
	Port int
	// Progress is told what takes long (fetching programs); nil: nobody.
	Progress io.Writer
}

// Cluster is a running PostgreSQL server and its files. Its methods may be
// called from several goroutines, one after the other takes effect.
type Cluster struct {
	binaries Binaries
	account  *account // nil: our own user
	dir      string
	keep     bool
	password string
	settings map[string]string
	guard    *guard

	mu      sync.Mutex
	port    int
	server  *server // nil: not running
	stopped bool
}

// Start makes a cluster, or opens the one kept in Options.Dir, and returns when
// it accepts connections. Ending ctx afterwards does not stop it.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	major, err := majorOf(o)
	if err != nil {
		return nil, err
	}
	binaries, err := find(ctx, FindOptions{Bin: o.Bin, Major: major, Install: o.Install, Progress: o.Progress}, account)
	if err != nil {
		return nil, err
	}
	c := &Cluster{binaries: binaries, account: account, keep: o.Dir != "", port: o.Port}
	if c.dir, err = makeDir(o.Dir, account); err != nil {
		return nil, err
	}
	if err := c.open(ctx, o); err != nil {
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context, o Options) error {
	var err error
	if c.guard, err = startGuard(c.dir, c.keep); err != nil {
		return err
	}
	c.settings = settingsFor(c.binaries.Major, o.Settings)
	if _, err := os.Stat(filepath.Join(c.data(), "PG_VERSION")); err == nil {
		if err := c.reopen(); err != nil {
			return err
		}
	} else if err := c.initialize(ctx); err != nil {
		return err
	}
	if err := c.startServer(ctx); err != nil {
		return err
	}
	for _, name := range o.Databases {
		if err := c.CreateDatabase(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// DSN of a database of the cluster, for its superuser.
func (c *Cluster) DSN(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     fmt.Sprintf("127.0.0.1:%d", c.Port()),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Port that the server listens on, on 127.0.0.1.
func (c *Cluster) Port() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.port
}

// Dir holds the cluster's files.
func (c *Cluster) Dir() string { return c.dir }

// LogFile is where the server logs to.
func (c *Cluster) LogFile() string { return filepath.Join(c.dir, "server.log") }

// Version of the server, "15.18".
func (c *Cluster) Version() string { return c.binaries.Version }

// Major version of the server, 15.
func (c *Cluster) Major() int { return c.binaries.Major }

// PID of the server's first process; 0 while it does not run.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return 0
	}
	return c.server.pid
}

// CreateDatabase creates a database, unless it exists.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Stop ends the server and removes the files unless they are to be kept. It may
// be called again, and after Kill. A kept cluster is shut down in order while ctx
// lasts; then, and with a cluster that is thrown away, at once.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	var errs []error
	if c.server != nil {
		errs = append(errs, c.server.stop(ctx, c.keep))
		c.server = nil
	}
	if !c.keep {
		releaseSharedMemory(c.data())
		errs = append(errs, os.RemoveAll(c.dir))
	}
	c.guard.release()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop cluster in %s: %w", c.dir, err)
	}
	return nil
}

// Kill ends the server and all its processes as a crash of the machine would:
// nothing is written any more. Restart recovers.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	err := c.server.kill()
	c.server = nil
	if err != nil {
		return fmt.Errorf("kill cluster in %s: %w", c.dir, err)
	}
	return nil
}

// Crash ends the server as `pg_ctl stop -m immediate` does: no checkpoint, its
// processes are told to go. Restart recovers.
func (c *Cluster) Crash(ctx context.Context) error { return c.end(ctx, false) }

// Shutdown ends the server in order, as `pg_ctl stop` does, and keeps the
// files. Restart starts it again.
func (c *Cluster) Shutdown(ctx context.Context) error { return c.end(ctx, true) }

func (c *Cluster) end(ctx context.Context, inOrder bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	err := c.server.stop(ctx, inOrder)
	c.server = nil
	if err != nil {
		return fmt.Errorf("stop server in %s: %w", c.dir, err)
	}
	return nil
}

// Restart shuts the server down, if it runs, and starts it again on the same
// port; it returns when the server accepts connections.
func (c *Cluster) Restart(ctx context.Context) error {
	if err := c.Shutdown(ctx); err != nil {
		return err
	}
	return c.startServer(ctx)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// startServer starts the server; where the port was ours to choose and somebody
// else was quicker, on another port.
func (c *Cluster) startServer(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return fmt.Errorf("start cluster in %s: it was stopped for good", c.dir)
	}
	const attempts = 5
	chosen := c.port != 0
	for attempt := 1; ; attempt++ {
		if !chosen {
			port, err := freePort()
			if err != nil {
				return err
			}
			c.port = port
		}
		if err := writeSettings(c.data(), c.settings, c.port); err != nil {
			return fmt.Errorf("configure cluster in %s: %w", c.dir, err)
		}
		s, err := startServer(ctx, c.binaries, c.account, c.data(), c.LogFile(), c.guard)
		if err == nil {
			c.server = s
			return nil
		}
		if chosen || attempt == attempts || !errors.Is(err, errPortTaken) {
			return fmt.Errorf("start cluster in %s: %w", c.dir, err)
		}
	}
}

// makeDir makes the cluster's directory and gives it to the server's account.
func makeDir(dir string, a *account) (string, error) {
	if dir == "" {
		made, err := os.MkdirTemp(a.tempDir(), "odsd-pg-")
		if err != nil {
			return "", fmt.Errorf("make a directory for PostgreSQL: %w", err)
		}
		return made, a.own(made)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	if err := a.own(dir); err != nil {
		return "", err
	}
	return dir, a.reaches(dir)
}

func newPassword() string { return rand.Text() }
