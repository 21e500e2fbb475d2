package storage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
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
