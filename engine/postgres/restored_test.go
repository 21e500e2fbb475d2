package postgres

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A server whose files were put back as they were some time ago is the same installation, on the same timeline,
// with the same slot. What it writes now lies at positions that are stored as passed: it is refused, as long
// as its log has not come past them.
func TestServerFromAnEarlierCopyOfItsFilesHalts(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, nil)
	d := newDatabaseOn(t, cluster)
	f := copiedFrom(d)
	data := filepath.Join(cluster.Dir(), "data")
	stopped := func(what string, args ...string) {
		t.Helper()
		if err := cluster.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), what, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := cluster.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.reconnect()
	}
	stopped("cp", "-a", data, data+".earlier")
	d.exec(`insert into t select g, 'of the first history' from generate_series(2, 1000) g`)
	f = follow(t, d.source("t"), f)
	f.catchUp(d)
	f.stop()
	d.untilSlotIdle()
	stopped("sh", "-c", `rm -rf "$0" && mv "$0.earlier" "$0"`, data)
	d.exec(`insert into t values (2, 'of another history')`)
	f = follow(t, d.source("t"), f)
	halt := f.halted()
	if halt.Code != codeIdentity || !strings.Contains(halt.Message, "short of the stored position") || !strings.Contains(halt.Hint, "odsd resync") {
		t.Errorf("halt %s %q, hint %q", halt.Code, halt.Message, halt.Hint)
	}
	if len(f.log) != 0 {
		t.Errorf("%d changes of another history were taken", len(f.log))
	}
}

// Another server at the address, though its database has the same name and even the same number.
func TestAnotherServerAtTheAddressIsRefused(t *testing.T) {
	t.Parallel()
	d := newDatabaseOn(t, startCluster(t, nil))
	f := copiedFrom(d)
	cluster := startCluster(t, nil)
	if err := cluster.CreateDatabase(t.Context(), d.name); err != nil {
		t.Fatal(err)
	}
	other := d.on(cluster)
	other.exec(`create table t (id int primary key, v text)`, `insert into t values (2, 'of another server')`)
	f = follow(t, other.source("t"), f)
	halt := f.halted()
	if halt.Code != codeIdentity || !strings.Contains(halt.Message, "system identifier") || !strings.Contains(halt.Hint, "odsd resync") || len(f.log) != 0 {
		t.Errorf("halt %s %q, hint %q; %d changes", halt.Code, halt.Message, halt.Hint, len(f.log))
	}
}
