package engine

import (
	"fmt"

	"odsd/storage/relation"
)

// Rows visits the stored rows of a base relation, as of one moment.
func (e *Engine) Rows(name string, visit func(row []relation.Value)) error {
	snapshot := e.store.Snapshot()
	defer snapshot.Close()
	c, err := loadCatalog(snapshot)
	if err != nil {
		return err
	}
	r := c.stored.Relations[name]
	if r == nil {
		return fmt.Errorf("%w: %q is not captured", ErrUnknownTable, name)
	}
	return r.Scan(snapshot, nil, nil, func(_ []byte, row []relation.Value) (bool, error) {
		visit(row)
		return true, nil
	})
}
