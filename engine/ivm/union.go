package ivm

import (
	"encoding/binary"

	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// A union has the rows of its branches, each under the union's key. A key's row
// is always found anew: the first branch, in their order, that has a row with that
// key for which its condition is true. So a change needs to tell no more than the
// keys that it touches, and conflicts decide themselves the same way every time.

// branch is one branch of a union made runnable.
type branch struct {
	views.PlanBranch
	def     *views.Branch
	lookup  *lookup
	where   views.Eval
	columns []views.Eval // by ordinal of the union's fields; nil for null
}

func (v *View) bindBranches(catalog *Catalog) error {
	for _, planned := range v.Plan.Branches {
		b := &branch{PlanBranch: planned, def: v.Plan.View.Branches[planned.Branch]}
		var err error
		if b.lookup, err = newLookup(catalog, v.Plan, b.def.Occurrence, planned.Lookup); err != nil {
			return err
		}
		if b.def.Where != nil {
			b.where = b.def.Where.Compile()
		}
		for _, column := range b.def.Columns {
			var eval views.Eval
			if column != nil {
				eval = column.Compile()
			}
			b.columns = append(b.columns, eval)
		}
		v.branches = append(v.branches, b)
	}
	return nil
}

// applyUnion computes the rows of every key that a changed row had or has.
func (p *pass) applyUnion(in Input) error {
	err := in.each(func(change Change) error {
		for _, b := range p.view.branches {
			o := p.view.occs[b.def.Occurrence]
			if o.def.Schema.Name != change.Relation || o.leavesAlone(change) {
				continue
			}
			if err := p.touchKey(b, change.Old); err != nil {
				return err
			}
			if err := p.touchKey(b, change.New); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.work((*pass).finishUnion)
}

// touchKey marks the key that a row of a branch has in the union.
func (p *pass) touchKey(b *branch, row []relation.Value) error {
	if row == nil {
		return nil
	}
	p.env.only(b.def.Occurrence, row)
	var key []byte
	for _, field := range p.view.Plan.View.KeyFields {
		key = encoding.AppendPart(key, encoding.Part{}, b.value(p, field))
	}
	return p.marked(p.instance(p.view.nodes[0], nil, key))
}

// value of a field of the union in the branch's row that is in the environment.
func (b *branch) value(p *pass, field int) relation.Value {
	if b.columns[field] == nil {
		return relation.OfNull()
	}
	return b.columns[field](&p.env.Env)
}

func (p *pass) finishUnion() error {
	for _, i := range p.lists[0] {
		i.oldPath, i.newPath = i.id, i.id
		if err := p.readStored(i); err != nil {
			return err
		}
		if err := p.evaluateUnion(i); err != nil {
			return err
		}
	}
	return p.paths()
}

// evaluateUnion takes the row of a key from the first branch that has one.
func (p *pass) evaluateUnion(i *instance) error {
	key, err := p.view.decodeKey(i.id)
	if err != nil {
		return err
	}
	for _, b := range p.view.branches {
		row, failure, err := p.branchRow(b, i.id, key)
		if err != nil {
			return err
		}
		if failure != 0 && i.failure == 0 {
			i.failure = failure
		}
		if row == nil {
			continue
		}
		i.exists = true
		p.env.only(b.def.Occurrence, row)
		i.newRow = make([]relation.Value, len(i.node.columns))
		for field := range i.newRow {
			i.newRow[field] = shown(b.value(p, field))
		}
		return nil
	}
	return nil
}

// branchRow finds the branch's row for a key of the union: one that gives this
// very key and that its condition lets in.
func (p *pass) branchRow(b *branch, id []byte, key []relation.Value) (found []relation.Value, failure relation.ErrorCode, err error) {
	o := p.view.occs[b.def.Occurrence].def
	probe := make([]relation.Value, len(o.Schema.Columns))
	for k, column := range b.Keys {
		if column >= 0 {
			probe[column] = narrowed(key[k], o.Schema.Columns[column].Type)
		}
	}
	rows := make([][]relation.Value, len(p.view.occs))
	rows[o.ID] = probe
	err = p.after.findKey(b.lookup, rows, func(row []relation.Value) (bool, error) {
		p.env.only(o.ID, row)
		var own []byte
		for _, field := range p.view.Plan.View.KeyFields {
			own = encoding.AppendPart(own, encoding.Part{}, b.value(p, field))
		}
		if string(own) != string(id) {
			return true, nil
		}
		if b.where != nil {
			holds := b.where(&p.env.Env)
			if holds.IsError() {
				failure = holds.Code()
			}
			if !holds.True() {
				return true, nil
			}
		}
		found = row
		return false, nil
	})
	return found, failure, err
}

// narrowed is a key of the union in the type that a branch has it in: an
// integer that the union widened to a decimal. What does not fit is null, which finds nothing.
func narrowed(v relation.Value, t relation.Type) relation.Value {
	if v.Kind() != relation.Decimal || t.Kind.Family() != relation.IntegerFamily {
		return v
	}
	n, scale, ok := v.StripZeros().SmallDecimal()
	if !ok || scale != 0 {
		return relation.OfNull()
	}
	return relation.OfInt(t.Kind, n)
}

// buildUnion takes in the next rows of the branches, one branch after the other.
// The cursor is the branch's number and the last row's key in its relation.
func (p *pass) buildUnion(after []byte, limit int) (Result, []byte, error) {
	v := p.view
	at := 0
	var from []byte
	if len(after) >= 2 {
		at, from = int(binary.BigEndian.Uint16(after)), after[2:]
		if len(from) == 0 {
			from = nil
		}
	}
	b := v.branches[at]
	input := b.lookup.relation
	cursor := binary.BigEndian.AppendUint16(nil, uint16(at))
	rows := 0
	err := input.ScanAfter(p.before.reader, from, func(row []relation.Value) (bool, error) {
		rows++
		cursor = input.appendKey(cursor[:2], row)
		return rows < limit, p.touchKey(b, row)
	})
	if rows < limit {
		cursor = nil
		if at+1 < len(v.branches) {
			cursor = binary.BigEndian.AppendUint16(nil, uint16(at+1))
		}
	}
	if err == nil {
		err = p.finishUnion()
	}
	return p.done(), cursor, err
}
