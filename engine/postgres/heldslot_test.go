package postgres

import (
	"maps"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// A store goes back to what a backup held, and the source's own slot is gone, or is where the
// lost store was: what is streamed from the held slot has neither gap nor double.
func TestHeldSlotGoesOnAfterARestore(t *testing.T) {
	t.Parallel()
	for name, loss := range map[string]string{
		"own slot ahead":           `select pg_replication_slot_advance(%slot, pg_current_wal_lsn())`,
		"own slot gone":            `select pg_drop_replication_slot(%slot)`,
		"own slot created anew":    `select pg_drop_replication_slot(%slot); insert into t values (6, 'f'); select pg_create_logical_replication_slot(%slot, 'pgoutput')`,
		"own slot as it was":       `select 1`,
		"restored a second time":   `select pg_drop_replication_slot(%slot); select pg_copy_logical_replication_slot(%held, %slot); select pg_replication_slot_advance(%slot, pg_current_wal_lsn())`,
		"killed after it was gone": `select pg_replication_slot_advance(%slot, pg_current_wal_lsn()); select pg_drop_replication_slot(%slot)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, f := copied(t)
			d.exec(`insert into t values (2, 'b')`)
			s := d.source("t")
			held, err := s.HoldSlot(t.Context(), time.Unix(1e9, 0))
			if err != nil {
				t.Fatal(err)
			}
			if held.Position > f.position {
				t.Fatalf("held from %s, stored up to %s", held.Position, f.position)
			}
			d.exec(`insert into t values (3, 'c')`, `delete from t where id = 1`)
			for _, sql := range strings.Split(strings.NewReplacer("%slot", "'"+s.Slot()+"'", "%held", "'"+held.Name+"'").Replace(loss), "; ") {
				d.exec(sql)
			}
			f.restored = &engine.Restored{Held: held.Name}
			g := follow(t, s, f)
			g.catchUp(d)
			want := "2 b\n3 c"
			if strings.Contains(loss, "insert") {
				want += "\n6 f"
			}
			if got := g.table(d.name + ".t"); got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
			if g.doubled != 0 {
				t.Errorf("%d transactions came twice", g.doubled)
			}
			// From PostgreSQL 17 on standbys keep a copy of what createSlot makes, and so they do of this.
			if name != "own slot as it was" && d.text(`select coalesce((to_jsonb(s) ->> 'failover')::bool, true)::text from pg_replication_slots s where slot_name = $1`, s.Slot()) != "true" {
				t.Error("standbys keep no copy of the slot")
			}
			if after, err := s.ReadHeld(t.Context(), held.Name); err != nil || after == nil || after.Position != held.Position {
				t.Errorf("the held slot is %+v now, %v", after, err)
			}
		})
	}
}

// Where nothing holds what follows, the source ends with the wish to be copied anew: also one
// whose file says that it is to halt.
func TestNothingHeldIsCopiedAnewAfterARestore(t *testing.T) {
	t.Parallel()
	for name, loss := range map[string]string{
		"nothing was held": ``,
		"gone":             `select pg_drop_replication_slot(%held)`,
		"advanced":         `select pg_replication_slot_advance(%held, pg_current_wal_lsn())`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, f := copied(t)
			s := d.source("t")
			held, err := s.HoldSlot(t.Context(), time.Unix(1e9, 0))
			if err != nil {
				t.Fatal(err)
			}
			d.exec(`insert into t values (2, 'b')`, `select pg_drop_replication_slot('`+s.Slot()+`')`)
			f.restored = &engine.Restored{Held: held.Name}
			if loss == "" {
				f.restored.Held = ""
			} else {
				d.exec(strings.ReplaceAll(loss, "%held", "'"+held.Name+"'"))
			}
			if _, err := s.Covers(t.Context(), f.position, f.restored.Held); !LostForGood(err) {
				t.Errorf("covered: %v", err)
			}
			if halt := follow(t, s, f).halted(); halt.Code != codeGap || !halt.Anew {
				t.Errorf("%+v", halt)
			}
		})
	}
}

// Another daemon reads the source's own slot: it is not taken away from it.
func TestHeldSlotLeavesAReadersSlotAlone(t *testing.T) {
	t.Parallel()
	d, f := copied(t)
	s := d.source("t")
	held, err := s.HoldSlot(t.Context(), time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	d.exec(`insert into t values (2, 'b')`)
	rows := map[string]map[string][]relation.Value{}
	for name, all := range f.rows { // the followers are two stores
		rows[name] = maps.Clone(all)
	}
	other := follow(t, d.source("t"), f)
	other.catchUp(d)
	d.until("the other one is ahead", `select confirmed_flush_lsn > '`+f.position.String()+`' from pg_replication_slots where slot_name = '`+s.Slot()+`'`)
	f.rows, f.restored = rows, &engine.Restored{Held: held.Name}
	second := follow(t, s, f)
	second.until("it says so", func() bool { return second.fault() == codeSlotActive })
	other.stop()
	second.catchUp(d)
	if got, want := second.table(d.name+".t"), "1 a\n2 b"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
}

func TestHeldSlotsAreListedAndReleased(t *testing.T) {
	t.Parallel()
	d, _ := copied(t)
	s := d.source("t")
	held, err := s.HoldSlot(t.Context(), time.Date(2026, 11, 27, 11, 30, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if want := "odsd_held_20261127113005_" + s.Slot(); held.Name != want || held.Retained < 0 || held.Lost {
		t.Errorf("%+v, want %s", held, want)
	}
	if all, err := s.HeldSlots(t.Context()); err != nil || len(all) != 1 || all[0].Name != held.Name {
		t.Errorf("%+v, %v", all, err)
	}
	if covering, err := s.Covers(t.Context(), held.Position, held.Name); err != nil || covering != s.Slot() {
		t.Errorf("%q, %v", covering, err)
	}
	for _, want := range []bool{true, false} {
		if dropped, err := s.ReleaseSlot(t.Context(), held.Name); err != nil || dropped != want {
			t.Errorf("dropped: %v, %v", dropped, err)
		}
	}
	if _, err := s.ReleaseSlot(t.Context(), s.Slot()); err == nil {
		t.Error("the source's own slot was dropped")
	}
	if held, err := s.ReadHeld(t.Context(), held.Name); err != nil || held != nil {
		t.Errorf("%+v, %v", held, err)
	}
}

func TestHeldNamesFit(t *testing.T) {
	at := time.Unix(1e9, 0)
	long := strings.Repeat("x", maxSlotName-1)
	a, b := heldName(long+"a", at), heldName(long+"b", at)
	if a == b || len(a) != maxSlotName || len(b) != maxSlotName {
		t.Errorf("%s, %s", a, b)
	}
}
