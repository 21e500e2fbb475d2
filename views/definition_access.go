package views

import "odsd/internal/yamlfile"

// AccessDefinition is one rule of `access` as written: what readers with one of
// the roles see.
type AccessDefinition struct {
	Roles  []Text
	Fields []Text // paths of fields; "*" is all
	Mask   []MaskDefinition
	Where  Text
}

// MaskDefinition is a field that a rule shows altered.
type MaskDefinition struct {
	Field Text
	How   MaskKind
}

func (d *Definition) readAccess(e yamlfile.Entry) {
	// Until rules are enforced the daemon does not serve the view.
	e.Key.Warn(yamlfile.CodeNotBuilt, "`odsd run` does not serve the view until they are", "`access` is checked, but its rules are not enforced yet")
	d.Access = []AccessDefinition{}
	for _, item := range e.Value.Items("`access`") {
		var rule AccessDefinition
		item.Decode("a rule of `access`", yamlfile.Keys{
			"roles":  func(e yamlfile.Entry) { rule.Roles = readTexts(e.Value.ItemsOrOne("`roles`"), "a role") },
			"fields": func(e yamlfile.Entry) { rule.Fields = readTexts(e.Value.ItemsOrOne("`fields`"), "a field") },
			"mask":   func(e yamlfile.Entry) { rule.Mask = readMasks(e) },
			"where":  func(e yamlfile.Entry) { readExpression(e, &rule.Where) },
		}, "roles", "fields")
		for _, key := range []string{"roles", "fields"} {
			if hasKey(item, key) && len(map[string][]Text{"roles": rule.Roles, "fields": rule.Fields}[key]) == 0 && item.Sound() {
				item.Report(yamlfile.CodeAccess, "", "a rule with no %s lets nobody see anything", key)
			}
		}
		if !item.Bad() {
			d.Access = append(d.Access, rule)
		}
	}
}

// readMasks reads a list of fields, shown as null, or how each is shown.
func readMasks(e yamlfile.Entry) []MaskDefinition {
	var masks []MaskDefinition
	if !e.Value.IsMapping() {
		for _, field := range readTexts(e.Value.ItemsOrOne("`mask`"), "a field") {
			masks = append(masks, MaskDefinition{Field: field, How: MaskNull})
		}
		return masks
	}
	for _, m := range e.Value.Entries("`mask`") {
		if how, ok := m.Value.OneOf("a mask", string(MaskNull), string(MaskLast4), string(MaskHash)); ok {
			masks = append(masks, MaskDefinition{Field: Text{m.Key.Value(), m.Key}, How: MaskKind(how)})
		}
	}
	return masks
}
