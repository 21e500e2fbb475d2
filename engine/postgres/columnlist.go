package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
)

// A table of which the configuration excludes columns is published with a list of the others. The
// server never adds to such a list, so a column that the table gets, or that is no longer excluded, stays
// outside until somebody publishes the table with another list. That is done here where the list is odsd's:
// the configuration excludes columns of the table, or did when it was copied. Any other list
// is somebody's will, and only told.

// excludeUnlisted excludes a column that the publication's list leaves out already.
func (t *table) excludeUnlisted(name string) {
	at := slices.IndexFunc(t.unlisted, func(c column) bool { return c.name == name })
	if at < 0 {
		return
	}
	t.excluded = append(t.excluded, t.unlisted[at].attribute)
	t.unlisted = slices.Delete(t.unlisted, at, at+1)
}

// unlisted says which column the publication has to be altered for; "" where none, or where that is not ours to do,
// which is then told in the log.
func (s *Source) unlisted(c *captured, t *table, p *publication) string {
	if len(t.unlisted) == 0 {
		return ""
	}
	if p.listIsOurs(t, c.identity.Excluded) {
		return fmt.Sprintf("column %s is not in the publication's column list", quote(t.unlisted[0].name))
	}
	found := p.unlistedWarning(t)
	if before, told := s.toldUnlisted.Swap(c.schema.Name, found.Message); !told || before != found.Message {
		s.config.Log.Warn("a table "+found.Message, "source", s.config.Name, "table", c.schema.Name, "hint", found.Hint)
	}
	return ""
}

// listIsOurs says whether odsd may publish the columns that a table's list leaves out; before are those
// that were excluded when it was copied.
func (p *publication) listIsOurs(t *table, before []int16) bool {
	wasExcluded := func(c column) bool { return slices.Contains(before, c.attribute) }
	return p.owned && t.owned && (len(t.excluded) > 0 || slices.ContainsFunc(t.unlisted, wasExcluded))
}

// unlistedWarning says that columns of a table are not captured, and what to do.
func (p *publication) unlistedWarning(t *table) engine.Halt {
	names := make([]string, len(t.unlisted))
	for i, c := range t.unlisted {
		names[i] = quote(c.name)
	}
	return lack(t.short(), fmt.Sprintf("has columns that are not captured, since publication %s leaves them out of its list: %s", quote(p.name), strings.Join(names, ", ")),
		"%s -- or, if they are not wanted, give them `exclude: true`", p.relistSQL(t))
}

// hintFor is what to do about an option of a column that does not come.
func (p *publication) hintFor(t *table, name string) string {
	if slices.ContainsFunc(t.unlisted, func(c column) bool { return c.name == name }) {
		return p.relistSQL(t)
	}
	return "correct its name under `columns:`"
}

// relistSQL are the statements that publish a table with all columns that are wanted. Together they are one
// transaction, so that the stream lacks no change.
func (p *publication) relistSQL(t *table) string {
	drop, add := p.relist(t)
	return fmt.Sprintf("BEGIN; %s; %s%s; COMMIT;", drop, add, t.filterToKeep())
}

// relist leaves alone the tables that inherit from this one, and does not name the row filter.
func (p *publication) relist(t *table) (drop, add string) {
	wanted := *t
	wanted.columns = slices.Concat(t.columns, t.unlisted)
	slices.SortFunc(wanted.columns, func(a, b column) int { return int(a.attribute) - int(b.attribute) })
	named := wanted.listed()
	if slices.ContainsFunc(t.columns, func(c column) bool { return !p.carriesUnlisted(&c) }) {
		named = t.sql() + wanted.everyColumn() // which alone publishes them
	}
	only := strings.TrimSuffix(t.from(), t.sql())
	return fmt.Sprintf("ALTER PUBLICATION %s DROP TABLE %s", quote(p.name), t.from()),
		fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s%s", quote(p.name), only, named)
}

// filterToKeep stands for the row filter in SQL for somebody to run. What it means is told by nothing that
// reads the catalog alone, and as it stands the server refuses it.
func (t *table) filterToKeep() string {
	if t.filter == "" {
		return ""
	}
	return " WHERE (… as before)"
}

// mendLists publishes the tables of a survey with all wanted columns where their lists are ours. It says whether
// it did.
func (s *Source) mendLists(ctx context.Context, conn *pgx.Conn, v *survey, before []int16) (bool, error) {
	mended := false
	for _, t := range v.tables {
		if len(t.unlisted) == 0 || !v.publication.listIsOurs(t, before) {
			continue
		}
		if err := s.mendList(ctx, conn, v.publication, t); err != nil {
			return mended, err
		}
		mended = true
	}
	return mended, nil
}

func (s *Source) mendList(ctx context.Context, conn *pgx.Conn, p *publication, t *table) error {
	drop, add := p.relist(t)
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL "+s.lockTimeout()); err != nil {
			return err
		}
		filter, err := p.rowFilter(ctx, conn, t)
		if err != nil {
			return err
		}
		if filter != "" {
			add += " WHERE (" + filter + ")"
		}
		_, err = tx.Exec(ctx, drop+"; "+add)
		return err
	})
	if serverCode(err) == lockNotGranted {
		return pass(codeCatalogMoved, "a table is locked by another session, so that it cannot be published with other columns", "the source tries again by itself")
	}
	if err != nil {
		return fmt.Errorf("publish %s with the columns that are wanted: %w", t.sql(), err)
	}
	s.config.Log.Info("a table is published with columns that its list left out", "source", s.config.Name, "table", t.short(), "sql", drop+"; "+add)
	return nil
}

// Unlisted finds the tables with columns that are wanted and not captured, since the publication's list
// leaves them out, and no odsd will change that.
func Unlisted(ctx context.Context, config Config) ([]engine.Halt, error) {
	s := New(config)
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", s.config.Name, faultOf(err))
	}
	defer closeSession(conn.PgConn())
	v, err := s.survey(ctx, conn, nil)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", s.config.Name, faultOf(err))
	}
	var found []engine.Halt
	for _, t := range v.tables {
		if len(t.unlisted) > 0 && !v.publication.listIsOurs(t, nil) {
			warning := v.publication.unlistedWarning(t)
			warning.Table = s.config.Name + "." + warning.Table
			found = append(found, warning)
		}
	}
	return found, nil
}
