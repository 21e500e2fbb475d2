package engine

import (
	"sort"
	"time"

	"odsd/storage"
)

// ViewStatus is a view's state as status prints it.
type ViewStatus string

// The states of a view.
const (
	ViewWaiting  ViewStatus = "waiting" // for sources to be copied
	ViewBuilding ViewStatus = "building"
	ViewReady    ViewStatus = "ready"
	ViewFailed   ViewStatus = "failed"
)

// Status is what /statusz and `odsd status` show.
type Status struct {
	Version string         `json:"version"`
	Ready   bool           `json:"ready"`
	Sources []SourceStatus `json:"sources"`
	Views   []ViewReport   `json:"views"`
}

// SourceStatus is one source of a status.
type SourceStatus struct {
	Name         string      `json:"name"`
	State        SourceState `json:"state"`
	LSN          string      `json:"lsn"`
	CommittedAt  *time.Time  `json:"committedAt"`
	LagSeconds   float64     `json:"lagSeconds"`
	LagBytes     int64       `json:"lagBytes"`
	SlotWALBytes *int64      `json:"slotWalBytes"`
	// SlotLeftBytes is the log that may still come before the slot is lost; null where
	// nothing bounds it.
	SlotLeftBytes *int64        `json:"slotLeftBytes"`
	Transactions  uint64        `json:"transactions"`
	Changes       uint64        `json:"changes"`
	Error         *Fault        `json:"error"`
	Tables        []TableStatus `json:"tables"`
}

// TableStatus is one captured table of a source.
type TableStatus struct {
	Name         string `json:"name"`
	State        string `json:"state"` // copying, live, halted
	Rows         int64  `json:"rows"`
	RowsExpected int64  `json:"rowsExpected"`
	Error        *Fault `json:"error"`
}

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
}

// Fault is an error as status shows it.
type Fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Status tells how everything is.
func (e *Engine) Status() Status {
	e.mu.RLock()
	defer e.mu.RUnlock()
	status := Status{Ready: true, Sources: []SourceStatus{}, Views: []ViewReport{}}
	for _, s := range e.sources {
		status.Sources = append(status.Sources, e.sourceStatus(s))
	}
	for _, v := range e.views {
		report := viewReport(v)
		if v.state == ViewWaiting {
			report.Error = e.waitFault(v)
		}
		status.Views = append(status.Views, report)
		status.Ready = status.Ready && e.settled(v)
	}
	for name, err := range e.broken {
		status.Views = append(status.Views, ViewReport{
			Name: name, State: ViewFailed, WaitingFor: []string{},
			Error: &Fault{Code: "DEFINITION", Message: err.Error(), Hint: "run `odsd check` for the place"},
		})
	}
	sort.Slice(status.Views, func(a, b int) bool { return status.Views[a].Name < status.Views[b].Name })
	return status
}

// settled says whether a view holds up readiness no longer: it is ready or
// failed, or waits for nothing but sources that cannot be reached.
func (e *Engine) settled(v *viewState) bool {
	switch v.state {
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

func (e *Engine) sourceStatus(s *sourceState) SourceStatus {
	status := SourceStatus{
		Name: s.source.Name(), State: s.condition.State, LSN: s.frontier.Position.String(),
		LagSeconds: e.lag(s).Seconds(), Transactions: s.transactions, Changes: s.changes,
		Error: faultOf(s.condition.Fault), Tables: []TableStatus{},
	}
	status.CommittedAt = instant(s.frontier.CommittedAt)
	if s.condition.Ahead > s.frontier.Position {
		status.LagBytes = int64(s.condition.Ahead - s.frontier.Position)
	}
	if s.condition.SlotWAL >= 0 {
		retained := s.condition.SlotWAL
		status.SlotWALBytes = &retained
	}
	status.SlotLeftBytes = s.condition.SlotLeft
	for name, t := range s.tables {
		table := TableStatus{Name: name, State: "live", Rows: t.rows, RowsExpected: t.expected, Error: faultOf(t.fault)}
		if t.copying && t.staged > 0 {
			table.Rows = t.staged
		}
		switch {
		case t.copying:
			table.State = "copying"
		case t.fault != nil:
			table.State = "halted"
		}
		status.Tables = append(status.Tables, table)
	}
	sort.Slice(status.Tables, func(a, b int) bool { return status.Tables[a].Name < status.Tables[b].Name })
	return status
}

// lag is how long ago the frontier last was all that there is.
func (e *Engine) lag(s *sourceState) time.Duration {
	if !s.live || s.caughtUp.IsZero() {
		return 0
	}
	if s.condition.State == Streaming && s.frontier.Position >= s.condition.Ahead {
		return 0
	}
	return max(0, e.now().Sub(s.caughtUp))
}

func viewReport(v *viewState) ViewReport {
	report := ViewReport{
		Name: v.plan.View.Name, State: v.state, Documents: v.documents, RowErrors: v.errors,
		WaitingFor: []string{},
	}
	if v.state != ViewWaiting {
		report.Generation = uint32(v.generation)
	}
	report.WaitingFor = append(report.WaitingFor, v.waiting...)
	switch {
	case v.state == ViewReady:
		report.Progress = 1
	case v.state == ViewBuilding && v.total > 0:
		report.Progress = min(1, float64(v.documents)/float64(v.total))
	}
	if v.fault != nil {
		report.Error = &Fault{Code: "VIEW", Message: v.fault.Error(), Hint: "mend the definition and start odsd again"}
	}
	return report
}

func faultOf(h *Halt) *Fault {
	if h == nil {
		return nil
	}
	return &Fault{Code: h.Code, Message: h.Error(), Hint: h.Hint}
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Reading is one consistent state of the store, for one request.
type Reading struct {
	Snapshot *storage.Snapshot
	// Views that may be read in it, by name.
	Views map[string]Served
	// Generation changes whenever the set of views does.
	Generation uint64
	Sources    []SourceReading
}

// SourceReading is a source as of a reading.
type SourceReading struct {
	Name     string
	Frontier storage.Frontier
	Lag      time.Duration
	State    SourceState
}

// Read takes a snapshot. The caller closes it.
func (e *Engine) Read() (*Reading, error) {
	e.mu.RLock()
	r := &Reading{Snapshot: e.store.Snapshot(), Views: e.served, Generation: e.generation}
	for _, s := range e.sources {
		r.Sources = append(r.Sources, SourceReading{Name: s.source.Name(), Lag: e.lag(s), State: s.condition.State})
	}
	e.mu.RUnlock()
	frontiers, err := storage.Frontiers(r.Snapshot)
	if err != nil {
		r.Close()
		return nil, err
	}
	for i := range r.Sources {
		r.Sources[i].Frontier = frontiers[r.Sources[i].Name]
	}
	return r, nil
}

// Documents is how many documents a view that may be read has in this reading,
// without reading them; -1 when it holds another generation of the view.
func (r *Reading) Documents(view string) (int64, error) {
	return r.Views[view].Count(r.Snapshot)
}

// Close gives the snapshot back.
func (r *Reading) Close() error { return r.Snapshot.Close() }
