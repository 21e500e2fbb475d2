package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/internal/demo"
	"odsd/storage/relation"
	"odsd/views"
)

// patience is how long the daemon may take to catch up at a barrier.
const patience = 3 * time.Minute

// compared counts what barriers compared.
type compared struct{ rows, verified, documents int64 }

// barrier waits until the daemon has applied all that was committed and
// compares what it serves: nothing is written meanwhile.
func (w *world) barrier(ctx context.Context, c *compared) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := w.settle(ctx); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	all, err := w.views()
	if err != nil {
		return err
	}
	if err := w.catchUp(ctx, all); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if err := w.verify(ctx, len(all), c); err != nil {
		return err
	}
	if err := w.scratch.fill(ctx, w); err != nil {
		return err
	}
	for _, v := range all {
		if err := w.compare(ctx, v, all, c); err != nil {
			return err
		}
	}
	return nil
}

// catchUp waits for the log's end in every database, and for every view to be served.
func (w *world) catchUp(ctx context.Context, all []*views.View) error {
	var query strings.Builder
	for _, v := range all {
		fmt.Fprintf(&query, "%sList(first: 1) { pageInfo { hasNextPage } } ", v.Field)
	}
	var positions []string
	err := w.each(ctx, func(ctx context.Context, source string, conn *pgx.Conn) error {
		var lsn string
		if err := conn.QueryRow(ctx, "select pg_current_wal_flush_lsn()::text").Scan(&lsn); err != nil {
			return err
		}
		positions = append(positions, source+"="+lsn)
		p, err := relation.ParsePosition(lsn)
		w.confirmed.raise(source, p) // it will be, or the barrier fails
		return err
	})
	if err != nil {
		return err
	}
	err = wait(ctx, func() error {
		_, err := ask(ctx, w.daemon.where(), "{ "+query.String()+"}", strings.Join(positions, ", "), "30s")
		if err != nil && !excused(err) {
			return &wrong{err}
		}
		return err
	})
	if err != nil {
		return err
	}
	return wait(ctx, func() error { return w.asDefined(ctx) })
}

// asDefined is an error while a view is served by an older definition than the project's.
func (w *world) asDefined(ctx context.Context) error {
	out, err := w.daemon.command(ctx, "status", "--json")
	if len(out) == 0 {
		return err // its exit code tells of sources
	}
	var status engine.Status
	if err := json.Unmarshal(out, &status); err != nil {
		return err
	}
	for _, v := range status.Views {
		if v.Next != nil {
			return fmt.Errorf("view %s is to be replaced: %+v", v.Name, v.Next)
		}
	}
	return nil
}

// wrong is an error that waiting does not mend.
type wrong struct{ cause error }

func (w *wrong) Error() string { return w.cause.Error() }

// wait tries until it succeeds, fails for good or has taken too long.
func wait(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := try()
		var final *wrong
		if err == nil || errors.As(err, &final) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, and before: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// verify runs `odsd verify`, which compares rows with their sources and
// documents with the naive evaluator's.
func (w *world) verify(ctx context.Context, count int, c *compared) error {
	var report engine.VerifyReport
	err := wait(ctx, func() error {
		report = engine.VerifyReport{}
		out, err := w.daemon.command(ctx, "verify", "--json", "--values")
		if len(out) == 0 {
			return err
		}
		if err := json.Unmarshal(out, &report); err != nil {
			return &wrong{fmt.Errorf("odsd verify: %w", err)}
		}
		if report.OK && len(report.Sources) == len(demo.Names()) && len(report.Views) == count {
			return nil
		}
		err = fmt.Errorf("odsd verify: %.3000s", out)
		if len(report.Differences) > 0 {
			return &wrong{err}
		}
		return err // a source that could not be compared just now is asked again
	})
	if err != nil {
		return err
	}
	for _, s := range report.Sources {
		c.rows += s.Rows
	}
	for _, v := range report.Views {
		c.verified += v.Documents
	}
	return nil
}

// compare compares a view's documents with PostgreSQL's, cell by cell and in
// their order.
func (w *world) compare(ctx context.Context, v *views.View, all []*views.View, c *compared) error {
	expected, err := w.scratch.documents(ctx, v, all)
	if err != nil {
		return fmt.Errorf("view %s in PostgreSQL: %w", v.Name, err)
	}
	shown, err := w.documents(ctx, v)
	if err != nil {
		return fmt.Errorf("view %s through GraphQL: %w", v.Name, err)
	}
	var errs []error
	for i := range min(len(shown), len(expected)) {
		d, err := difference(v, shown[i], expected[i])
		if err != nil {
			return err
		}
		if d != "" {
			errs = append(errs, fmt.Errorf("document %d: %s", i, d))
		}
	}
	if len(shown) != len(expected) {
		errs = append(errs, fmt.Errorf("view %s has %d documents, PostgreSQL makes %d", v.Name, len(shown), len(expected)))
	}
	c.documents += int64(len(expected))
	return errors.Join(errs[:min(len(errs), 20)]...)
}
