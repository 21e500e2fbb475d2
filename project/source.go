package project

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"odsd/internal/yamlfile"
	"odsd/views"
)

// Source is one team's database, as its file says.
type Source struct {
	Name        string
	Description string
	Owner       views.Owner
	// DSN is filled in by Project.Resolve.
	DSN string
	// Slot and Publication have their defaults, odsd_<source>.
	Slot, Publication string
	// Timezone is how `timestamp without time zone` is read; never nil.
	Timezone  *time.Location
	Freshness Freshness
	// Heartbeat is how often an idle database is written a message; 0: never.
	Heartbeat time.Duration
	// MaxSlotWAL is how many bytes of log the slot may retain; 0: no bound.
	MaxSlotWAL int64
	// ResyncOnLoss has the source copied anew when its slot is lost.
	ResyncOnLoss bool
	// Tables to capture, as views name them after the source: "orders",
	// "billing.invoices"; or "*" alone, every table of the publication.
	Tables []string
	// Columns are what is said of columns, by table as in Tables.
	Columns map[string]map[string]Column

	dsn    yamlfile.Node
	read   func() (string, error) // the DSN, resolved anew
	file   *yamlfile.File
	name   yamlfile.Node
	tables []yamlfile.Node // where each of Tables is named
	// personal are the columns marked with `pii`.
	personal []personalColumn
}

// Column is what a source's file says of a column.
type Column struct {
	// Exclude keeps it at the source.
	Exclude bool
	// Mask is last4, hash or null: applied when values arrive; "" where there is none.
	Mask string
}

// Freshness says how far behind a source may be; 0 where it is not said.
type Freshness struct {
	WarnAfter, ErrorAfter time.Duration
}

// ReadDSN resolves the DSN anew, so that a password that was rotated in its file
// is the one that is used. It may be called by any goroutine.
func (s *Source) ReadDSN() (string, error) {
	if s.read == nil {
		return s.DSN, nil
	}
	return s.read()
}

// AllTables says that every table of the publication is captured.
func (s *Source) AllTables() bool { return len(s.Tables) == 1 && s.Tables[0] == "*" }

var (
	// A source's name is part of a slot's name, which allows no more.
	sourceName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	slotName   = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)
)

func (l *loader) readSource(name string, data []byte) {
	root, file, ok := l.parse(name, data)
	if !ok {
		return
	}
	s := &Source{Timezone: time.UTC, file: file}
	root.Decode("a source", yamlfile.Keys{
		"version":     yamlfile.Version,
		"source":      func(e yamlfile.Entry) { s.readName(e) },
		"description": func(e yamlfile.Entry) { s.Description, _ = e.Value.Text("`description`") },
		"owner":       func(e yamlfile.Entry) { s.Owner = views.ReadOwner(e) },
		"postgres":    func(e yamlfile.Entry) { s.readPostgres(e, l.resolver()) },
		"freshness":   func(e yamlfile.Entry) { s.readFreshness(e) },
		"tables":      func(e yamlfile.Entry) { s.readTables(e) },
	}, "version", "source", "postgres", "tables")
	if s.Name == "" {
		return
	}
	if s.Slot == "" {
		s.Slot = "odsd_" + s.Name
	}
	if s.Publication == "" {
		s.Publication = "odsd_" + s.Name
	}
	if first := l.project.Source(s.Name); first != nil {
		s.name.Report(yamlfile.CodeTwice, "", "the source %q is already defined in %s", s.Name, first.file.Name)
		return
	}
	l.project.Sources = append(l.project.Sources, s)
}

func (s *Source) readName(e yamlfile.Entry) {
	name, ok := e.Value.Text("`source`")
	if !ok {
		return
	}
	if !sourceName.MatchString(name) || len(name) > 58 {
		e.Value.Reject(yamlfile.CodeValue, "small letters, digits and underscores, at most 58", "a source cannot be named %q", name)
		return
	}
	s.Name, s.name = name, e.Value
}

