package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"odsd/storage/relation"
)

// identityVersion is of the stored form: raised when its meaning changes.
const identityVersion = 1

// identity tells the database that was copied from any other that may answer
// at its address later, and its tables from others of the same name.
type identity struct {
	Version     int    `json:"version"`
	System      string `json:"system"`
	Timeline    int32  `json:"timeline"`
	Database    uint32 `json:"database"`
	Publication uint32 `json:"publication"`
	// Began is where the timeline left the one before it; 0: not known.
	Began relation.Position `json:"began,omitempty"`
	// Timezone is what timestamps without one were read in; empty: not noted.
	Timezone string `json:"timezone,omitempty"`
	// Labels of enums that came after the copies, as they were seen first.
	Labels    map[uint32]string           `json:"labels,omitempty"`
	Relations map[string]relationIdentity `json:"relations"`
}

type relationIdentity struct {
	OID     uint32           `json:"oid"`
	Filter  string           `json:"rowFilter,omitempty"` // see publishedTable
	Columns []columnIdentity `json:"columns"`             // in the order of the schema's
	// Excluded are the attributes that the configuration left out.
	Excluded []int16 `json:"excluded,omitempty"`
	// Partitions tells one set of partitions, and of their files, from another.
	Partitions string `json:"partitions,omitempty"`
	// Published is the version of the rows by which it is published; empty: not noted.
	Published string `json:"published,omitempty"`
	// File is the one that the rows were in; 0: it is partitioned, or not noted.
	File uint32 `json:"file,omitempty"`
	// Money, Labels and Composites are its printing; empty: it holds none, or not noted.
	Money      string            `json:"money,omitempty"`
	Labels     map[uint32]string `json:"labels,omitempty"`
	Composites map[uint32]string `json:"composites,omitempty"`
}

type columnIdentity struct {
	Attribute int16  `json:"attribute"`
	Type      uint32 `json:"type"`
	Modifier  int32  `json:"modifier"`
	Mask      Mask   `json:"mask,omitempty"`
	// Version is that of its row in pg_attribute; empty: not noted.
	Version string `json:"version,omitempty"`
}

func identityOf(i installation, publication uint32, tables []*table) *identity {
	id := &identity{
		Version: identityVersion, System: i.system, Timeline: i.timeline, Began: i.began(), Database: i.database, Publication: publication,
		Relations: make(map[string]relationIdentity, len(tables)),
	}
	for _, t := range tables {
		id.Relations[t.schema.Name] = t.identity()
	}
	return id
}

func (t *table) identity() relationIdentity {
	r := relationIdentity{OID: t.oid, Filter: t.filter, Partitions: t.partitions, Published: t.publishedVersion, File: t.file, Excluded: t.excluded,
		Money: t.printing.money, Labels: t.printing.labels, Composites: t.printing.composites}
	for _, c := range t.columns {
		r.Columns = append(r.Columns, columnIdentity{Attribute: c.attribute, Type: c.typeOID, Modifier: c.modifier, Mask: c.mask, Version: c.version})
	}
	return r
}

// parseIdentity reads a stored identity; tables are those of the relations that were
// copied after the rest.
func parseIdentity(stored []byte, schemas []*relation.Schema, tables map[string][]byte) (*identity, error) {
	var id identity
	if err := json.Unmarshal(stored, &id); err != nil {
		return nil, fmt.Errorf("read the stored identity: %w", err)
	}
	if id.Version != identityVersion {
		return nil, fmt.Errorf("read the stored identity: version %d is not %d", id.Version, identityVersion)
	}
	if id.Relations == nil {
		id.Relations = make(map[string]relationIdentity)
	}
	for name, table := range tables {
		var r relationIdentity
		if err := json.Unmarshal(table, &r); err != nil {
			return nil, fmt.Errorf("read the stored identity of %s: %w", name, err)
		}
		id.Relations[name] = r
	}
	for _, s := range schemas {
		if len(id.Relations[s.Name].Columns) != len(s.Columns) {
			return nil, fmt.Errorf("read the stored identity: it does not describe %s", s.Name)
		}
	}
	return &id, nil
}

// installation is a database of a server.
type installation struct {
	system   string
	timeline int32
	history  []timelineSwitch
	database uint32
}

func readInstallation(ctx context.Context, replication *replicationConn, conn *pgx.Conn) (installation, error) {
	system, err := pglogrepl.IdentifySystem(ctx, replication.PgConn)
	if err != nil {
		return installation{}, fmt.Errorf("identify the server: %w", err)
	}
	i := installation{system: system.SystemID, timeline: system.Timeline}
	err = conn.QueryRow(ctx, `select oid from pg_database where datname = current_database()`).Scan(&i.database)
	if err != nil {
		return installation{}, fmt.Errorf("read pg_database: %w", err)
	}
	i.history, err = readHistory(ctx, replication, i.timeline)
	return i, err
}

// checkInstallation finds out whether this is the database that was copied, on
// whatever timeline: see checkTimeline.
func (s *Source) checkInstallation(id *identity, found installation) error {
	var difference string
	switch {
	case id.System != found.system:
		difference = fmt.Sprintf("system identifier %s, not %s", found.system, id.System)
	case id.Database != found.database:
		difference = fmt.Sprintf("database oid %d, not %d", found.database, id.Database)
	case id.Timezone != "" && id.Timezone != s.config.Timezone.String():
		return halt(codeConfig, fmt.Sprintf("its timezone was %s and is %s now, and what is stored was read in the first", id.Timezone, s.config.Timezone),
			"set timezone back, or, to read everything anew: "+s.resyncHint())
	default:
		return nil
	}
	return halt(codeIdentity, "another database answers than the one that was copied: "+difference,
		"correct the DSN, or, if the database is meant: "+s.resyncHint())
}
