package engine

// ViewStatus is a view's state as status prints it.
type ViewStatus string

// The states of a view.
const (
	ViewWaiting  ViewStatus = "waiting" // for sources to be copied, or views to be built
	ViewBuilding ViewStatus = "building"
	ViewReady    ViewStatus = "ready"
	ViewFailed   ViewStatus = "failed"
)

// ViewReport is one view of a status.
type ViewReport struct {
	Name       string     `json:"name"`
	State      ViewStatus `json:"state"`
	Documents  int64      `json:"documents"`
	RowErrors  int64      `json:"rowErrors"`
	Generation uint32     `json:"generation"`
	Progress   float64    `json:"progress"` // share of the documents built, 0…1
	WaitingFor []string   `json:"waitingFor"`
	Error      *Fault     `json:"error"`
	// Checks that the view declares, in their order.
	Checks []CheckReport `json:"checks"`
	// Next is what is to take the place of what is served; nil when nothing is.
	Next *NextReport `json:"next"`
}

// NextReport is a generation that is built beside the served one.
type NextReport struct {
	State      ViewStatus `json:"state"`
	Documents  int64      `json:"documents"`
	Generation uint32     `json:"generation"`
	Progress   float64    `json:"progress"`
	WaitingFor []string   `json:"waitingFor"`
	Error      *Fault     `json:"error"`
}

// viewReport tells how a view is. The caller holds mu.
func (e *Engine) viewReport(v *viewState) ViewReport {
	next := v.nextReport()
	if next != nil && next.State == ViewWaiting {
		next.Error = e.waitFault(v)
	}
	report := ViewReport{Name: v.name, State: ViewReady, Progress: 1, WaitingFor: []string{}, Checks: []CheckReport{}}
	switch {
	case v.served != nil:
		record := v.served.record
		report.Documents, report.RowErrors, report.Generation = record.Documents, record.Errors, uint32(record.Generation)
		report.Checks = reportChecks(v.served.plan.View, record.Checks)
		report.Next = next
	case next != nil:
		if next.State == ViewReady {
			next.State = ViewBuilding // built, and not served yet
		}
		report.State, report.Documents, report.Generation = next.State, next.Documents, next.Generation
		report.Progress, report.WaitingFor, report.Error = next.Progress, next.WaitingFor, next.Error
		if v.next != nil {
			report.RowErrors = v.next.record.Errors
			report.Checks = reportChecks(v.next.plan.View, v.next.record.Checks)
		}
	default:
		report.State, report.Progress = ViewWaiting, 0
	}
	if err := e.broken[v.name]; err != nil {
		report.Error = definitionFault(err) // what is served is of the last good definition
	}
	return report
}

// nextReport tells of the generation that is to come; nil when none is.
func (v *viewState) nextReport() *NextReport {
	report := &NextReport{State: ViewWaiting, WaitingFor: append([]string{}, v.waiting...)}
	g := v.next
	if g == nil {
		if len(v.waiting) == 0 {
			return nil
		}
		return report
	}
	report.Documents, report.Generation = g.record.Documents, uint32(g.record.Generation)
	switch {
	case g.fault != nil:
		report.State = ViewFailed
		report.Error = &Fault{Code: "VIEW", Message: g.fault.Error(), Hint: "mend the definition and run `odsd reload`"}
	case g.record.Ready: // and what is to be switched with it is not
		report.State, report.Progress = ViewReady, 1
	default:
		report.State = ViewBuilding
		if g.total > 0 {
			report.Progress = min(1, float64(g.record.Documents)/float64(g.total))
		}
	}
	return report
}

func definitionFault(err error) *Fault {
	return &Fault{Code: "DEFINITION", Message: err.Error(), Hint: "run `odsd check` for the place"}
}

// settled says whether a view holds up readiness no longer: it is ready or
// failed, or waits for nothing but sources that cannot be reached.
func (e *Engine) settled(v *viewState) bool {
	switch e.viewReport(v).State {
	case ViewReady, ViewFailed:
		return true
	case ViewBuilding:
		return false
	}
	for _, name := range v.waiting {
		if s := e.byName[name]; s != nil {
			if s.condition.State == Stale || s.condition.State == Halted {
				return true
			}
		} else if t := e.tableOf(name); t == nil || t.fault != nil {
			return true
		}
	}
	return false
}

// waitFault is why a view waits, where it waits for a halted table, by itself or
// through other views.
func (e *Engine) waitFault(v *viewState) *Fault {
	for _, name := range v.waiting {
		if below := e.viewNamed(name); below != nil {
			if fault := e.waitFault(below); fault != nil {
				return fault
			}
		} else if t := e.tableOf(name); t != nil && t.fault != nil {
			return faultOf(t.fault)
		}
	}
	return nil
}
