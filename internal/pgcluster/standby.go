package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// StandbyOptions of a standby.
type StandbyOptions struct {
	// Slots has the standby begin with the primary's replication slots. Otherwise
	// it has none, as one that was made by pg_basebackup.
	Slots bool
	// Settings over those of the primary.
	Settings map[string]string
}

// Standby makes a cluster that follows this one, from a copy of its files: the
// server is shut down for that and started again. The two have one system
// identifier and one password. Stop removes the standby's files.
func (c *Cluster) Standby(ctx context.Context, o StandbyOptions) (*Cluster, error) {
	if err := c.Shutdown(ctx); err != nil {
		return nil, err
	}
	standby := &Cluster{binaries: c.binaries, account: c.account, password: c.password, settings: maps.Clone(c.settings)}
	err := standby.copyOf(c, o)
	if startErr := c.startServer(ctx); err == nil {
		err = startErr
	}
	if err == nil {
		err = standby.follow(ctx, c, o)
	}
	if err != nil {
		return nil, errors.Join(err, standby.Stop(context.WithoutCancel(ctx)))
	}
	return standby, nil
}

func (c *Cluster) copyOf(primary *Cluster, o StandbyOptions) error {
	var err error
	if c.dir, err = makeDir("", c.account); err != nil {
		return err
	}
	if c.guard, err = startGuard(c.dir, c.keep); err != nil {
		return err
	}
	if err := copyTree(primary.data(), c.data(), c.account); err != nil {
		return fmt.Errorf("copy the cluster in %s: %w", primary.dir, err)
	}
	if o.Slots {
		return nil
	}
	slots, err := filepath.Glob(filepath.Join(c.data(), "pg_replslot", "*"))
	for _, slot := range slots {
		err = errors.Join(err, os.RemoveAll(slot))
	}
	return err
}

func (c *Cluster) follow(ctx context.Context, primary *Cluster, o StandbyOptions) error {
	maps.Copy(c.settings, o.Settings)
	c.settings["primary_conninfo"] = fmt.Sprintf("host=127.0.0.1 port=%d user=%s password=%s dbname=postgres", primary.Port(), superuser, primary.password)
	signal := filepath.Join(c.data(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return fmt.Errorf("make a standby: %w", err)
	}
	if err := c.account.own(signal); err != nil {
		return err
	}
	return c.startServer(ctx)
}

// Promote makes a standby a primary, and returns when it takes writes.
func (c *Cluster) Promote(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("promote the cluster in %s: %w", c.dir, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var promoted bool
	if err := conn.QueryRow(ctx, "select pg_promote()").Scan(&promoted); err != nil {
		return fmt.Errorf("promote the cluster in %s: %w", c.dir, err)
	}
	if !promoted {
		return fmt.Errorf("promote the cluster in %s: it is still a standby after a minute", c.dir)
	}
	return nil
}

// copyTree copies the files of a cluster that does not run.
func copyTree(from, to string, a *account) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		switch {
		case entry.IsDir():
			err = os.Mkdir(target, info.Mode().Perm())
		case info.Mode().IsRegular():
			err = copyFile(path, target, info.Mode().Perm())
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", path)
		}
		if err != nil {
			return err
		}
		return a.own(target)
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
