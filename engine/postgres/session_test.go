package postgres

import (
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// testSession takes messages as from a server, without one; what it delivers
// stands in the channel.
func testSession(t testing.TB) (*session, chan engine.Event) {
	out := make(chan engine.Event, 16)
	s := &session{run: &run{Source: New(Config{Name: "shop"}), out: out}, pinged: make(chan struct{}, 1)}
	s.assembler = testAssembler(t)
	return s, out
}

// logged wraps a message of the log as replication does.
func logged(message []byte) []byte {
	return wire('w', uint64(0), uint64(0), uint64(0), message)
}

func keepaliveAt(end uint64) []byte { return wire('k', end, uint64(0), byte(0)) }

func takeAll(t *testing.T, s *session, messages ...[]byte) {
	t.Helper()
	for _, m := range messages {
		if err := s.take(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func delivered(out chan engine.Event) []engine.Event {
	var events []engine.Event
	for len(out) > 0 {
		events = append(events, <-out)
	}
	return events
}

var (
	testBegin    = wire('B', uint64(100), uint64(0), uint32(7))
	testInsert   = wire('I', uint32(1), 'N', tuple("1", "one"))
	testCommit   = wire('C', byte(0), uint64(100), uint64(120), uint64(0))
	testDescribe = wire('R', uint32(1), "public", "t", 'd', uint16(2), byte(1), "id", uint32(23), uint32(0xffffffff), byte(0), "v", uint32(25), uint32(0xffffffff))
)

// The server's position passes a transaction while its changes are on the way: that
// it has come so far says nothing before the commit is here.
func TestKeepaliveWithinATransactionSaysNothing(t *testing.T) {
	s, out := testSession(t)
	takeAll(t, s, logged(testDescribe), logged(testBegin), logged(testInsert), keepaliveAt(500))
	if events := delivered(out); len(events) != 0 {
		t.Errorf("within a transaction the engine is told %+v", events)
	}
	takeAll(t, s, logged(testCommit), keepaliveAt(500))
	events := delivered(out)
	if len(events) != 2 || events[0].(*engine.Transaction).End != 120 || events[1] != (engine.Progress{Position: 500}) {
		t.Errorf("after the transaction the engine is told %+v", events)
	}
}

// A transaction that the server sends again, because it never heard that it was
// durable, is not delivered twice; nor is what a position says that is behind.
func TestTransactionSentAgainIsDeliveredOnce(t *testing.T) {
	s, out := testSession(t)
	whole := [][]byte{logged(testDescribe), logged(testBegin), logged(testInsert), logged(testCommit)}
	takeAll(t, s, whole...)
	takeAll(t, s, whole...)
	takeAll(t, s, keepaliveAt(110))
	if events := delivered(out); len(events) != 1 {
		t.Errorf("the engine is told %d times: %+v", len(events), events)
	}
}

// TRUNCATE of several tables, as with CASCADE, empties each of them.
func TestTruncateOfSeveralTablesTellsEach(t *testing.T) {
	a := testAssembler(t)
	known := a.describe
	a.describe = func(d *describedRelation) (*target, error) {
		found, err := known(d)
		if found == nil {
			other := &relation.Schema{Name: "shop." + d.name, Key: []int{0}, Columns: []relation.Column{{Name: "id", Type: relation.TypeOf(relation.Int4)}}}
			found = &target{values: &valueReader{schema: other, local: make([]bool, 1)}, ordinals: []int{0}, key: []bool{true}}
		}
		return found, err
	}
	var tx *engine.Transaction
	for _, message := range [][]byte{
		testDescribe, wire('R', uint32(2), "public", "u", 'd', uint16(1), byte(1), "id", uint32(23), uint32(0xffffffff)),
		testBegin, wire('T', uint32(2), byte(1), uint32(1), uint32(2)), testCommit,
	} {
		var err error
		if tx, err = a.take(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	if len(tx.Changes) != 2 || tx.Changes[0].Relation != "shop.t" || tx.Changes[1].Relation != "shop.u" {
		t.Errorf("the changes are %+v", tx.Changes)
	}
}
