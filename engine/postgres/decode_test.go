package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// wire builds pgoutput messages: numbers by their size, strings with their
// terminating zero, bytes and byte slices as they are.
func wire(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case byte:
			b = append(b, p)
		case rune:
			b = append(b, byte(p))
		case uint16:
			b = binary.BigEndian.AppendUint16(b, p)
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		case uint64:
			b = binary.BigEndian.AppendUint64(b, p)
		case string:
			b = append(append(b, p...), 0)
		case []byte:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("%T", p))
		}
	}
	return b
}

func tuple(cells ...any) []byte {
	b := wire(uint16(len(cells)))
	for _, c := range cells {
		switch c := c.(type) {
		case rune:
			b = append(b, byte(c))
		case string:
			b = append(append(b, wire('t', uint32(len(c)))...), c...)
		}
	}
	return b
}

// script is a stream that uses every message, as PostgreSQL sends it.
func script() [][]byte {
	return [][]byte{
		wire('B', uint64(100), uint64(5_000_000), uint32(7)),
		wire('O', uint64(9), "origin"),
		wire('Y', uint32(77), "public", "mood"),
		wire('R', uint32(1), "public", "t", 'd', uint16(2), byte(1), "id", uint32(23), uint32(0xffffffff), byte(0), "v", uint32(25), uint32(0xffffffff)),
		wire('R', uint32(2), "public", "other", 'd', uint16(0)),
		wire('I', uint32(1), 'N', tuple("1", "one")),
		wire('I', uint32(2), 'N', tuple("not captured")),
		wire('M', byte(1), uint64(50), "prefix", uint32(3), []byte("abc")),
		wire('U', uint32(1), 'N', tuple("1", 'u')),
		wire('U', uint32(1), 'K', tuple("1", 'n'), 'N', tuple("2", 'n')),
		wire('U', uint32(1), 'O', tuple("2", 'n'), 'N', tuple("2", "two")),
		wire('D', uint32(1), 'K', tuple("2", 'n')),
		wire('T', uint32(2), byte(3), uint32(1), uint32(2)),
		wire('C', byte(0), uint64(100), uint64(120), uint64(5_000_000)),
	}
}

// streamedScript is a stream of transactions that come in blocks while they are
// in progress: 20 with its sub-transactions 21, 22 and 24 between the blocks of
// 30, and 40 of which nothing is told but its end.
func streamedScript() [][]byte {
	row := func(sub uint32, key, value string) []byte {
		return wire('I', sub, uint32(1), 'N', tuple(key, value))
	}
	return [][]byte{
		wire('S', uint32(20), byte(1)),
		wire('O', uint64(9), "origin"),
		wire('R', uint32(20), uint32(1), "public", "t", 'd', uint16(2), byte(1), "id", uint32(23), uint32(0xffffffff), byte(0), "v", uint32(25), uint32(0xffffffff)),
		row(20, "1", "kept"),
		row(21, "2", "rolled back"),
		row(22, "3", "within what is rolled back"),
		wire('E'),
		wire('S', uint32(30), byte(1)),
		wire('Y', uint32(30), uint32(77), "public", "mood"),
		wire('M', uint32(30), byte(1), uint64(50), "prefix", uint32(3), []byte("abc")),
		wire('E'),
		wire('A', uint32(20), uint32(22)),
		wire('A', uint32(20), uint32(21)),
		wire('S', uint32(20), byte(0)),
		row(24, "4", "kept"),
		wire('U', uint32(20), uint32(1), 'N', tuple("1", 'u')),
		wire('T', uint32(20), uint32(1), byte(0), uint32(1)),
		wire('E'),
		wire('c', uint32(30), byte(0), uint64(90), uint64(95), uint64(5_000_000)),
		wire('A', uint32(40), uint32(40), uint64(1), uint64(2)),
		wire('A', uint32(20), uint32(23)),
		wire('c', uint32(20), byte(0), uint64(100), uint64(120), uint64(5_000_000)),
	}
}

func testSpool(t testing.TB) *spool { return spoolIn(t, t.TempDir()) }

