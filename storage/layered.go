package storage

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// span is the keys in [lower, upper).
type span struct{ lower, upper []byte }

// addSpan adds to spans that are sorted and do not touch each other, which they
// stay. It copies the bounds.
func addSpan(spans []span, lower, upper []byte) []span {
	added := span{bytes.Clone(lower), bytes.Clone(upper)}
	var kept []span
	for _, s := range spans {
		if bytes.Compare(s.upper, added.lower) < 0 || bytes.Compare(added.upper, s.lower) < 0 {
			kept = append(kept, s)
			continue
		}
		if bytes.Compare(s.lower, added.lower) < 0 {
			added.lower = s.lower
		}
		if bytes.Compare(s.upper, added.upper) > 0 {
			added.upper = s.upper
		}
	}
	at, _ := slices.BinarySearchFunc(kept, added, func(a, b span) int { return bytes.Compare(a.lower, b.lower) })
	return slices.Insert(kept, at, added)
}

// covering finds the span that a key lies in, nil where there is none.
func covering(spans []span, key []byte) *span {
	for i := range spans {
		if contains(spans[i].lower, spans[i].upper, key) {
			return &spans[i]
		}
	}
	return nil
}

// A layer's values say what became of a key: set to what follows, or gone.
const (
	markGone byte = iota
	markSet
)

// unmark takes a marker apart. The value aliases it.
func unmark(marker []byte) (value []byte, set bool) {
	if len(marker) == 0 || marker[0] != markSet {
		return nil, false
	}
	return marker[1:], true
}

// layeredIterator walks the store under a layer of markers as one sequence. Both
// sides stand at their next key that is not less than the current one.
type layeredIterator struct {
	layer, store   *pebble.Iterator
	hidden         []span // of the store's keys
	marked, stored bool   // the side stands at a key
	fromLayer      bool   // the current key is the layer's
}

func (i *layeredIterator) First() bool {
	i.marked, i.stored = i.layer.First(), i.store.First()
	return i.settle()
}

func (i *layeredIterator) SeekGE(key []byte) bool {
	i.marked, i.stored = i.layer.SeekGE(key), i.store.SeekGE(key)
	return i.settle()
}

// NextPrefix moves to the next key: to Pebble a whole key is a prefix.
func (i *layeredIterator) NextPrefix() bool {
	if i.fromLayer {
		i.passLayer()
	} else {
		i.stored = i.store.NextPrefix()
	}
	return i.settle()
}

// passLayer leaves the layer's key, and the same one of the store.
func (i *layeredIterator) passLayer() {
	if i.stored && bytes.Equal(i.layer.Key(), i.store.Key()) {
		i.stored = i.store.NextPrefix()
	}
	i.marked = i.layer.NextPrefix()
}

// settle finds the next key that is there, from where both sides stand.
func (i *layeredIterator) settle() bool {
	for {
		i.skipHidden()
		switch {
		case !i.marked && !i.stored:
			return false
		case !i.marked || i.stored && bytes.Compare(i.store.Key(), i.layer.Key()) < 0:
			i.fromLayer = false
			return true
		}
		if marker, err := i.layer.ValueAndErr(); err != nil || len(marker) > 0 && marker[0] == markSet {
			i.fromLayer = true // ValueAndErr gives the error again
			return true
		}
		i.passLayer()
	}
}

func (i *layeredIterator) skipHidden() {
	for i.stored {
		s := covering(i.hidden, i.store.Key())
		if s == nil {
			return
		}
		i.stored = i.store.SeekGE(s.upper)
	}
}

func (i *layeredIterator) Key() []byte {
	if i.fromLayer {
		return i.layer.Key()
	}
	return i.store.Key()
}

func (i *layeredIterator) ValueAndErr() ([]byte, error) {
	if !i.fromLayer {
		return i.store.ValueAndErr()
	}
	marker, err := i.layer.ValueAndErr()
	if err != nil {
		return nil, err
	}
	value, _ := unmark(marker)
	return value, nil
}

func (i *layeredIterator) Error() error {
	if err := i.layer.Error(); err != nil {
		return err
	}
	return i.store.Error()
}
