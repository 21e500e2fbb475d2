package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/storage/relation"
)

// oldestVersion is the oldest server whose pgoutput and catalog are known.
const oldestVersion = 140000

// listsSince is the version that gave publications schemas, column lists and row filters.
const listsSince = 150000

// lack is one thing that preflight misses. The hint is SQL that mends it, or
// what to do where SQL cannot.
func lack(table, message, hint string, args ...any) engine.Halt {
	return engine.Halt{Code: codePreflight, Table: table, Message: message, Hint: fmt.Sprintf(hint, args...)}
}

// failoverSince is the version whose standbys can keep copies of slots.
const failoverSince = 170000

// server is what the server and the role allow.
type server struct {
	version         int
	role            string
	walLevel        string
	maxSlots        int
	slots           int
	slotExists      bool
	slotActive      bool
	maxSenders      int
	senders         int
	mayReplicate    bool
	managed         bool // a role rds_replication grants replication
	mayCreate       bool
	senderTimeoutMS int
	standby         bool
}

const serverQuery = `
select current_setting('server_version_num')::int, current_user::text, current_setting('wal_level'),
	current_setting('max_replication_slots')::int, (select count(*) from pg_replication_slots)::int,
	exists (select from pg_replication_slots where slot_name = $1), exists (select from pg_replication_slots where slot_name = $1 and active),
	current_setting('max_wal_senders')::int, (select count(*) from pg_stat_get_wal_senders())::int,
	coalesce((select rolsuper or rolreplication from pg_roles where rolname = current_user), false)
		or coalesce((select pg_has_role(oid, 'MEMBER') from pg_roles where rolname = 'rds_replication'), false),
	exists (select from pg_roles where rolname = 'rds_replication'),
	has_database_privilege(current_database(), 'CREATE'),
	(select setting::int from pg_settings where name = 'wal_sender_timeout'), pg_is_in_recovery()`

func readServer(ctx context.Context, conn *pgx.Conn, slot string) (*server, error) {
	var s server
	err := conn.QueryRow(ctx, serverQuery, slot).Scan(&s.version, &s.role, &s.walLevel, &s.maxSlots, &s.slots, &s.slotExists, &s.slotActive,
		&s.maxSenders, &s.senders, &s.mayReplicate, &s.managed, &s.mayCreate, &s.senderTimeoutMS, &s.standby)
	if err != nil {
		return nil, fmt.Errorf("read the server's settings: %w", err)
	}
	return &s, nil
}

// survey is the catalog read once: what is there, and what is lacking.
type survey struct {
	server      *server
	publication *publication
	tables      []*table // the ones that can be captured have a schema
	lacks       []engine.Halt
	labels      map[uint32]string // of the identity
}

func (v *survey) schemas() []*relation.Schema {
	var schemas []*relation.Schema
	for _, t := range v.tables {
		if t.schema != nil {
			schemas = append(schemas, t.schema)
		}
	}
	return schemas
}

// capturable says whether every table can be captured as things are.
func (v *survey) capturable() bool {
	for _, t := range v.tables {
		if _, published := v.publication.tables[t.oid]; !published || t.schema == nil {
			return false
		}
	}
	return v.publication.exists && v.publication.complete
}

// Introspect reads what the configuration's tables are, and every reason why
// they cannot be captured as things are: each problem with the SQL that mends
// it. The schemas of the tables without a problem of their own are given
// either way.
func Introspect(ctx context.Context, config Config) ([]*relation.Schema, []engine.Halt, error) {
	s := New(config)
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", s.config.Name, faultOf(err))
	}
	defer closeSession(conn.PgConn())
	v, err := s.survey(ctx, conn, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", s.config.Name, faultOf(err))
	}
	schemas := v.schemas()
	for _, t := range v.tables {
		if t.schema != nil {
			t.schema.Rows = t.estimate
		}
	}
	return schemas, v.lacks, nil
}

// survey reads the catalog and finds every lack: of the tables with these
// oids, or of the configuration's where they are nil.
func (s *Source) survey(ctx context.Context, conn *pgx.Conn, oids []uint32) (*survey, error) {
	return s.surveyOf(ctx, conn, s.config.Tables, oids)
}