func (s *Source) readPostgres(e yamlfile.Entry, r resolver) {
	e.Value.Decode("`postgres`", yamlfile.Keys{
		"dsn": func(e yamlfile.Entry) {
			// Only its form is looked at here: see Project.Resolve.
			if _, ok := (resolver{}).text(e.Value, "`dsn`"); ok {
				s.dsn = e.Value
			}
		},
		"slot": func(e yamlfile.Entry) {
			if name, ok := r.text(e.Value, "`slot`"); ok && s.checkName(e, name, slotName.MatchString(name)) {
				s.Slot = name
			}
		},
		"publication": func(e yamlfile.Entry) {
			if name, ok := r.text(e.Value, "`publication`"); ok && s.checkName(e, name, len(name) <= 63) {
				s.Publication = name
			}
		},
		"timezone": func(e yamlfile.Entry) {
			name, ok := r.text(e.Value, "`timezone`")
			if !ok || unresolved(name) {
				return
			}
			zone, err := time.LoadLocation(name)
			if err != nil || name == "Local" {
				e.Value.Report(yamlfile.CodeValue, "name one as Europe/Berlin or UTC", "unknown time zone %q", name)
				return
			}
			s.Timezone = zone
		},
		"max_slot_wal": func(e yamlfile.Entry) { s.MaxSlotWAL = size(e) },
		"on_slot_loss": func(e yamlfile.Entry) {
			switch what, ok := e.Value.Text("`on_slot_loss`"); {
			case what == "resync":
				s.ResyncOnLoss = true
			case ok && what != "halt":
				e.Value.Reject(yamlfile.CodeValue, "write halt or resync", "`on_slot_loss` cannot be %q", what)
			}
		},
		"heartbeat": func(e yamlfile.Entry) { s.Heartbeat = duration(e) },
	}, "dsn")
}

func (s *Source) checkName(e yamlfile.Entry, name string, legal bool) bool {
	if legal || unresolved(name) {
		return true
	}
	e.Value.Report(yamlfile.CodeValue, "PostgreSQL allows 63 characters, for a slot small letters, digits and underscores",
		"`%s` cannot be %q", e.Key.Value(), name)
	return false
}

func (s *Source) readFreshness(e yamlfile.Entry) {
	f := &s.Freshness
	e.Value.Decode("`freshness`", yamlfile.Keys{
		"warn_after":  func(e yamlfile.Entry) { f.WarnAfter = duration(e) },
		"error_after": func(e yamlfile.Entry) { f.ErrorAfter = duration(e) },
	})
	if f.WarnAfter > 0 && f.ErrorAfter > 0 && f.WarnAfter > f.ErrorAfter {
		e.Value.Report(yamlfile.CodeValue, "", "`warn_after` is later than `error_after`")
	}
}

var sizeText = regexp.MustCompile(`^([0-9]{1,6})\s*([KMGT]i?B)$`)

// sizeUnits are powers of 1024 whether the i is written or not, as in PostgreSQL.
var sizeUnits = map[byte]int64{'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}

// size reads 512MiB or 10GiB.
func size(e yamlfile.Entry) int64 {
	text, ok := e.Value.Text("`" + e.Key.Value() + "`")
	if !ok {
		return 0
	}
	parts := sizeText.FindStringSubmatch(text)
	if parts == nil {
		e.Value.Reject(yamlfile.CodeValue, "write it as 512MiB or 10GiB", "%q is not a size", text)
		return 0
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || n == 0 {
		e.Value.Reject(yamlfile.CodeValue, "write it as 512MiB or 10GiB", "%q is not a size", text)
		return 0
	}
	return n * sizeUnits[parts[2][0]]
}

// duration reads 10s, 5m, 24h or 7d.
func duration(e yamlfile.Entry) time.Duration {
	text, ok := e.Value.Text("`" + e.Key.Value() + "`")
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); err != nil && isDays {
		var n int64
		if n, err = strconv.ParseInt(days, 10, 16); err == nil {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d <= 0 {
		e.Value.Reject(yamlfile.CodeValue, "write it as 10s, 5m, 24h or 7d", "%q is not a length of time", text)
		return 0
	}
	return d
}

// Same says whether two files say the same of how a database is captured.
func (s *Source) Same(other *Source) bool {
	return s.DSN == other.DSN && s.Slot == other.Slot && s.Publication == other.Publication &&
		s.Timezone.String() == other.Timezone.String() && s.Freshness == other.Freshness && slices.Equal(s.Tables, other.Tables) &&
		s.Heartbeat == other.Heartbeat && s.MaxSlotWAL == other.MaxSlotWAL && s.ResyncOnLoss == other.ResyncOnLoss &&
		maps.EqualFunc(s.Columns, other.Columns, maps.Equal[map[string]Column, map[string]Column])
}
