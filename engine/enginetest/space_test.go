package enginetest

import (
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"odsd/engine"
	"odsd/storage/relation"
)

// disk has as much room as a test says.
type disk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load()}, nil
}

// A disk with little room left pauses everything that takes in: nothing is applied or
// acknowledged, and what is stored is served. With room again it goes on by itself.
func TestFullDiskPausesTheIntake(t *testing.T) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{FS: vfs.NewMem()}
	d.free.Store(10 << 30)
	w := &World{fs: d}
	if err := w.begin(schemas, checked, hotDatabase(t, schemas, 10)); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d.free.Store(511 << 20)
	if err := turn(w, "it has paused", func() bool { return w.Engine.Status().Paused != nil }); err != nil {
		t.Fatal(err)
	}
	if p := w.Engine.Status().Paused; p.Code != engine.DiskFull || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	acknowledged, frontier := w.sources["crm"].Acknowledged(), w.Engine.Status().Sources[0].LSN
	changes, err := w.Database.Apply(updated("crm", "crm.customers", []relation.Value{int4(1)}, Cell{1, relation.OfText("Other")}))
	if err != nil {
		t.Fatal(err)
	}
	end := w.sources["crm"].Commit(changes)
	for range 3 { // turns of the writer, each of which looks at the disk
		release, err := w.Engine.Hold(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	d.free.Store(600 << 20) // not enough to go on
	release, err := w.Engine.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
	status := w.Engine.Status()
	if now := w.sources["crm"].Acknowledged(); status.Paused == nil || now != acknowledged || status.Sources[0].LSN != frontier {
		t.Errorf("paused: %+v, acknowledged up to %v, was %v; frontier %s, was %s", status.Paused, now, acknowledged, status.Sources[0].LSN, frontier)
	}
	d.free.Store(2 << 30)
	if err := w.Engine.WaitFor(t.Context(), "crm", end); err != nil {
		t.Fatal(err)
	}
	if p := w.Engine.Status().Paused; p != nil {
		t.Errorf("still paused: %+v", p)
	}
	if err := w.Check(); err != nil {
		t.Error(err)
	}
}
