package query

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"odsd/storage/relation"
)

// Consistency is what a request asks of freshness in HTTP headers, as they were sent.
type Consistency struct {
	WaitFor      string // "shop=16/B374D848, crm=0/15D6F30"
	MaxStaleness string // "5s"
	Timeout      string // "2s"
}

const (
	defaultWait = 2 * time.Second
	maxWait     = time.Minute
)

// demand is what a request asks of freshness, from headers and directive together.
type demand struct {
	positions []sourcePosition
	staleness time.Duration // negative: any
	timeout   time.Duration
}

type sourcePosition struct {
	source   string
	position relation.Position
}

func (d *demand) add(source, lsn string) *Error {
	p, err := relation.ParsePosition(strings.TrimSpace(lsn))
	if err != nil {
		return failure(BadUserInput, "pass what pg_current_wal_flush_lsn() gives", "waitFor: %s", err)
	}
	d.positions = append(d.positions, sourcePosition{strings.TrimSpace(source), p})
	return nil
}

func parseSpan(name, text string) (time.Duration, *Error) {
	span, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil || span < 0 {
		return 0, failure(BadUserInput, `write a number and a unit, as "5s" or "300ms"`, "%s is not a span of time", name)
	}
	return span, nil
}

// header takes up the headers; the directive, which is read after it, wins over
// them where both say something of a span.
func (d *demand) header(c Consistency) *Error {
	for entry := range strings.SplitSeq(c.WaitFor, ",") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		source, lsn, ok := strings.Cut(entry, "=")
		if !ok {
			return failure(BadUserInput, "write source=LSN, as shop=16/B374D848", "the header Odsd-Wait-For cannot be read")
		}
		if err := d.add(source, lsn); err != nil {
			return err
		}
	}
	return d.spans("Odsd-Max-Staleness", c.MaxStaleness, "Odsd-Timeout", c.Timeout)
}

func (d *demand) spans(stalenessName, staleness, timeoutName, timeout string) (err *Error) {
	if staleness != "" {
		if d.staleness, err = parseSpan(stalenessName, staleness); err != nil {
			return err
		}
	}
	if timeout != "" {
		if d.timeout, err = parseSpan(timeoutName, timeout); err != nil {
			return err
		}
		if d.timeout > maxWait {
			return failure(BadUserInput, "", "%s is longer than %s", timeoutName, maxWait)
		}
	}
	return nil
}

// demandOf gathers what a request asks of freshness.
func (q *request) demandOf(headers Consistency) (*demand, *Error) {
	d := &demand{staleness: -1, timeout: defaultWait}
	if err := d.header(headers); err != nil {
		return nil, err
	}
	var staleness, timeout string
	for i := range q.operation.consistency {
		a := &q.operation.consistency[i]
		value, err := q.evaluate(a)
		if err != nil {
			return nil, err
		}
		if value.isNull() {
			continue
		}
		switch a.name {
		case "maxStaleness":
			staleness = value.text()
		case "timeout":
			timeout = value.text()
		case "waitFor":
			list, _ := value.value.([]any)
			for _, item := range list {
				p, _ := item.(map[string]any)
				source, _ := p["source"].(relation.Value)
				lsn, _ := p["lsn"].(relation.Value)
				if err := d.add(source.Str(), lsn.Str()); err != nil {
					return nil, err
				}
			}
		}
	}
	return d, d.spans("maxStaleness", staleness, "timeout", timeout)
}

// wait returns once all positions are applied and durable.
func (s *Service) wait(ctx context.Context, d *demand, known []Freshness) *Error {
	for _, p := range d.positions {
		if !slices.ContainsFunc(known, func(f Freshness) bool { return f.Source == p.source }) {
			return failure(BadUserInput, "", "waitFor: there is no source %q", p.source)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	for _, p := range d.positions {
		err := s.backend.WaitFor(ctx, p.source, p.position)
		switch {
		case err == nil:
		case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
			return &Error{Code: WaitTimeout, cause: err, Hint: "the reply's freshness says how far the source is; a longer timeout may do",
				Message: "source " + p.source + " has not reached " + p.position.String() + " in time"}
		default:
			return internal(err)
		}
	}
	return nil
}

// stale fails when a source of the views asked for lags more than is allowed;
// a request that asks for no view means all sources.
func (q *request) stale(d *demand) *Error {
	if d.staleness < 0 {
		return nil
	}
	for _, f := range q.reading.Freshness {
		concerned := len(q.operation.sources) == 0 || slices.Contains(q.operation.sources, f.Source)
		if concerned && !(f.LagSeconds <= d.staleness.Seconds()) {
			return failure(StaleRead, "ask again, or allow more", "source %s lags more than %s", f.Source, d.staleness)
		}
	}
	return nil
}

// freshness writes the value of `_freshness`.
func (q *request) freshness(steps []*leafStep) {
	q.out = append(q.out, '[')
	for i := range q.reading.Freshness {
		if i > 0 {
			q.out = append(q.out, ',')
		}
		if len(steps) == 0 {
			q.out = append(q.out, '{')
		}
		for _, s := range steps {
			q.out = append(q.out, s.prefix...)
			q.out = q.reading.Freshness[i].append(q.out, s.kind)
		}
		q.out = append(q.out, '}')
	}
	q.out = append(q.out, ']')
}

func (f *Freshness) append(dst []byte, field fieldKind) []byte {
	switch field {
	case sourceField:
		return appendString(dst, f.Source)
	case lsnField:
		return appendString(dst, f.Position.String())
	case committedField:
		if f.CommittedAt.IsZero() {
			return append(dst, "null"...)
		}
		return append(appendDateTime(append(dst, '"'), f.CommittedAt.UnixMicro()), '"')
	case lagField:
		lag := math.Round(f.LagSeconds*1000) / 1000
		if math.IsNaN(lag) || math.IsInf(lag, 0) {
			lag = 0
		}
		return appendFloat(dst, lag, 64)
	case stateField:
		return appendString(dst, f.State)
	}
	return dst
}

// appendExtensions writes the reply's extensions.
func appendExtensions(dst []byte, list []Freshness) []byte {
	dst = append(dst, `{"freshness":{`...)
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		f := &list[i]
		dst = append(appendString(dst, f.Source), `:{"lsn":`...)
		dst = append(f.append(dst, lsnField), `,"committedAt":`...)
		dst = append(f.append(dst, committedField), `,"lagSeconds":`...)
		dst = append(f.append(dst, lagField), '}')
	}
	return append(dst, "}}"...)
}
