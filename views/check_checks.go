package views

import (
	"fmt"
	"regexp"

	"odsd/internal/yamlfile"
)

// checkChecks resolves what a view expects of its documents.
func (c *checker) checkChecks() {
	if len(c.def.Checks) > maxChecks {
		c.def.Checks[maxChecks].at().Node.Report(yamlfile.CodeLimit, "", "more than %d checks", maxChecks)
		return
	}
	taken := map[string]bool{}
	for i, def := range c.def.Checks {
		check, ok := c.resolveCheck(def)
		if !ok {
			continue
		}
		if check.Name == "" {
			check.Name = fmt.Sprintf("%s_%d", check.Kind, i+1)
		}
		if def.Name.Given() {
			check.Name = def.Name.Value
			if !checkName.MatchString(check.Name) {
				def.Name.Node.Report(yamlfile.CodeCheck, "letters, digits and _", "%q cannot be the name of a check", check.Name)
				continue
			}
		}
		if taken[check.Name] {
			def.at().Node.Report(yamlfile.CodeCheck, "", "the check %s is declared twice", check.Name)
			continue
		}
		taken[check.Name] = true
		c.view.Checks = append(c.view.Checks, check)
	}
}

// checkName keeps names to what a metric's label, and a shell, takes as it is.
var checkName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// at is where a check is written.
func (d CheckDefinition) at() Text {
	if d.Kind == ExpressionCheck {
		return d.Expr
	}
	return d.Field
}

func (c *checker) resolveCheck(def CheckDefinition) (Check, bool) {
	check := Check{Kind: def.Kind, Severity: def.Severity, Field: -1}
	if def.Kind == ExpressionCheck {
		check.Expr = c.overGroups("`checks`").condition(def.Expr)
		return check, check.Expr != nil
	}
	f := c.rootField(yamlfile.CodeCheck, def.Field, def.Field.Value)
	if f == nil {
		return check, false
	}
	check.Name, check.Field = string(def.Kind)+"_"+f.field.Name, f.field.Ordinal
	ok := true
	for _, accepted := range def.Accepted {
		value, valid := literal(f.field.Type, accepted.Value)
		if !valid {
			accepted.Node.Report(yamlfile.CodeCheck, "", "%q is not a value of type %s", accepted.Value, f.field.Type)
		}
		ok = ok && valid
		check.Accepted = append(check.Accepted, value)
	}
	return check, ok
}
