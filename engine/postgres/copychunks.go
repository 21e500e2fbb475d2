package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"odsd/engine"
	"odsd/storage/relation"
)

const (
	// copySessions is how many sessions read a copy's rows at most. One keeps a
	// server's process busy with printing values; four keep us busy.
	copySessions = 4
	// chunkPages is how much of a table one session reads at a time: 64 MiB, some
	// seconds, so that the last one does not make the others wait for long.
	chunkPages = 8192
)

// chunk is a range of a table's pages, by which PostgreSQL finds rows without
// reading the others; without an end, all from the first on.
type chunk struct {
	table      *table
	first, end int64
}

// where is the chunk's condition; "" where it is the whole table. The pages of a
// partitioned table are those of each of its partitions.
func (c chunk) where() string {
	condition := ""
	if c.first > 0 {
		condition = fmt.Sprintf("ctid >= '(%d,0)'::tid", c.first)
	}
	if c.end > 0 {
		if condition != "" {
			condition += " AND "
		}
		condition += fmt.Sprintf("ctid < '(%d,0)'::tid", c.end)
	}
	return condition
}

// pagesQuery asks how many pages a table has, or the largest of its partitions;
// 0 where ranges of them are not known to be cheap.
const pagesQuery = `
select o.oid, case when bool_and(a.amname = 'heap') then max(pg_relation_size(c.oid)) / current_setting('block_size')::int else 0 end
from unnest($1::oid[]) o(oid), lateral (select o.oid union select relid from pg_partition_tree(o.oid) where isleaf) part(oid)
join pg_class c on c.oid = part.oid and c.relkind <> 'p' left join pg_am a on a.oid = c.relam
group by o.oid`

// chunksOf divides tables, which are locked, into what is read at a time.
func (s *Source) chunksOf(ctx context.Context, conn *pgx.Conn, tables []*table) ([]chunk, error) {
	pages := make(map[uint32]int64)
	rows, err := conn.Query(ctx, pagesQuery, oidsOf(tables))
	if err != nil {
		return nil, fmt.Errorf("read the sizes of the tables: %w", err)
	}
	var oid uint32
	var n *int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &n}, func() error {
		if n != nil {
			pages[oid] = *n
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the sizes of the tables: %w", err)
	}
	var chunks []chunk
	for _, t := range tables {
		first := int64(0)
		if !t.granted {
			pages[t.oid] = 0 // ctid is not among the columns that can be granted
		}
		for ; first+s.chunkPages < pages[t.oid]; first += s.chunkPages {
			chunks = append(chunks, chunk{t, first, first + s.chunkPages})
		}
		chunks = append(chunks, chunk{table: t, first: first})
	}
	return chunks, nil
}

// reading is the rows of some tables being read under one snapshot, by several
// sessions.
type reading struct {
	source   *Source
	snapshot string // exported, for as long as the reading lasts
	survey   *survey
	// emit is given rows, by several goroutines at once.
	emit func(context.Context, *table, [][]relation.Value) error
	// ended is told once of each table that all its rows were given, or why no
	// more of them come.
	ended func(context.Context, *table, *engine.Halt) error

	mu     sync.Mutex
	chunks []chunk        // that nobody has begun
	open   map[*table]int // chunks that are not read
	broken map[*table]bool
}

// read reads the tables of the survey over a session that is under the snapshot,
// and over more beside it where there is more than one chunk. It returns when all
// of them have ended.
func (r *reading) read(ctx context.Context, conn *pgx.Conn) error {
	var err error
	if r.chunks, err = r.source.chunksOf(ctx, conn, r.survey.tables); err != nil {
		return err
	}
	r.open, r.broken = make(map[*table]int), make(map[*table]bool)
	for _, c := range r.chunks {
		r.open[c.table]++
	}
	helpers := min(copySessions, len(r.chunks)) - 1
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.work(ctx, conn) })
	for range helpers {
		group.Go(func() error { return r.help(ctx) })
	}
	return group.Wait()
}

// help reads over a session of its own. One that the server does not grant is
// done without.
func (r *reading) help(ctx context.Context) error {
	conn, err := r.source.connect(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.source.config.Log.Info("copying over fewer connections", "source", r.source.config.Name, "error", faultOf(err).Error())
		}
		return nil
	}
	defer closeSession(conn.PgConn())
	if _, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	if err := takeSnapshot(ctx, conn, r.snapshot); err != nil {
		return err
	}
	return r.work(ctx, conn)
}

// work reads chunks until none is left.
func (r *reading) work(ctx context.Context, conn *pgx.Conn) error {
	for {
		c, ok := r.next()
		if !ok {
			return nil
		}
		values := r.source.newValueReader(c.table, c.table.schema)
		err := copyChunk(ctx, conn, r.survey.publication, c, values, func(rows [][]relation.Value) error { return r.emit(ctx, c.table, rows) })
		var fault *engine.Halt
		if err != nil && (!errors.As(err, &fault) || fault.Table != c.table.schema.Name) {
			return err
		}
		if r.done(c.table, fault) {
			if err := r.ended(ctx, c.table, fault); err != nil {
				return err
			}
		}
	}
}

// next takes a chunk of a table that is not broken.
func (r *reading) next() (chunk, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.chunks) > 0 {
		c := r.chunks[0]
		r.chunks = r.chunks[1:]
		if !r.broken[c.table] {
			return c, true
		}
	}
	return chunk{}, false
}

// done notes that a chunk was read and says whether its table has ended with it.
func (r *reading) done(t *table, fault *engine.Halt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken[t] {
		return false
	}
	if fault != nil {
		r.broken[t] = true
		return true
	}
	r.open[t]--
	return r.open[t] == 0
}
