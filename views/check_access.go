package views

import (
	"regexp"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

var roleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$`)

// checkAccess resolves who sees what.
func (c *checker) checkAccess() {
	if c.def.Access == nil {
		return
	}
	c.view.Access = []AccessRule{}
	for _, def := range c.def.Access {
		rule := AccessRule{}
		for _, role := range def.Roles {
			switch {
			case !roleName.MatchString(role.Value):
				role.Node.Report(yamlfile.CodeAccess, "letters, digits and _ . : -", "%q cannot be a role", role.Value)
			case slices.Contains(rule.Roles, role.Value):
				role.Node.Report(yamlfile.CodeAccess, "", "the role %q is given twice", role.Value)
			}
			rule.Roles = append(rule.Roles, role.Value)
		}
		c.accessFields(def, &rule)
		c.accessMasks(def, &rule)
		if def.Where.Given() {
			v := c.overGroups("`where` of `access`")
			v.claims = true
			rule.Where = v.condition(def.Where)
		}
		c.view.Access = append(c.view.Access, rule)
	}
}

func (c *checker) accessFields(def AccessDefinition, rule *AccessRule) {
	for _, field := range def.Fields {
		switch {
		case field.Value == "*":
			rule.All = true
		case slices.Contains(rule.Fields, field.Value):
			field.Node.Report(yamlfile.CodeAccess, "", "the field %q is given twice", field.Value)
		case c.pathField(field) != nil:
			rule.Fields = append(rule.Fields, field.Value)
		}
	}
}

func (c *checker) accessMasks(def AccessDefinition, rule *AccessRule) {
	for _, m := range def.Mask {
		f := c.pathField(m.Field)
		if f == nil {
			continue
		}
		path := m.Field.Value
		switch {
		case f.child != nil:
			m.Field.Node.Report(yamlfile.CodeAccess, "mask the fields within, or leave it out of `fields`", "%q is not a scalar field", path)
		case !rule.All && !slices.ContainsFunc(rule.Fields, func(shown string) bool { return leadsOn(path, shown) }):
			m.Field.Node.Report(yamlfile.CodeAccess, "", "the rule masks %q and does not show it", path)
		case slices.ContainsFunc(rule.Masks, func(other Mask) bool { return other.Field == path }):
			m.Field.Node.Report(yamlfile.CodeAccess, "", "the field %q is masked twice", path)
		case m.How == MaskLast4 && f.state == resolved && f.field.Type.Kind.Family() != relation.TextFamily:
			m.Field.Node.Report(yamlfile.CodeAccess, "mask it with null or hash", "last4 is of texts, and %q is %s", path, f.field.Type)
		}
		rule.Masks = append(rule.Masks, Mask{Field: path, How: m.How})
	}
}

// leadsOn says whether a path is another one, or leads on from it.
func leadsOn(path, above string) bool {
	return path == above || strings.HasPrefix(path, above+".")
}

// pathField finds the field of a dotted path from the root; nil when there is
// none, which is reported here.
func (c *checker) pathField(t Text) *fieldState {
	s := c.root
	var f *fieldState
	at := 0
	for name := range strings.SplitSeq(t.Value, ".") {
		if s == nil {
			t.Node.ReportWithin(0, at-1, yamlfile.CodeAccess, "", "%q has no fields", t.Value[:at-1])
			return nil
		}
		if f = s.byName[name]; f == nil {
			var known []string
			for _, other := range s.fields {
				known = append(known, other.def.Name.Value)
			}
			t.Node.ReportWithin(at, len(name), yamlfile.CodeAccess, yamlfile.DidYouMean(name, known), "no field %q in the view", t.Value[:at+len(name)])
			return nil
		}
		s = f.child
		at += len(name) + 1
	}
	return f
}
