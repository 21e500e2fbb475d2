package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// order is something that the reader is to do between two transactions.
type order struct {
	do   func(context.Context) error
	done chan error
}

// askAgain is how often an idle server is asked for a sign, so that the reader
// looks at its orders.
const askAgain = 50 * time.Millisecond

// between has the reader do something between two transactions, and waits for it.
func (s *session) between(ctx context.Context, do func(context.Context) error) error {
	o := order{do: do, done: make(chan error, 1)}
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	orders := s.orders
	for {
		select {
		case orders <- o:
			orders = nil // given once
			s.RequestProgress()
		case err := <-o.done:
			return err
		case <-ticker.C:
			s.RequestProgress()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// obey carries out the orders that wait. The reader calls it between transactions.
func (s *session) obey(ctx context.Context) error {
	for {
		select {
		case o := <-s.orders:
			err := o.do(ctx)
			o.done <- err
			if err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// describe finds the target of a table that the stream describes. What can no
// longer be delivered right is not delivered at all: the table halts.
func (s *session) describe(ctx context.Context, d *describedRelation) (*target, error) {
	s.described[d.oid] = d
	c := s.tables.find(d.oid, relationName(s.config.Name, &table{namespace: d.namespace, name: d.name}))
	root := s.root
	s.root = nil
	switch {
	case c == nil && root != nil:
		return nil, s.examinePartition(ctx, root, d)
	case c == nil || c.state == halted:
		return nil, nil
	case c.identity.OID != d.oid && c.state == copying:
		return nil, nil // of before the copy
	case c.identity.OID != d.oid:
		return nil, s.haltTable(ctx, s.changed(c.schema, "was dropped and created again"))
	}
	v, verdicts, err := s.catalog.check(ctx, []*captured{c})
	if err != nil {
		return nil, err
	}
	if err := s.carryOut(ctx, verdicts[0]); err != nil || verdicts[0].fault != nil {
		return nil, err
	}
	if t := v.tables[0]; t.partitioned() {
		s.root = t
	}
	if name := misnamed(c, v.tables[0], d); name != "" && c.state != copying {
		return nil, s.haltTable(ctx, s.changed(c.schema, fmt.Sprintf("another column was named %s for a time", quote(name))))
	}
	t, fault, err := s.match(s.newValueReader(v.tables[0], c.schema), c, d)
	if fault != nil {
		return nil, s.haltTable(ctx, fault)
	}
	return t, err
}

// examinePartition looks for a partition whose rows come under its root's name. The stream describes it behind its root. Where it is none
// any more, its rows have gone with it, and no message and no trace in the catalog need say so: later looks would find nothing.
func (s *session) examinePartition(ctx context.Context, root *table, d *describedRelation) error {
	c := s.tables.find(root.oid, "")
	if c == nil || c.state != live || slices.Contains(root.below, d.oid) {
		return nil
	}
	fault := s.changed(c.schema, fmt.Sprintf("partition %s came and went", quote(d.name)))
	return s.carryOut(ctx, verdict{table: c, fault: fault, ours: true})
}

// wish has a table copied that has got more than its copy has, or may lack changes.
func (s *session) wish(v verdict) {
	switch name := v.table.schema.Name; {
	case v.stale == "" || v.table.state == copying:
	case v.missed:
		s.wishes.need(name)
	case !s.refused[name]:
		s.wishes.add(name, true)
	}
}

// match finds the schema's column of each column of the stream. Columns that the
// schema does not have are new, or were there before the copy; those that the
// stream does not have are an error, unless a copy is under way.
func (s *session) match(values *valueReader, c *captured, d *describedRelation) (*target, *engine.Halt, error) {
	t := &target{values: values}
	found := make([]bool, len(c.schema.Columns))
	for _, column := range d.columns {
		ordinal := c.schema.Column(column.name)
		if ordinal >= 0 {
			was := c.identity.Columns[ordinal]
			same := was.Type == column.typeOID && sameModifier(c.schema.Columns[ordinal].Type, was, column.modifier)
			switch {
			case found[ordinal]:
				return nil, nil, disorder("%s has a column twice", c.schema.Name)
			case same:
				found[ordinal] = true
			case c.state != copying:
				return nil, s.changed(c.schema, fmt.Sprintf("column %s changed its type", quote(column.name))), nil
			default:
				ordinal = -1
			}
		}
		t.ordinals, t.key = append(t.ordinals, ordinal), append(t.key, column.key)
	}
	for ordinal, ok := range found {
		if ok {
			continue
		}
		if c.state != copying {
			return nil, s.changed(c.schema, fmt.Sprintf("column %s was dropped or is no longer published", quote(c.schema.Columns[ordinal].Name))), nil
		}
		t.missing = append(t.missing, ordinal)
	}
	if d.identity != 'f' && !sameKey(c.schema, t) {
		if c.state == copying {
			return nil, nil, nil // of before the copy
		}
		return nil, s.changed(c.schema, "its key changed"), nil
	}
	return t, nil, nil
}

// misnamed finds a captured column whose name stood for another one when the stream's rows were written,
// though it is its own again: the stream tells names alone, but has the columns in the order of their
// numbers. What the catalog knows no more may have had any number.
func misnamed(c *captured, now *table, d *describedRelation) string {
	var last int16
	gone := false
	for _, told := range d.columns {
		ordinal := c.schema.Column(told.name)
		var number int16
		if ordinal >= 0 {
			number = c.schema.Columns[ordinal].Attribute
		} else if is := slices.IndexFunc(now.columns, func(is column) bool { return is.name == told.name }); is >= 0 {
			number = now.columns[is].attribute
		}
		switch {
		case number == 0:
			gone = true
		case ordinal >= 0 && (gone || number < last):
			return told.name
		default:
			last = number
		}
	}
	return ""
}

func sameKey(schema *relation.Schema, t *target) bool {
	flagged := 0
	isKey := make([]bool, len(schema.Columns))
	for i, key := range t.key {
		if key {
			flagged++
			if t.ordinals[i] >= 0 {
				isKey[t.ordinals[i]] = true
			}
		}
	}
	for _, ordinal := range schema.Key {
		if !isKey[ordinal] {
			return false
		}
	}
	return flagged == len(schema.Key)
}

// haltTable ends the delivery of one table, from the transaction under way on.
func (s *session) haltTable(ctx context.Context, fault *engine.Halt) error {
	if c := s.tables.get(fault.Table); c != nil {
		s.tables.set(c.in(halted))
		s.assembler.drop(c.identity.OID, fault.Table)
	}
	return s.deliver(ctx, engine.TableHalted{Fault: fault})
}

// announce begins the delivery of a table by the columns that are being copied.
func (s *session) announce(ctx context.Context, c *captured, rows int64) error {
	if known := s.tables.get(c.schema.Name); known != nil {
		s.assembler.drop(known.identity.OID, "")
	}
	s.tables.set(c)
	if err := s.deliver(ctx, engine.TableCopying{Schema: c.schema, RowsExpected: rows}); err != nil {
		return err
	}
	d := s.described[c.identity.OID]
	if d == nil {
		return nil // the stream describes it before its next change
	}
	t, err := s.describe(ctx, d)
	if err == nil {
		s.assembler.targets[d.oid] = t
	}
	return err
}

// examine has the catalog's verdicts carried out, by the reader.
func (s *session) examine(ctx context.Context, verdicts []verdict) error {
	for _, v := range verdicts {
		if s.tables.get(v.table.schema.Name) != v.table { // it is another one since
			continue
		}
		if err := s.carryOut(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) carryOut(ctx context.Context, v verdict) error {
	if v.fault == nil {
		s.wish(v)
		return nil
	}
	if err := s.haltTable(ctx, v.fault); err != nil {
		return err
	}
	if v.ours {
		s.wishes.add(v.table.schema.Name, false)
	}
	return nil
}

// review compares what the configuration wants with what is captured: new tables
// are copied, others are given up.
func (s *session) review(ctx context.Context, v *survey) error {
	namespaces, wanted, all := wantedTables(s.config.Tables)
	names := make(map[string]bool)
	for i := range wanted {
		names[relationName(s.config.Name, &table{namespace: namespaces[i], name: wanted[i]})] = true
	}
	for name := range names {
		if s.tables.get(name) == nil {
			s.wishes.add(name, false)
		}
	}
	for _, c := range s.tables.except(copying) {
		published := true
		if all { // what is not published any more and still there is not wanted
			_, published = v.publication.tables[c.identity.OID]
			published = published || indexTables(v.tables)[c.identity.OID] == nil
		}
		if all && published || names[c.schema.Name] {
			continue
		}
		s.tables.remove(c.schema.Name)
		s.assembler.drop(c.identity.OID, c.schema.Name)
		if err := s.deliver(ctx, engine.TableDropped{Relation: c.schema.Name}); err != nil {
			return err
		}
	}
	return nil
}
