package postgres

import (
	"slices"
	"strings"
	"sync"

	"odsd/storage/relation"
)

// captured is a table as a run captures it. It is not written to once it is in
// the roster.
type captured struct {
	schema   *relation.Schema
	identity relationIdentity
	state    captureState
}

type captureState uint8

const (
	// live tables are delivered by the columns that are stored.
	live captureState = iota
	// copying ones are delivered by the columns that are being copied.
	copying
	// halted ones are not delivered until they are copied anew.
	halted
)

func (c *captured) in(state captureState) *captured {
	changed := *c
	changed.state = state
	return &changed
}

// roster is the tables of a run, shared by its goroutines. The reader alone
// changes it, between two messages.
type roster struct {
	mu     sync.Mutex
	byName map[string]*captured
}

func newRoster(id *identity, schemas []*relation.Schema) *roster {
	r := &roster{byName: make(map[string]*captured, len(schemas))}
	for _, s := range schemas {
		r.byName[s.Name] = &captured{schema: s, identity: id.Relations[s.Name]}
	}
	return r
}

func (r *roster) get(name string) *captured {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byName[name]
}

func (r *roster) set(c *captured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[c.schema.Name] = c
}

func (r *roster) remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byName, name)
}

// find gives the table with this oid, else the one of this name.
func (r *roster) find(oid uint32, name string) *captured {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.byName {
		if c.identity.OID == oid {
			return c
		}
	}
	return r.byName[name]
}

// except lists the tables that are not in a state, by name.
func (r *roster) except(state captureState) []*captured {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*captured
	for _, c := range r.byName {
		if c.state != state {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *captured) int { return strings.Compare(a.schema.Name, b.schema.Name) })
	return all
}

func (r *roster) oids() map[uint32]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	oids := make(map[uint32]bool, len(r.byName))
	for _, c := range r.byName {
		oids[c.identity.OID] = true
	}
	return oids
}

// wishes are the tables that are to be copied anew beside the stream. They
// outlive connections.
type wishes struct {
	mu    sync.Mutex
	names map[string]wish
	some  chan struct{} // holds a token while there may be wishes
}

// wish says what becomes of the table when it cannot be copied: one that can go on
// as it is does.
type wish struct {
	optional bool
	// number tells it from one that came while its table was being copied.
	number int
}

func newWishes() *wishes {
	return &wishes{names: make(map[string]wish), some: make(chan struct{}, 1)}
}

func (w *wishes) add(name string, optional bool) {
	w.mu.Lock()
	known, ok := w.names[name]
	if !ok || !optional {
		w.names[name] = wish{optional: optional && (!ok || known.optional), number: known.number + 1}
	}
	w.mu.Unlock()
	w.signal()
}

// need is add of one that cannot go on as it is. It may be said again and again, and is one wish until it is fulfilled.
func (w *wishes) need(name string) {
	w.mu.Lock()
	known := w.names[name]
	w.names[name] = wish{number: max(known.number, 1)}
	w.mu.Unlock()
	w.signal()
}

func (w *wishes) signal() {
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// next gives a wish without taking it away.
func (w *wishes) next() (name string, found wish, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, found := range w.names {
		return name, found, true
	}
	return "", wish{}, false
}

// tables lists what is wished for, as the configuration would name it.
func (w *wishes) tables(source string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make([]string, 0, len(w.names))
	for name := range w.names {
		names = append(names, strings.TrimPrefix(name, source+"."))
	}
	return names
}

// done takes away a wish that is fulfilled, unless another came since.
func (w *wishes) done(name string, fulfilled wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.names[name] == fulfilled {
		delete(w.names, name)
	}
}

func (w *wishes) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.names)
}
