package project

import "odsd/views"

func (l *loader) readView(name string, data []byte) {
	d, found := views.Parse(name, data)
	l.project.Definitions = append(l.project.Definitions, d)
	l.found = append(l.found, found...)
}