func spoolIn(t testing.TB, dir string) *spool {
	s, err := openSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func testAssembler(t testing.TB) *assembler { return assemblerWith(testSpool(t)) }

func assemblerWith(s *spool) *assembler {
	schema := &relation.Schema{Name: "shop.t", Key: []int{1}, Columns: []relation.Column{
		{Name: "v", Type: relation.TypeOf(relation.Text)}, {Name: "id", Type: relation.TypeOf(relation.Int4)},
	}}
	values := &valueReader{schema: schema, local: make([]bool, 2), zone: time.UTC}
	return newAssembler(s, func(d *describedRelation) (*target, error) {
		if d.name != "t" || len(d.columns) != 2 {
			return nil, nil
		}
		return &target{values: values, ordinals: []int{1, 0}, key: []bool{true, false}}, nil // the stream has another order
	})
}

func allChanges(t *testing.T, tx *engine.Transaction) []engine.Change {
	t.Helper()
	changes, err := changesOf(tx)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// heldInMemory are the bounds by which transactions are assembled: one that holds all
// of it in memory, none of it, and a part.
func heldInMemory(t *testing.T, test func(t *testing.T, large int64)) {
	for _, large := range []int64{largeBytes, 0, 90} {
		t.Run(fmt.Sprintf("%d bytes in memory", large), func(t *testing.T) { test(t, large) })
	}
}

func TestAssembleEveryMessage(t *testing.T) { heldInMemory(t, assembleEveryMessage) }

func assembleEveryMessage(t *testing.T, large int64) {
	a := testAssembler(t)
	a.large = large
	var tx *engine.Transaction
	for _, message := range script() {
		given, err := a.take(context.Background(), message)
		if err != nil {
			t.Fatalf("%q: %v", message[0], err)
		}
		if given != nil {
			tx = given
		}
		for i := range message {
			message[i] = 0xee // the connection's buffer is used again
		}
	}
	var got []string
	for _, c := range allChanges(t, tx) {
		got = append(got, fmt.Sprintf("%d %s old [%s] new [%s]", c.Operation, c.Relation, showRow(c.Old), showRow(c.New)))
	}
	want := []string{
		"1 shop.t old [] new [one 1]",
		"2 shop.t old [] new [unchanged 1]",
		"2 shop.t old [not sent 1] new [null 2]",
		"2 shop.t old [null 2] new [two 2]",
		"3 shop.t old [not sent 2] new []",
		"4 shop.t old [] new []",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if tx.End != 120 || !tx.CommittedAt.Equal(time.Date(2000, 1, 1, 0, 0, 5, 0, time.UTC)) {
		t.Errorf("ends at %s, committed at %s", tx.End, tx.CommittedAt)
	}
}

// A transaction in progress that commits is what it would be had it come at
// once: without what was rolled back within it, whatever came between.
func TestAssembleTransactionsInProgress(t *testing.T) {
	heldInMemory(t, assembleTransactionsInProgress)
}

func assembleTransactionsInProgress(t *testing.T, large int64) {
	a := testAssembler(t)
	a.large = large
	var got []string
	for _, message := range streamedScript() {
		tx, err := a.take(context.Background(), message)
		if err != nil {
			t.Fatalf("%q: %v", message[0], err)
		}
		for i := range message {
			message[i] = 0xee
		}
		if tx == nil {
			continue
		}
		got = append(got, fmt.Sprintf("ends at %s", tx.End))
		for _, c := range allChanges(t, tx) {
			got = append(got, fmt.Sprintf("%d old [%s] new [%s]", c.Operation, showRow(c.Old), showRow(c.New)))
		}
	}
	want := []string{
		"ends at 0/5F",
		"ends at 0/78", "1 old [] new [kept 1]", "1 old [] new [kept 4]", "2 old [] new [unchanged 1]", "4 old [] new []",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("transactions\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if left := spooled(t, a.spool); left != 0 || len(a.spool.streamed) != 0 {
		t.Errorf("%d files and %d transactions are left", left, len(a.spool.streamed))
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	boundaries := [][]byte{streamedScript()[0], wire('E'), streamedScript()[18], wire('A', uint32(1), uint32(2))}
	for _, data := range append(script(), boundaries...) {
		var m message
		for n := range data {
			if err := m.decode(data[:n:n]); err == nil {
				t.Errorf("%q cut to %d of %d bytes is taken as whole", data[0], n, len(data))
			}
		}
		if err := m.decode(append(bytes.Clone(data), 0)); err == nil {
			t.Errorf("%q with a byte too many is taken", data[0])
		}
	}
}

func TestDisorderHalts(t *testing.T) {
	begin := wire('B', uint64(100), uint64(0), uint32(7))
	described := script()[3]
	cases := map[string][][]byte{
		"unknown message":             {wire('b', uint32(1), byte(1))},
		"block within a transaction":  {begin, wire('S', uint32(1), byte(1))},
		"block within a block":        {wire('S', uint32(1), byte(1)), wire('S', uint32(2), byte(1))},
		"block that is not the first": {wire('S', uint32(1), byte(0))},
		"first block again":           {wire('S', uint32(1), byte(1)), wire('E'), wire('S', uint32(1), byte(1))},
		"end without a block":         {wire('E')},
		"rollback within a block":     {wire('S', uint32(1), byte(1)), wire('A', uint32(1), uint32(1))},
		"begin within a block":        {wire('S', uint32(1), byte(1)), begin},
		"commit of what is unknown":   {wire('c', uint32(1), byte(0), uint64(1), uint64(2), uint64(3))},
		"nonsense in a block": {wire('S', uint32(1), byte(1)), wire('I', uint32(1), uint32(9)), wire('E'),
			wire('c', uint32(1), byte(0), uint64(1), uint64(2), uint64(3))},
		"no id in a block":            {wire('S', uint32(1), byte(1)), wire('I', byte(1))},
		"begin within a transaction":  {begin, begin},
		"commit without begin":        {wire('C', byte(0), uint64(100), uint64(120), uint64(0))},
		"commit of another":           {begin, wire('C', byte(0), uint64(101), uint64(120), uint64(0))},
		"change outside":              {described, wire('I', uint32(1), 'N', tuple("1", "x"))},
		"change of what is not known": {begin, wire('I', uint32(9), 'N', tuple("1"))},
		"too few columns":             {begin, described, wire('I', uint32(1), 'N', tuple("1"))},
		"binary cell":                 {begin, described, wire('I', uint32(1), 'N', uint16(1), 'b', uint32(0))},
		"negative length":             {begin, described, wire('I', uint32(1), 'N', uint16(1), 't', uint32(0xffffffff))},
		"truncate of too many":        {begin, wire('T', uint32(0xffffffff), byte(0), uint32(1))},
	}
	for name, messages := range cases {
		t.Run(name, func(t *testing.T) {
			a := testAssembler(t)
			var err error
			for _, m := range messages {
				if err != nil {
					t.Fatal(err)
				}
				_, err = a.take(context.Background(), m)
			}
			if fault, final := judge(err); err == nil || !final || fault.Code != codeProtocol {
				t.Errorf("error %v", err)
			}
		})
	}
}

// FuzzAssemble feeds the assembler a stream of messages, each behind its length.
func FuzzAssemble(f *testing.F) {
	var whole []byte
	for _, m := range script() {
		whole = append(binary.BigEndian.AppendUint16(whole, uint16(len(m))), m...)
		f.Add(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	}
	f.Add(whole)
	whole = nil
	for _, m := range streamedScript() {
		whole = append(binary.BigEndian.AppendUint16(whole, uint16(len(m))), m...)
	}
	f.Add(whole)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		a := assemblerWith(spoolIn(t, dir))
		if len(data) > 0 {
			a.large = int64(data[len(data)-1])
		}
		for len(data) >= 2 {
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
			tx, err := a.take(context.Background(), data[2:2+n])
			if err != nil {
				return
			}
			if tx != nil {
				for _, c := range allChanges(t, tx) {
					if c.Operation != engine.Truncate && c.Old == nil && c.New == nil {
						t.Fatal("a change of nothing")
					}
				}
			}
			data = data[2+n:]
		}
	})
}

func FuzzCopyText(f *testing.F) {
	f.Add([]byte("1\ta\\tb\n2\t\\N\n"), 3)
	f.Add([]byte("1\t\\\n"), 1)
	schema := &relation.Schema{Name: "shop.t", Columns: []relation.Column{
		{Name: "id", Type: relation.TypeOf(relation.Int4)}, {Name: "v", Type: relation.TypeOf(relation.Text)},
	}}
	values := &valueReader{schema: schema, local: make([]bool, 2), zone: time.UTC}
	read := func(data []byte, size int) (string, error) {
		var got []string
		r := newCopyReader(values, func(rows [][]relation.Value) error {
			for _, row := range rows {
				got = append(got, showRow(row))
			}
			return nil
		})
		for len(data) > 0 {
			n := min(size, len(data))
			piece := bytes.Clone(data[:n])
			if _, err := r.Write(piece); err != nil {
				return "", err
			}
			for i := range piece {
				piece[i] = 0xee
			}
			data = data[n:]
		}
		return strings.Join(got, "\n"), r.flush()
	}
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		whole, err := read(data, len(data)+1)
		pieces, errPieces := read(data, 1+(size&0xff))
		if (err == nil) != (errPieces == nil) || err == nil && whole != pieces {
			t.Errorf("read whole: %q %v, in pieces: %q %v", whole, err, pieces, errPieces)
		}
	})
}

func BenchmarkAssemble(b *testing.B) {
	a := testAssembler(b)
	messages := script()
	for _, m := range messages[:4] {
		if _, err := a.take(context.Background(), m); err != nil {
			b.Fatal(err)
		}
	}
	update := messages[9]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := a.take(context.Background(), update); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			if _, err := a.take(context.Background(), messages[14]); err != nil {
				b.Fatal(err)
			}
			if _, err := a.take(context.Background(), messages[0]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
