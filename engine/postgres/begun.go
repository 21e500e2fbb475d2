package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// begun is an initial copy that has read some tables whole. Its slot keeps the
// log from its snapshot on, so that they need not be read again: what is missing
// is copied as tables that are added later are.
type begun struct {
	position relation.Position
	identity *identity // of all its tables

	mu   sync.Mutex
	read []*relation.Schema // of those that were read whole
}

// add notes a table that was read whole, and that the engine knows to be.
func (b *begun) add(schema *relation.Schema) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read = append(b.read, schema)
}

// begunFrom is the copy that the store knows of; nil where it knows none, or one
// of another form.
func begunFrom(from *engine.Resume) *begun {
	if from == nil {
		return nil
	}
	id, err := parseIdentity(from.Identity, from.Schemas, nil)
	if err != nil {
		return nil
	}
	return &begun{position: from.Position, identity: id, read: from.Schemas}
}

// missing are the relations that were not read whole.
func (b *begun) missing() []string {
	var names []string
	for name := range b.identity.Relations {
		if !slices.ContainsFunc(b.read, func(s *relation.Schema) bool { return s.Name == name }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// firstCopy takes up the copy that was interrupted, or makes one.
func (r *run) firstCopy(ctx context.Context, conn *pgx.Conn) (*replicationConn, error) {
	if r.begun != nil && len(r.begun.read) > 0 {
		replication, err := r.takeUp(ctx, conn)
		var lost *engine.Halt
		if err == nil || !errors.As(err, &lost) {
			return replication, err
		}
		r.config.Log.Info("an unfinished initial copy cannot be taken up again", "source", r.config.Name, "reason", lost.Error())
	}
	r.begun = nil
	return r.initialCopy(ctx, conn)
}

// takeUp ends an interrupted copy with the tables that it has, and has the others
// copied beside the stream. A halt says that the slot or the database is not
// what it was.
func (r *run) takeUp(ctx context.Context, conn *pgx.Conn) (*replicationConn, error) {
	b := r.begun
	v, err := r.survey(ctx, conn, []uint32{})
	if err != nil {
		return nil, err
	}
	if v.publication == nil {
		return nil, joinLacks(v.lacks)
	}
	if err := r.checkSource(b.identity, v.publication); err != nil {
		return nil, err
	}
	stored, err := json.Marshal(b.identity)
	if err != nil {
		return nil, fmt.Errorf("write the identity: %w", err)
	}
	r.resume = &resume{position: b.position, last: markOfCopy(b.position), identity: b.identity}
	replication, err := r.reconnect(ctx, conn)
	if err == nil {
		err = r.deliver(ctx, engine.CopyFinished{Position: b.position, Identity: stored, Mark: r.resume.last, Missing: b.missing()})
	}
	if err != nil {
		r.resume = nil
		if replication != nil {
			closeSession(replication.PgConn)
		}
		return nil, err
	}
	r.config.Log.Info("taking an interrupted initial copy up again", "source", r.config.Name, "tables", len(b.read), "missing", len(b.missing()))
	r.tables, r.begun = newRoster(b.identity, b.read), nil
	if err := r.wantMissing(ctx, b.missing()); err != nil {
		closeSession(replication.PgConn)
		return nil, err
	}
	return replication, nil
}

// wantMissing asks for the copies of those missing tables that are wanted still.
func (r *run) wantMissing(ctx context.Context, missing []string) error {
	namespaces, wanted, all := wantedTables(r.config.Tables)
	names := make(map[string]bool)
	for i := range wanted {
		names[relationName(r.config.Name, &table{namespace: namespaces[i], name: wanted[i]})] = true
	}
	for _, name := range missing {
		if all || names[name] {
			r.wishes.add(name, false)
		} else if err := r.deliver(ctx, engine.TableDropped{Relation: name}); err != nil {
			return err
		}
	}
	return nil
}
