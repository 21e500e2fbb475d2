package ivm

import (
	"fmt"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// A check is a pure function of a stored root row, so that what it said before a
// commit is computed again from the row as it was. Documents that fail are listed
//
//	check prefix, root key → nothing
//
// and their number moves with Result.Checks: a changed document costs at most one
// write for each check whose verdict on it changes, and nothing is ever scanned.

// check is a views.Check made runnable.
type check struct {
	*views.Check
	expr views.Eval
}

func newChecks(v *views.View) []check {
	var checks []check
	for i := range v.Checks {
		c := check{Check: &v.Checks[i]}
		if c.Expr != nil {
			c.expr = c.Expr.Compile()
		}
		checks = append(checks, c)
	}
	return checks
}

// fails says whether a root row is not as expected.
func (c *check) fails(env *envelope, row []relation.Value) bool {
	switch c.Kind {
	case views.NotNullCheck:
		return row[c.Field].Missing()
	case views.AcceptedCheck:
		return !row[c.Field].Missing() && !among(row[c.Field], c.Accepted)
	}
	env.Fields = row
	return !c.expr(&env.Env).True()
}

func among(v relation.Value, list []relation.Value) bool {
	for _, other := range list {
		if relation.Equal(v, other) {
			return true
		}
	}
	return false
}

// writeChecks moves a root between the lists of those that fail.
func (p *pass) writeChecks(i *instance) {
	checks := p.view.checks
	if len(checks) == 0 {
		return
	}
	if p.result.Checks == nil {
		p.result.Checks = make([]int64, len(checks))
	}
	clear(p.env.Rows)
	fields := len(i.node.def.Scalars)
	for k := range checks {
		before := i.showed() && checks[k].fails(&p.env, i.oldRow[:fields])
		now := i.shows() && checks[k].fails(&p.env, i.newRow[:fields])
		if before == now {
			continue
		}
		p.result.Checks[k] += present(now) - present(before)
		key := append(storage.AppendCheckPrefix(nil, p.view.Generation, byte(k)), i.id...)
		if now {
			p.writes.set(key, nil)
		} else {
			p.writes.delete(key)
		}
	}
}

// Failing lists the keys of at most limit documents that a check says no to, in
// the order of the view's keys.
func (v *View) Failing(r storage.Reader, check, limit int) ([][]relation.Value, error) {
	prefix := storage.AppendCheckPrefix(nil, v.Generation, byte(check))
	cursor := r.Scan(prefix, storage.PrefixEnd(prefix))
	defer cursor.Close()
	var keys [][]relation.Value
	for len(keys) < limit && cursor.Next() {
		key, err := v.decodeKey(append([]byte(nil), cursor.Key()[len(prefix):]...))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if err := cursor.Err(); err != nil {
		return nil, fmt.Errorf("read the checks of view %s: %w", v.Plan.View.Name, err)
	}
	return keys, nil
}

// decodeKey reads the parts of a root's key.
func (v *View) decodeKey(encoded []byte) ([]relation.Value, error) {
	var key []relation.Value
	for _, t := range v.nodes[0].KeyParts {
		part, rest, err := encoding.DecodePart(t, encoding.Part{}, encoded)
		if err != nil {
			return nil, fmt.Errorf("key of view %s: %w", v.Plan.View.Name, err)
		}
		key, encoded = append(key, part), rest
	}
	return key, nil
}
