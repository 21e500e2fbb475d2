package storage

import (
	"maps"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// fork has forks read and write, each at keys of its own, and then joins some and gives up
// the others.
func (m *model) fork(t *rapid.T) {
	if !m.commit.CanFork() {
		t.Skip("the commit has slices")
	}
	var forks []*modelFork
	for _, own := range []span{{nil, []byte("c")}, {[]byte("c"), []byte("d")}, {[]byte("d"), nil}} {
		forks = append(forks, &modelFork{Commit: m.commit.Fork(), own: own, sees: maps.Clone(m.pending)})
	}
	for range rapid.IntRange(1, 20).Draw(t, "steps") {
		m.stepFork(t, forks[rapid.IntRange(0, len(forks)-1).Draw(t, "fork")])
	}
	for _, f := range forks {
		if err := samePairs(content(t, f), within(f.sees, nil, nil)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range forks {
		if rapid.IntRange(0, 3).Draw(t, "abandon") == 0 {
			f.Abandon()
			f.Abandon()
			continue
		}
		m.commit.Join(f.Commit)
		for _, key := range f.touched {
			delete(m.pending, key)
			if value, there := f.sees[key]; there {
				m.pending[key] = value
			}
		}
	}
}

type modelFork struct {
	*Commit
	own     span
	sees    map[string]string
	touched []string
}

func (m *model) stepFork(t *rapid.T, f *modelFork) {
	key := likelyKey(t, f.sees)
	own := contains(f.own.lower, f.own.upper, []byte(key))
	switch rapid.IntRange(0, 3).Draw(t, "step") {
	case 0:
		if value := rapid.StringN(0, 5, -1).Draw(t, "value"); own {
			f.Set([]byte(key), []byte(value))
			f.sees[key] = value
			f.touched = append(f.touched, key)
		}
	case 1:
		if own {
			f.Delete([]byte(key))
			delete(f.sees, key)
			f.touched = append(f.touched, key)
		}
	case 2:
		lower, upper := bounds(t)
		got, err := read(f.Scan(lower, upper))
		m.must(err)
		if err := samePairs(got, within(f.sees, lower, upper)); err != nil {
			t.Fatal(err)
		}
	default:
		value, found, err := f.Get([]byte(key))
		m.must(err)
		if want, exists := f.sees[key]; found != exists || string(value) != want {
			t.Fatalf("%q is %q, %v in a fork; want %q, %v", key, value, found, want, exists)
		}
	}
}

// Forks work at the same time: the race detector is the judge of what they share.
func TestForksWorkSideBySide(t *testing.T) {
	s := openMemory(t)
	apply(t, s, func(c *Commit) {
		for _, key := range []string{"a1", "b1", "z1", "z2"} {
			c.Set([]byte(key), []byte("stored"))
		}
	})
	c := s.Begin()
	c.Set([]byte("z2"), []byte("pending"))
	c.Delete([]byte("z1"))
	var all sync.WaitGroup
	forks := map[string]*Commit{"a": c.Fork(), "b": c.Fork()}
	for own, f := range forks {
		all.Go(func() {
			for n := range 200 {
				key := []byte(own + string(rune('1'+n%5)))
				if value, _, err := f.Get(key); err != nil || n >= 5 && string(value) != own {
					t.Errorf("%s is %q: %v", key, value, err)
				}
				f.Set(key, []byte(own))
				pairs, err := read(f.Scan([]byte("z"), nil))
				if err == nil {
					err = samePairs(pairs, []pair{{"z2", "pending"}})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	before := c.Stats()
	for _, f := range forks {
		c.Join(f)
	}
	if stats := c.Stats(); stats.Gets != before.Gets+400 || stats.Sets != before.Sets+400 {
		t.Errorf("counted %+v, and %+v before", stats, before)
	}
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
	if got := len(stored(t, s)); got != 12 {
		t.Errorf("%d keys, want five of each fork, z2 and the store's own", got)
	}
}
