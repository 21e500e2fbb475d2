package storage

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ingestAll ingests a bulk a few bytes at a time and closes it.
func ingestAll(t *testing.T, b *Bulk, step int) {
	t.Helper()
	for done := false; !done; {
		var err error
		if done, err = b.Ingest(step); err != nil {
			t.Fatal(err)
		}
	}
	closeOrFail(t, b.Close)
}

// inSpaces makes keys of three relations and two indexes.
func inSpaces(random *rand.Rand) []byte {
	key := AppendRowPrefix(nil, RelationID(5+random.IntN(3)))
	if random.IntN(2) == 0 {
		key = AppendIndexPrefix(nil, IndexID(5+random.IntN(2)))
	}
	return fmt.Appendf(key, "%0*d", 1+random.IntN(30), random.IntN(500))
}

// However a bulk is spilled, the store has the last value of each key, less what is left
// out, and what it had before; none of it before the last step.
func TestBulkIsWhatItsSetsWouldBe(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		fs := MemoryFS()
		s := openAt(t, Options{FS: fs})
		apply(t, s, func(c *Commit) {
			for _, key := range []string{"a", "i", "j", "r", "z"} {
				c.Set([]byte(key), []byte("before"))
			}
		})
		want := map[string]string{}
		for _, p := range stored(t, s) {
			want[p.key] = p.value
		}
		before := maps.Clone(want)
		b := s.NewBulk()
		omitted := AppendIndexPrefix(nil, 6)
		for i := range 2000 {
			key, value := inSpaces(random), fmt.Append(nil, i)
			b.Set(key, value)
			if !bytes.HasPrefix(key, omitted) {
				want[string(key)] = string(value)
			}
			if random.IntN(200) == 0 {
				if err := b.Spill(); err != nil {
					t.Fatal(err)
				}
			}
			if i == 1000 {
				b.Omit(omitted)
			}
		}
		if done, err := b.Ingest(1); done || err != nil {
			t.Fatal(done, err)
		}
		if err := samePairs(stored(t, s), sorted(before)); err != nil {
			t.Fatalf("seed %d, while it is ingested: %v", seed, err)
		}
		ingestAll(t, b, 100)
		if err := samePairs(stored(t, s), sorted(want)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if left, err := fs.List(s.scratchDir()); err != nil || len(left) > 0 {
			t.Fatalf("left behind: %v, %v", left, err)
		}
	}
}

// An index may be dropped at any step of a bulk's way into the store, also when its entries lie in
// tables already: none of them is taken in, and all else is.
func TestBulkOmitsAnIndexThatIsDroppedOnItsWay(t *testing.T) {
	for dropped := range 25 { // after so many steps
		s := openAt(t, Options{FS: MemoryFS()})
		b := s.NewBulk()
		for i := range 8 {
			b.Set(fmt.Appendf(AppendIndexPrefix(nil, 5), "%d", i), nil)
			b.Set(fmt.Appendf(AppendIndexPrefix(nil, 6), "%d", i), nil)
			b.Set(fmt.Appendf(AppendRowPrefix(nil, 5), "%d", i), nil)
		}
		steps := 0
		for done := false; !done; steps++ {
			if steps == dropped {
				b.Omit(AppendIndexPrefix(nil, 5))
			}
			var err error
			if done, err = b.Ingest(1); err != nil {
				t.Fatal(err)
			}
		}
		closeOrFail(t, b.Close)
		left := map[string]int{}
		for _, p := range stored(t, s) {
			if len(p.key) > spaceBytes {
				left[p.key[:spaceBytes]]++
			}
		}
		if left[string(AppendIndexPrefix(nil, 5))] != 0 || left[string(AppendIndexPrefix(nil, 6))] != 8 || left[string(AppendRowPrefix(nil, 5))] != 8 {
			t.Errorf("dropped after %d steps: %v", dropped, left)
		}
	}
}

func sorted(model map[string]string) []pair {
	var pairs []pair
	for _, key := range slices.Sorted(maps.Keys(model)) {
		pairs = append(pairs, pair{key, model[key]})
	}
	return pairs
}

// What was never spilled may be written as part of a commit.
func TestBulkInACommit(t *testing.T) {
	s := openMemory(t)
	before := stored(t, s)
	b := s.NewBulk()
	for _, p := range []pair{{"z2", "old"}, {"z1", ""}, {"z2", "new"}} {
		b.Set([]byte(p.key), []byte(p.value))
	}
	apply(t, s, func(c *Commit) {
		if err := b.Write(c); err != nil {
			t.Fatal(err)
		}
	})
	closeOrFail(t, b.Close)
	if err := samePairs(stored(t, s), append(before, pair{"z1", ""}, pair{"z2", "new"})); err != nil {
		t.Error(err)
	}
}

// The tables lie below all others, though keys of other relations are in memory on both sides of
// each and between them: no compaction has to move them, and each read looks into one place.
func TestBulkLiesAtTheBottom(t *testing.T) {
	s := openMemory(t)
	apply(t, s, func(c *Commit) {
		for _, key := range []string{"a", "i\x00\x00\x00\x01", "i\x00\x00\x00\x06", "m", "r\x00\x00\x00\x01", "r\x00\x00\x00\x09", "z"} {
			c.Set([]byte(key), nil)
		}
	})
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<14) // 256 KiB
	b := s.NewBulk()
	for i := range 300 { // more than one table
		b.Set(fmt.Appendf(AppendRowPrefix(nil, 5), "%04d", 7*i%300), value)
		b.Set(fmt.Appendf(AppendIndexPrefix(nil, 5), "%04d", i), nil)
		if i%100 == 50 {
			if err := b.Spill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ingestAll(t, b, 1<<20)
	m := s.db.Metrics()
	if tables := m.Levels[6].TablesCount; tables != 3 || m.Total().TablesCount != 3 {
		t.Errorf("%d tables at the bottom of %d, want 3 of 3", tables, m.Total().TablesCount)
	}
	if got := len(stored(t, s)); got != 1+7+600 {
		t.Errorf("%d keys", got)
	}
}

// A bulk is not kept by a crash that loses a commit before it.
func TestBulkComesAfterTheLog(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := openAt(t, Options{FS: disk})
	apply(t, s, func(c *Commit) { c.Set([]byte("a"), []byte("the relation's record")) })
	b := s.NewBulk()
	b.Set([]byte("r"), []byte("a row"))
	ingestAll(t, b, 100)
	crashed := openAt(t, Options{FS: disk.CrashClone(vfs.CrashCloneCfg{})})
	if pairs := stored(t, crashed); len(pairs) != 3 {
		t.Errorf("after the crash there is %q", pairs)
	}
}

// What a crash leaves of a bulk is removed when the store is opened.
func TestBulkLeavesNothingBehindInACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := openAt(t, Options{FS: disk})
	b := s.NewBulk()
	for _, key := range []string{"r1", "r2"} {
		b.Set([]byte(key), nil)
		if err := b.Spill(); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := b.Ingest(1); done || err != nil {
		t.Fatal(done, err)
	}
	clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	closeOrFail(t, b.Close)
	crashed := openAt(t, Options{FS: clone})
	if left, err := clone.List(crashed.scratchDir()); err == nil && len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if pairs := stored(t, crashed); len(pairs) != 1 {
		t.Errorf("after the crash there is %q", pairs)
	}
}
