package ivm

import (
	"odsd/storage/relation"
	"odsd/views"
)

// envelope is the environment that expressions of a view read, filled from the
// rows of an instance and of those above it.
type envelope struct{ views.Env }

func newEnvelope(occurrences int) envelope {
	return envelope{views.Env{Rows: make([][]relation.Value, occurrences)}}
}

// only binds one occurrence alone.
func (e *envelope) only(occurrence int, row []relation.Value) {
	clear(e.Rows)
	e.Rows[occurrence] = row
	e.Fields = nil
}

// enter binds an instance's rows and those of every instance above it.
func (e *envelope) enter(i *instance) {
	clear(e.Rows)
	e.Fields = nil
	for ; i != nil; i = i.parent {
		for k, o := range i.node.occs {
			if k < len(i.rows) {
				e.Rows[o.def.ID] = i.rows[k]
			}
		}
	}
}