// surveyOf is the survey of the tables with these names, or oids where given.
func (s *Source) surveyOf(ctx context.Context, conn *pgx.Conn, names []string, oids []uint32) (*survey, error) {
	var v survey
	var err error
	if v.server, err = readServer(ctx, conn, s.config.Slot); err != nil {
		return nil, err
	}
	v.lacks = append(v.lacks, checkNames(s.config)...)
	v.lacks = append(v.lacks, v.server.check()...)
	if v.server.version < oldestVersion {
		return &v, nil // its catalog is another one
	}
	if v.publication, err = readPublication(ctx, conn, s.config.Publication, v.server.version); err != nil {
		return nil, err
	}
	which := selectNames(names, v.publication)
	if oids != nil {
		which = selectOIDs(oids)
	}
	if v.tables, err = readTables(ctx, conn, which, v.publication); err != nil {
		return nil, err
	}
	if oids == nil {
		v.lacks = append(v.lacks, checkFound(names, v.tables)...)
	}
	v.lacks = append(v.lacks, s.applyOptions(&v)...)
	for _, t := range v.tables {
		v.lacks = append(v.lacks, checkTable(t, v.server, v.publication)...)
		if key := t.key(); key != nil && t.capturable() && len(t.columns) > 0 {
			t.schema = describe(s.config.Name, t, key)
		}
	}
	v.lacks = append(v.lacks, checkPublication(v.publication, v.tables, v.server.mayCreate)...)
	for i := range v.lacks {
		if v.lacks[i].Table != "" {
			v.lacks[i].Table = s.config.Name + "." + v.lacks[i].Table
		}
	}
	return &v, nil
}

var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

func checkNames(c Config) []engine.Halt {
	var lacks []engine.Halt
	if !slotName.MatchString(c.Slot) {
		lacks = append(lacks, lack("", fmt.Sprintf("slot name %q is not one that PostgreSQL takes", c.Slot),
			"set `slot:` to at most 63 lower-case letters, digits and underscores"))
	}
	if len(c.Publication) == 0 || len(c.Publication) > 63 || strings.ContainsRune(c.Publication, 0) {
		lacks = append(lacks, lack("", fmt.Sprintf("publication name %q is not one that PostgreSQL takes", c.Publication),
			"set `publication:` to a name of at most 63 bytes"))
	}
	return lacks
}

func (s *server) check() []engine.Halt {
	if s.version < oldestVersion {
		return []engine.Halt{lack("", fmt.Sprintf("PostgreSQL %d is too old", s.version/10000), "upgrade the server to PostgreSQL 14 or later")}
	}
	var lacks []engine.Halt
	if s.walLevel != "logical" {
		lacks = append(lacks, lack("", "wal_level is "+s.walLevel+", so no changes can be decoded",
			"ALTER SYSTEM SET wal_level = 'logical'; -- then restart the server"))
	}
	// An initial copy takes one slot and one sender; a fence for a short time another.
	if !s.slotExists && s.slots >= s.maxSlots {
		lacks = append(lacks, lack("", fmt.Sprintf("all %d replication slots (max_replication_slots) are in use", s.maxSlots),
			"ALTER SYSTEM SET max_replication_slots = %d; -- then restart the server", s.slots+4))
	}
	if !s.slotActive && s.senders >= s.maxSenders {
		lacks = append(lacks, lack("", fmt.Sprintf("all %d replication connections (max_wal_senders) are in use", s.maxSenders),
			"ALTER SYSTEM SET max_wal_senders = %d; -- then restart the server", s.senders+4))
	}
	if !s.mayReplicate {
		sql := fmt.Sprintf("ALTER ROLE %s REPLICATION;", quote(s.role))
		if s.managed {
			sql = fmt.Sprintf("GRANT rds_replication TO %s;", quote(s.role))
		}
		lacks = append(lacks, lack("", fmt.Sprintf("role %s may not replicate", quote(s.role)), "%s", sql))
	}
	return lacks
}

func checkFound(names []string, tables []*table) []engine.Halt {
	namespaces, wanted, all := wantedTables(names)
	if all && len(tables) > 0 {
		return nil
	}
	if len(tables) == 0 && len(wanted) == 0 {
		return []engine.Halt{lack("", "there is no table to capture", "name the tables under `tables:`, or add them to the publication")}
	}
	var lacks []engine.Halt
	for i := range wanted {
		found := slices.ContainsFunc(tables, func(t *table) bool { return t.namespace == namespaces[i] && t.name == wanted[i] })
		if !found {
			missing := &table{namespace: namespaces[i], name: wanted[i]}
			lacks = append(lacks, lack(missing.short(), "does not exist in this database", "correct the name under `tables:`, or create %s", missing.sql()))
		}
	}
	return lacks
}

// joinLacks makes one halt of many lacks: the message lists what, the hint
// lists how, in the same order.
func joinLacks(lacks []engine.Halt) *engine.Halt {
	var messages, hints []string
	for i := range lacks {
		messages = append(messages, lacks[i].Error())
		if hint := lacks[i].Hint; hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	return &engine.Halt{Code: codePreflight, Message: strings.Join(messages, "; "), Hint: strings.Join(hints, "\n")}
}
