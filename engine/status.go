package engine

import (
	"errors"
	"sort"
	"time"

	"odsd/storage"
)

// Status is what /statusz and `odsd status` show.
type Status struct {
	Version string `json:"version"`
	Ready   bool   `json:"ready"`
	// Paused is why nothing is taken in from any source; null where things are.
	Paused *Fault `json:"paused"`
	// Damaged is what was found in the store that was not written there; null where nothing was.
	Damaged *Fault         `json:"damaged"`
	Sources []SourceStatus `json:"sources"`
	Views   []ViewReport   `json:"views"`
	// LargeCommit is the commit in slices that is under way: until it is over, nothing
	// else is applied. LargeCommits is how many there were.
	LargeCommit  *LargeCommit `json:"largeCommit,omitempty"`
	LargeCommits uint64       `json:"-"`
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
	// Error is why the table is halted, or which of its rows are in quarantine.
	Error *Fault `json:"error"`
}

// Fault is an error as status shows it.
type Fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// StoreDamaged is the code of a store that holds what was not written there.
const StoreDamaged = "STORE_DAMAGED"

func damageFault(err error) *Fault {
	var damage *storage.CorruptError
	if !errors.As(err, &damage) {
		return nil
	}
	return &Fault{Code: StoreDamaged, Message: damage.Error(), Hint: damage.Hint()}
}

// Status tells how everything is.
func (e *Engine) Status() Status {
	quarantined, err := e.quarantined()
	if err != nil {
		e.log.Error("status lacks the rows in quarantine", "error", err)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	status := Status{
		Ready: true, Paused: e.paused, Damaged: damageFault(e.store.Damage()), Sources: []SourceStatus{}, Views: []ViewReport{},
		LargeCommit: e.large, LargeCommits: e.largeCommits,
	}
	for _, s := range e.sources {
		status.Sources = append(status.Sources, e.sourceStatus(s, quarantined))
	}
	for _, v := range e.views {
		report := e.viewReport(v)
		status.Views = append(status.Views, report)
		status.Ready = status.Ready && e.settled(v)
	}
	for name, err := range e.broken {
		if e.viewNamed(name) == nil {
			status.Views = append(status.Views, ViewReport{Name: name, State: ViewFailed, WaitingFor: []string{}, Checks: []CheckReport{}, Error: definitionFault(err)})
		}
	}
	sort.Slice(status.Views, func(a, b int) bool { return status.Views[a].Name < status.Views[b].Name })
	return status
}

func (e *Engine) sourceStatus(s *sourceState, quarantined map[string]*Fault) SourceStatus {
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
		if table.Error == nil {
			table.Error = quarantined[name]
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
	// Of a source that nothing is taken from it is not known how far it has come.
	if e.paused == nil && s.condition.State == Streaming && s.frontier.Position >= s.condition.Ahead {
		return 0
	}
	return max(0, e.now().Sub(s.caughtUp))
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
