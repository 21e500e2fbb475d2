package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spooled counts the files of a spool.
func spooled(t *testing.T, s *spool) int {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// committed gives a transaction's messages as text.
func committed(t *testing.T, s *spool, id uint32) []string {
	t.Helper()
	var got []string
	err := s.commit(id, func(m []byte) error {
		got = append(got, string(m))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// modelTransaction is a session's transaction: what it would commit, and the
// sub-transactions that it is in.
type modelTransaction struct {
	id   uint32
	sent bool
	kept []modelMessage
	subs []modelSub // from the outermost
}

type modelMessage struct {
	sub  uint32
	text string
}

type modelSub struct {
	ids  []uint32 // itself and those released within it
	from int      // of kept
}

// TestSpoolIsWhatCommits plays sessions with savepoints, taken, released and
// rolled back, whose messages come in blocks.
func TestSpoolIsWhatCommits(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 5))
		s := testSpool(t)
		ids := uint32(0xfffffe00) // they wrap round
		sessions := make([]*modelTransaction, 3)
		for i := range sessions {
			ids++
			sessions[i] = &modelTransaction{id: ids}
		}
		for step := range 400 {
			m := sessions[random.IntN(len(sessions))]
			playBlock(t, s, m, random, &ids, step)
			if random.IntN(4) == 0 && len(m.subs) > 0 {
				rollBack(t, s, m)
			}
		}
		for _, m := range sessions {
			if !m.sent {
				continue
			}
			want := make([]string, len(m.kept))
			for i, k := range m.kept {
				want[i] = k.text
			}
			if got := committed(t, s, m.id); !slices.Equal(got, want) {
				t.Fatalf("seed %d: transaction %d has\n%s\nwant\n%s", seed, m.id, strings.Join(got, " "), strings.Join(want, " "))
			}
		}
		if n := spooled(t, s); n != 0 {
			t.Fatalf("seed %d: %d files are left", seed, n)
		}
	}
}

// playBlock sends a block of messages, with savepoints among them.
func playBlock(t *testing.T, s *spool, m *modelTransaction, random *rand.Rand, ids *uint32, step int) {
	t.Helper()
	if err := s.begin(m.id, !m.sent); err != nil {
		t.Fatal(err)
	}
	m.sent = true
	for i := range random.IntN(6) {
		switch random.IntN(5) {
		case 0:
			*ids++
			m.subs = append(m.subs, modelSub{ids: []uint32{*ids}, from: len(m.kept)})
		case 1:
			if n := len(m.subs); n > 0 { // released into the one around it
				if n > 1 {
					m.subs[n-2].ids = append(m.subs[n-2].ids, m.subs[n-1].ids...)
				}
				m.subs = m.subs[:n-1]
			}
		default:
			sub := m.id
			if n := len(m.subs); n > 0 {
				sub = m.subs[n-1].ids[0]
			}
			text := fmt.Sprintf("I%d.%d", step, i)
			if random.IntN(50) == 0 {
				text += strings.Repeat("x", spoolBuffer)
			}
			if err := s.add(sub, text[0], []byte(text[1:])); err != nil {
				t.Fatal(err)
			}
			m.kept = append(m.kept, modelMessage{sub, text})
		}
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
}

// rollBack rolls the innermost savepoint back, as the server tells it: a
// message for each sub-transaction, those within first.
func rollBack(t *testing.T, s *spool, m *modelTransaction) {
	t.Helper()
	last := m.subs[len(m.subs)-1]
	m.subs = m.subs[:len(m.subs)-1]
	for _, id := range append(last.ids[1:len(last.ids):len(last.ids)], last.ids[0]) {
		if err := s.abort(m.id, id); err != nil {
			t.Fatal(err)
		}
	}
	m.kept = m.kept[:last.from]
}

// A transaction may have more sub-transactions than are remembered.
func TestSpoolRemembersFewSubTransactions(t *testing.T) {
	s := testSpool(t)
	add := func(sub uint32) {
		if err := s.add(sub, 'I', fmt.Appendf(nil, "%d", sub)); err != nil {
			t.Fatal(err)
		}
	}
	fill := func() {
		if err := s.begin(1, true); err != nil {
			t.Fatal(err)
		}
		add(1)
		for sub := uint32(2); sub < 3*knownStarts; sub++ {
			add(sub)
		}
		add(2) // the outermost one, which all others were in, goes on
		add(3)
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
		if n := len(s.streamed[1].starts); n > knownStarts {
			t.Errorf("%d sub-transactions are remembered", n)
		}
	}
	for _, c := range []struct {
		aborted uint32
		kept    int
	}{{2, 1}, {3, 2}, {100, 99}, {3*knownStarts - 1, 3*knownStarts - 2}, {9 * knownStarts, 3*knownStarts + 1}} {
		fill()
		if err := s.abort(1, c.aborted); err != nil {
			t.Fatal(err)
		}
		if err := s.abort(1, c.aborted); err != nil { // it is gone
			t.Fatal(err)
		}
		if got := committed(t, s, 1); len(got) != c.kept || got[0] != "I1" {
			t.Errorf("after the rollback of %d there are %d messages, want %d", c.aborted, len(got), c.kept)
		}
	}
}

func TestSpoolRemovesWhatAnEarlierOneLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [b]* ?", "c")
	s, err := openSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.begin(7, true); err != nil {
		t.Fatal(err)
	}
	if err := s.add(7, 'I', bytes.Repeat([]byte{1}, spoolBuffer)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path(s.block))
	if err != nil {
		t.Fatal("the block is not on disk:", err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	again, err := openSpool(dir) // the daemon was killed
	if err != nil {
		t.Fatal(err)
	}
	if n := spooled(t, again); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestSpoolHoldsLittleInMemory(t *testing.T) {
	s := testSpool(t)
	if err := s.begin(7, true); err != nil {
		t.Fatal(err)
	}
	message := bytes.Repeat([]byte{1}, 64<<10)
	for range 500 {
		if err := s.add(7, 'I', message); err != nil {
			t.Fatal(err)
		}
		if cap(s.buffer) > 2*spoolBuffer {
			t.Fatalf("a buffer of %d bytes", cap(s.buffer))
		}
	}
	if err := s.add(7, 'I', make([]byte, 20<<20)); err != nil { // one huge row
		t.Fatal(err)
	}
	if cap(s.buffer) > 2*spoolBuffer {
		t.Fatalf("a huge row leaves a buffer of %d bytes", cap(s.buffer))
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	if err := s.commit(7, func(m []byte) error {
		if m[0] != 'I' {
			return errors.New("another message")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A folder that is full or not there any more is a passing fault that names it.
func TestSpoolWithoutRoom(t *testing.T) {
	s := testSpool(t)
	if err := s.begin(7, true); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.dir); err != nil {
		t.Fatal(err)
	}
	err := s.add(7, 'I', bytes.Repeat([]byte{1}, spoolBuffer))
	fault, final := judge(err)
	if err == nil || final || fault.Code != codeSpool || !strings.Contains(fault.Message, s.dir) || errors.Is(err, os.ErrPermission) {
		t.Errorf("fault %+v, final %t", fault, final)
	}
}
