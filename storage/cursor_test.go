package storage

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// script runs the commands of one paragraph of testdata/cursor over a new store.
type script struct {
	t       *testing.T
	store   *Store
	commit  *Commit
	cursors map[string]Cursor
}

func TestCursorScripts(t *testing.T) {
	datadriven.RunTest(t, "testdata/cursor", func(t *testing.T, d *datadriven.TestData) string {
		s := &script{t: t, store: openMemory(t), cursors: map[string]Cursor{}}
		s.commit = s.store.Begin()
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			fields := strings.Fields(line)
			if said := s.run(fields[0], fields[1:]); said != "" {
				fmt.Fprintf(&out, "%s: %s\n", strings.TrimSpace(line), said)
			}
		}
		for _, c := range s.cursors {
			closeOrFail(t, c.Close)
		}
		s.commit.Abandon()
		return out.String()
	})
}

// run does one command and gives what there is to see.
func (s *script) run(command string, args []string) string {
	switch command {
	case "set":
		s.commit.Set([]byte(args[0]), []byte(args[1]))
	case "delete":
		s.commit.Delete([]byte(args[0]))
	case "delete-range":
		s.commit.DeleteRange([]byte(args[0]), []byte(args[1]))
	case "apply":
		if err := s.commit.Apply(); err != nil {
			s.t.Fatal(err)
		}
		s.commit = s.store.Begin()
	case "get":
		value, found, err := s.commit.Get([]byte(args[0]))
		if err != nil || !found {
			return fmt.Sprint("none ", err)
		}
		return string(value)
	case "scan", "scan-before":
		return s.scan(command, args)
	case "open": // name, lower, upper
		s.cursors[args[0]] = s.commit.Scan([]byte(args[1]), []byte(args[2]))
	case "next":
		c := s.cursors[args[0]]
		return at(c, c.Next())
	case "seek":
		c := s.cursors[args[0]]
		return at(c, c.SeekGE([]byte(args[1])))
	case "stats":
		return fmt.Sprintf("%+v", s.commit.Stats())
	default:
		s.t.Fatalf("no command %q", command)
	}
	return ""
}

func (s *script) scan(command string, args []string) string {
	r := Reader(s.commit)
	if command == "scan-before" {
		r = s.commit.Before()
	}
	lower, upper := []byte("a"), []byte("k")
	if len(args) == 2 {
		lower, upper = []byte(args[0]), []byte(args[1])
	}
	pairs, err := read(r.Scan(lower, upper))
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, p := range pairs {
		out = append(out, p.key+"="+p.value)
	}
	return strings.Join(out, " ")
}

func at(c Cursor, moved bool) string {
	if !moved {
		return fmt.Sprint("end ", c.Err())
	}
	return fmt.Sprintf("%s=%s", c.Key(), c.Value())
}

// A cursor that goes both ways stands where a sorted list of the keys says,
// whatever moves it has made.
func TestTwoWayCursor(t *testing.T) {
	s := openMemory(t)
	c := s.Begin()
	var keys []string
	for i := range 50 {
		key := fmt.Sprintf("k%02d", 2*i)
		keys = append(keys, key)
		c.Set([]byte(key), []byte(key))
	}
	c.Set([]byte("j"), nil)
	c.Set([]byte("l"), nil)
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
	snapshot := s.Snapshot()
	defer snapshot.Close()
	rapid.Check(t, func(t *rapid.T) {
		cursor := snapshot.ScanBoth([]byte("k"), []byte("l"))
		defer cursor.Close()
		at, fresh := 0, true // -1 before all, len(keys) behind
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			target := fmt.Sprintf("k%02d", rapid.IntRange(0, 100).Draw(t, "target"))
			moves := []string{"SeekGE", "SeekLT", "Next", "Prev"}
			if !fresh && (at < 0 || at == len(keys)) {
				moves = moves[:2] // off the range only a seek says where to go
			}
			moved := false
			switch rapid.SampledFrom(moves).Draw(t, "move") {
			case "SeekGE":
				at, moved = sort.SearchStrings(keys, target), cursor.SeekGE([]byte(target))
			case "SeekLT":
				at, moved = sort.SearchStrings(keys, target)-1, cursor.SeekLT([]byte(target))
			case "Next":
				if moved = cursor.Next(); !fresh {
					at++
				}
			case "Prev":
				if moved = cursor.Prev(); fresh {
					at = len(keys)
				}
				at--
			}
			fresh = false
			if there := at >= 0 && at < len(keys); there != moved || there && string(cursor.Key()) != keys[at] {
				t.Fatalf("at %q (%t), want place %d of %d", cursor.Key(), moved, at, len(keys))
			}
		}
		if err := cursor.Err(); err != nil {
			t.Fatal(err)
		}
	})
}
