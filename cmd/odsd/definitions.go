package main

import (
	"slices"

	"odsd/engine"
	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/storage/relation"
	"odsd/views"
)

// folderViews are the views of a folder as a daemon takes them.
type folderViews struct {
	engine.Definitions
	plans []*views.Plan
	found []yamlfile.Diagnostic
}

// viewsOfFolder checks the views of a folder. One whose file has errors goes on by
// the definition that it is served by, where there is one and it still fits the others.
func viewsOfFolder(p *project.Project, found []yamlfile.Diagnostic, schemas map[string]*relation.Schema, stored []engine.StoredDefinition) folderViews {
	f := folderViews{}
	checked, more := p.CheckToServe(schemas)
	found = append(slices.Clone(found), more...)
	f.plans, more = compileViews(checked)
	f.found = yamlfile.Sort(append(withoutMissingSchemas(found), more...))
	f.Broken = brokenViews(p, f.plans, f.found)
	if kept := lastGood(p, &f, stored); len(kept) > 0 {
		f.keep(p, kept, schemas)
	}
	f.Views = viewsOf(f.plans)
	return f
}

// lastGood are the definitions by which views of broken files are served.
func lastGood(p *project.Project, f *folderViews, stored []engine.StoredDefinition) []*views.Definition {
	var kept []*views.Definition
	for _, s := range stored {
		if f.has(s.View) || p.Restricts(s.View) {
			continue // an older definition would show what rules of access now hide
		}
		at := slices.IndexFunc(f.found, func(d yamlfile.Diagnostic) bool {
			return d.File == s.File && d.Severity == yamlfile.Error
		})
		if at < 0 && f.Broken[s.View] == nil {
			continue
		}
		d, problems := views.Parse(s.File, []byte(s.Text))
		if yamlfile.HasErrors(problems) {
			continue
		}
		if f.Broken[s.View] == nil { // a file so broken that it does not tell its view
			f.Broken[s.View] = f.found[at]
			delete(f.Broken, s.File)
		}
		kept = append(kept, d)
	}
	return kept
}

func (f *folderViews) has(view string) bool {
	return slices.ContainsFunc(f.plans, func(p *views.Plan) bool { return p.View.Name == view })
}

// keep takes the kept definitions in beside the good ones, unless a good one would
// suffer by it.
func (f *folderViews) keep(p *project.Project, kept []*views.Definition, schemas map[string]*relation.Schema) {
	all := kept
	for _, d := range p.Definitions {
		if slices.ContainsFunc(f.plans, func(p *views.Plan) bool { return p.View.File == d.File }) {
			all = append(all, d)
		}
	}
	checked, _ := views.CheckAll(all, schemas)
	plans, _ := compileViews(checked)
	for _, good := range f.plans {
		if !slices.ContainsFunc(plans, func(p *views.Plan) bool { return p.View.File == good.View.File }) {
			return
		}
	}
	f.plans = plans
}
