package storage

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is what a Commit over a Store must be like: two maps.
type model struct {
	t       *rapid.T
	store   *Store
	fs      FS
	commit  *Commit
	stored  map[string]string // by the commits before
	before  map[string]string // the same, or what the slices before this one made of it
	pending map[string]string
	cursors []modelCursor
}

// modelCursor is an open cursor and what it must still see.
type modelCursor struct {
	Cursor
	all  []pair
	rest []pair
}

func keys() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-e]{1,3}`),
		rapid.StringMatching(`longlonglonglong[ab]{0,2}`), // alike in what the overlay compares first
	)
}

func bounds(t *rapid.T) (lower, upper []byte) {
	a, b := keys().Draw(t, "lower"), keys().Draw(t, "upper")
	if rapid.IntRange(0, 5).Draw(t, "open") == 0 {
		return []byte(a), nil
	}
	return []byte(min(a, b)), []byte(max(a, b))
}

func within(m map[string]string, lower, upper []byte) []pair {
	var pairs []pair
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if contains(lower, upper, []byte(key)) {
			pairs = append(pairs, pair{key, m[key]})
		}
	}
	return pairs
}

func (m *model) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

// likelyKey is a key that is mostly there.
func likelyKey(t *rapid.T, of map[string]string) string {
	there := within(of, []byte("a"), []byte("m"))
	if len(there) > 0 && rapid.IntRange(0, 3).Draw(t, "there") > 0 {
		return there[rapid.IntRange(0, len(there)-1).Draw(t, "which")].key
	}
	return keys().Draw(t, "key")
}

func (m *model) set(t *rapid.T) {
	key, value := likelyKey(t, m.before), rapid.StringN(0, 5, -1).Draw(t, "value")
	m.commit.Set([]byte(key), []byte(value))
	m.pending[key] = value
}

func (m *model) delete(t *rapid.T) {
	key := likelyKey(t, m.pending)
	m.commit.Delete([]byte(key))
	delete(m.pending, key)
}

func (m *model) deleteRange(t *rapid.T) {
	lower, upper := bounds(t)
	if upper == nil {
		return
	}
	m.commit.DeleteRange(lower, upper)
	for _, p := range within(m.pending, lower, upper) {
		delete(m.pending, p.key)
	}
}

func (m *model) get(t *rapid.T) {
	key := likelyKey(t, m.before)
	for _, of := range []struct {
		r    Reader
		want map[string]string
	}{{m.commit, m.pending}, {m.commit.Before(), m.before}} {
		value, found, err := of.r.Get([]byte(key))
		m.must(err)
		if want, exists := of.want[key]; found != exists || string(value) != want {
			t.Fatalf("%q is %q, %v; want %q, %v", key, value, found, want, exists)
		}
	}
}

func (m *model) open(t *rapid.T) {
	lower, upper := bounds(t)
	r, from := Reader(m.commit), m.pending
	if rapid.IntRange(0, 3).Draw(t, "before") == 0 {
		r, from = m.commit.Before(), m.before
	}
	all := within(from, lower, upper)
	m.cursors = append(m.cursors, modelCursor{r.Scan(lower, upper), all, all})
}

func (m *model) cursor(t *rapid.T) *modelCursor {
	if len(m.cursors) == 0 {
		t.Skip("no cursor is open")
	}
	return &m.cursors[rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")]
}

func (m *model) next(t *rapid.T) {
	c := m.cursor(t)
	m.expect(c, c.Next())
}

func (m *model) seek(t *rapid.T) {
	c := m.cursor(t)
	key := keys().Draw(t, "key")
	c.rest = c.all
	for len(c.rest) > 0 && c.rest[0].key < key {
		c.rest = c.rest[1:]
	}
	m.expect(c, c.SeekGE([]byte(key)))
}

// expect checks where a cursor has moved to.
func (m *model) expect(c *modelCursor, moved bool) {
	if moved != (len(c.rest) > 0) {
		m.t.Fatalf("moved %v to %q with %q to come, %v", moved, c.Key(), c.rest, c.Err())
	}
	if !moved {
		m.must(c.Err())
		return
	}
	if got := (pair{string(c.Key()), string(c.Value())}); got != c.rest[0] {
		m.t.Fatalf("stands at %q, want %q", got, c.rest[0])
	}
	c.rest = c.rest[1:]
}

func (m *model) close(t *rapid.T) {
	c := m.cursor(t)
	m.must(c.Close())
	m.must(c.Close())
	i := slices.IndexFunc(m.cursors, func(o modelCursor) bool { return o.Cursor == c.Cursor })
	m.cursors = slices.Delete(m.cursors, i, i+1)
}

// slice goes on with the commit as a large one: readers of the store see nothing
// of it, cursors go on over what they were opened over.
func (m *model) slice(t *rapid.T) {
	m.must(m.commit.NextSlice())
	m.before = maps.Clone(m.pending)
	if err := samePairs(stored(t, m.store), within(m.stored, nil, nil)); err != nil {
		t.Fatal(err)
	}
}

// spill changes nothing that anybody sees.
func (m *model) spill(*rapid.T) { m.must(m.commit.Spill()) }

func (m *model) end(t *rapid.T) {
	for _, c := range m.cursors {
		m.must(c.Close())
	}
	m.cursors = nil
	if rapid.Bool().Draw(t, "apply") {
		m.must(m.commit.Apply())
		m.stored = maps.Clone(m.pending)
	} else {
		m.commit.Abandon()
	}
	m.before, m.pending = maps.Clone(m.stored), maps.Clone(m.stored)
	if err := m.commit.Apply(); !errors.Is(err, ErrFinished) {
		t.Fatalf("applied after its end: %v", err)
	}
	m.commit.Abandon()
	if err := samePairs(stored(t, m.store), within(m.before, nil, nil)); err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 4).Draw(t, "reopen") == 0 {
		m.must(m.store.Close())
		m.reopen()
	}
	m.commit = m.store.Begin()
}

func (m *model) reopen() {
	s, err := Open("store", Options{FS: m.fs, CacheBytes: 1 << 20})
	m.must(err)
	m.store = s
}

// check compares everything, from the start, with a fresh cursor.
func (m *model) check(t *rapid.T) {
	if err := samePairs(content(t, m.commit), within(m.pending, nil, nil)); err != nil {
		t.Fatal(err)
	}
	if err := samePairs(content(t, m.commit.Before()), within(m.before, nil, nil)); err != nil {
		t.Fatal(err)
	}
}

func TestCommitIsLikeASortedMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, fs: MemoryFS(), stored: map[string]string{}}
		m.reopen()
		for _, own := range stored(t, m.store) {
			m.stored[own.key] = own.value
		}
		m.before, m.pending = maps.Clone(m.stored), maps.Clone(m.stored)
		defer func() {
			for _, c := range m.cursors {
				m.must(c.Close())
			}
			m.commit.Abandon()
			m.must(m.store.Close())
		}()
		m.commit = m.store.Begin()
		t.Repeat(map[string]func(*rapid.T){
			"set": m.set, "set again": m.set, "delete": m.delete, "delete range": m.deleteRange, "get": m.get,
			"open": m.open, "next": m.next, "next again": m.next, "seek": m.seek, "close": m.close, "delete again": m.delete, "slice": m.slice, "spill": m.spill, "fork": m.fork, "end": m.end,
			"": m.check,
		})
	})
}
