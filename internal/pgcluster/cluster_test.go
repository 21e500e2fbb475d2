package pgcluster_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// childEnv makes the test binary the parent of a cluster that is killed.
const childEnv = "ODSD_TEST_CLUSTER_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "1" {
		parentOfCluster()
		return
	}
	os.Exit(m.Run())
}

// parentOfCluster starts a cluster, says where it is, and waits to be killed.
func parentOfCluster() {
	c, err := pgcluster.Start(context.Background(), pgcluster.Options{Databases: []string{"shop"}})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println(c.Dir(), c.PID())
	select {}
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func query[T any](t *testing.T, dsn, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var got T
	if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestStopLeavesNothing(t *testing.T) {
	c := pgtest.Start(t, pgcluster.Options{Databases: []string{"crm", "shop"}, Settings: map[string]string{"application_name": `it's \ odd`}})
	for _, database := range []string{"crm", "shop"} {
		if got := query[string](t, c.DSN(database), "select current_database()||' '||current_setting('wal_level')||' '||current_setting('application_name')"); got != database+` logical it's \ odd` {
			t.Errorf("got %q", got)
		}
	}
	if got := query[string](t, c.DSN("crm"), "select current_setting('listen_addresses')"); got != "127.0.0.1" {
		t.Errorf("listens on %q", got)
	}
	pids := serverProcesses(t, c.Dir())
	if len(pids) == 0 {
		t.Fatal("found no process of the server")
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, c.Dir())
	if err := c.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
	if err := c.Restart(t.Context()); err == nil {
		t.Error("a stopped cluster started again")
	}
}

func TestNeedsThePassword(t *testing.T) {
	c := pgtest.Start(t, pgcluster.Options{})
	config, err := pgx.ParseConfig(c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "guessed"
	if conn, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		conn.Close(t.Context())
		t.Fatal("connected by a wrong password")
	}
}

func TestKillAndRestart(t *testing.T) {
	c := pgtest.Start(t, pgcluster.Options{})
	dsn := c.DSN("postgres")
	ends := map[string]func() error{
		"kill":     c.Kill,
		"crash":    func() error { return c.Crash(t.Context()) },
		"shutdown": func() error { return c.Shutdown(t.Context()) },
		"restart":  func() error { return nil }, // by Restart itself
	}
	execute(t, dsn, "create table t(name text); insert into t values ('before')")
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			idle, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer idle.Close(t.Context())
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if err := c.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.DSN("postgres") != dsn {
				t.Error("the DSN changed")
			}
			if got := query[string](t, dsn, "select max(name) from t"); got != "before" {
				t.Errorf("the row is gone: %q", got)
			}
		})
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertNothingLeft(t, c.Dir())
}

func TestKeptClusterOpensAgain(t *testing.T) {
	dir := filepath.Join(openTempDir(t), "cluster")
	c := pgtest.Start(t, pgcluster.Options{Dir: dir, Databases: []string{"shop"}})
	execute(t, c.DSN("shop"), "create table t as select 7 as n")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pids := serverProcesses(t, dir); len(pids) > 0 {
		t.Fatalf("processes %v are left", pids)
	}
	again := pgtest.Start(t, pgcluster.Options{Dir: dir, Databases: []string{"shop", "crm"}})
	if got := query[int](t, again.DSN("shop"), "select n from t"); got != 7 {
		t.Errorf("got %d", got)
	}
	other := again.Major() - 1
	if _, err := pgcluster.Start(t.Context(), pgcluster.Options{Dir: dir, Major: other}); err == nil || !strings.Contains(err.Error(), "choose another directory") {
		t.Errorf("another major version: %v", err)
	}
}

func TestKilledParentLeavesNothing(t *testing.T) {
	for _, victim := range []string{"parent", "parent and guard"} {
		t.Run(victim, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"=1")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var dir string
			var pid int
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(line, &dir, &pid); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			pids := append(serverProcesses(t, dir), pid)
			if victim == "parent and guard" {
				if _, err := os.Stat("/proc/self"); err != nil {
					t.Skip("the kernel stops children with their parent on Linux only")
				}
				defer os.RemoveAll(dir)
				killGuard(t, dir)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, "the server's processes end", func() bool {
				for _, pid := range pids {
					if syscall.Kill(pid, 0) == nil {
						return false
					}
				}
				return true
			})
			if victim == "parent" {
				eventually(t, "the files are removed", func() bool {
					_, err := os.Stat(dir)
					return errors.Is(err, os.ErrNotExist)
				})
			}
		})
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	temp := openTempDir(t)
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if c, err := pgcluster.Start(ctx, pgcluster.Options{}); err == nil {
		t.Error("started in no time")
		c.Stop(t.Context())
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestVersions starts the versions that ODSD_TEST_POSTGRES lists, "14,18".
func TestVersions(t *testing.T) {
	versions := os.Getenv("ODSD_TEST_POSTGRES")
	if versions == "" {
		t.Skip("ODSD_TEST_POSTGRES is not set: PostgreSQL of other versions would be fetched; `make ci` sets it")
	}
	for version := range strings.SplitSeq(versions, ",") {
		t.Run(version, func(t *testing.T) {
			major, err := strconv.Atoi(version)
			if err != nil {
				t.Fatal(err)
			}
			c := pgtest.Start(t, pgcluster.Options{Major: major})
			got := query[int](t, c.DSN("postgres"), "select current_setting('server_version_num')::int / 10000")
			if got != major || c.Major() != major {
				t.Errorf("asked for %d, got %d (%s)", major, got, c.Version())
			}
			// Extensions of the package's own folders load.
			query[bool](t, c.DSN("postgres"), "select pg_create_logical_replication_slot('s', 'pgoutput') is not null")
		})
	}
}

// openTempDir is a temporary folder that the server's user may enter:
// t.TempDir's, made by root, are closed to it.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "odsd-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func assertNothingLeft(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
	if pids := serverProcesses(t, dir); len(pids) > 0 {
		t.Errorf("processes %v are left", pids)
	}
}

// serverProcesses lists the processes that name the directory or, the server's
// children, work in it.
func serverProcesses(t *testing.T, dir string) []int {
	t.Helper()
	return processes(t, func(proc string) bool {
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		return err == nil && strings.HasPrefix(cwd, dir)
	})
}

func killGuard(t *testing.T, dir string) {
	t.Helper()
	guards := processes(t, func(proc string) bool {
		line, err := os.ReadFile(filepath.Join(proc, "cmdline"))
		return err == nil && strings.HasSuffix(string(line), "odsd-guard\x00"+dir+"\x00")
	})
	if len(guards) != 1 {
		t.Fatalf("found %d guards of %s", len(guards), dir)
	}
	if err := syscall.Kill(guards[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func processes(t *testing.T, match func(proc string) bool) []int {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, proc := range procs {
		if match(proc) {
			pid, err := strconv.Atoi(filepath.Base(proc))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
