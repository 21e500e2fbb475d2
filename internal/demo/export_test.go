package demo

// ActionNames lists all actions.
func ActionNames() []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}
