package engine

import (
	"context"

	"odsd/engine/ivm"
	"odsd/engine/reference"
	"odsd/storage"
	"odsd/views"
)

// Documents reads every document of a view as it is stored, in the order of
// their keys and in the form that the reference gives.
func Documents(ctx context.Context, snapshot storage.Reader, served Served) ([]*reference.Document, error) {
	view := ivm.NewReader(served.Plan, served.Generation)
	var all []*reference.Document
	err := view.Documents(ctx, snapshot, func(s *ivm.Stored) error {
		all = append(all, storedDocument(served.Plan, s))
		return nil
	})
	return all, err
}

// Count says how many documents the view has in a snapshot, without reading them: the
// count is written with the commits that move it. -1 when the snapshot holds another
// generation of the view.
func (s Served) Count(snapshot storage.Reader) (int64, error) {
	if s.Plan == nil {
		return -1, nil
	}
	var record viewRecord
	found, err := storage.GetMeta(snapshot, viewPrefix+s.Plan.View.Name, &record)
	if err != nil {
		return 0, err
	}
	if !found || record.Generation != s.Generation {
		return -1, nil
	}
	return record.Documents, nil
}

// storedDocument turns stored rows into the form that the reference gives.
func storedDocument(plan *views.Plan, s *ivm.Stored) *reference.Document {
	node := plan.View.Nodes[s.Node]
	p := plan.Nodes[s.Node]
	d := &reference.Document{}
	for _, column := range p.KeyColumns {
		d.Key = append(d.Key, s.Row[column])
	}
	d.Fields = storedFields(plan, p, s, node.Fields)
	return d
}

func storedFields(plan *views.Plan, p *views.PlanNode, s *ivm.Stored, fields []*views.Field) []reference.Field {
	shown := make([]reference.Field, 0, len(fields))
	for _, f := range fields {
		field := reference.Field{Name: f.Name, Kind: f.Kind}
		switch f.Kind {
		case views.OneField:
			if s.Row[presence(p, f.Occurrence)].True() {
				field.One = &reference.Document{Fields: storedFields(plan, p, s, f.Fields)}
			}
		case views.ManyField:
			child := plan.View.Nodes[f.Node]
			if child.Hidden {
				continue
			}
			field.Many = storedList(plan, s.Children[plan.Nodes[f.Node].Slot-1], child.Limit)
		default:
			field.Value = s.Row[f.Ordinal]
		}
		shown = append(shown, field)
	}
	return shown
}

func storedList(plan *views.Plan, rows []*ivm.Stored, limit int) []*reference.Document {
	if limit > 0 && len(rows) > limit {
		rows = rows[:limit]
	}
	list := make([]*reference.Document, 0, len(rows))
	for _, row := range rows {
		list = append(list, storedDocument(plan, row))
	}
	return list
}

// presence is the stored column that tells whether a `one` has a match.
func presence(p *views.PlanNode, occurrence int) int {
	for i, column := range p.Columns {
		if column.From == views.FromPresent && column.Ordinal == occurrence {
			return i
		}
	}
	return -1
}
