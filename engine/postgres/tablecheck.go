package postgres

import (
	"fmt"
	"strings"

	"odsd/engine"
)

// checkTable finds every reason why a table cannot be captured.
func checkTable(t *table, s *server, p *publication) []engine.Halt {
	switch {
	case t.partitioned() && p.exists && !p.viaRoot:
		return []engine.Halt{lack(t.short(), "is partitioned, and publication "+quote(p.name)+" tells its changes under the partitions' names",
			"ALTER PUBLICATION %s SET (publish_via_partition_root = true); -- or name its partitions under `tables:`", quote(p.name))}
	case !t.capturable():
		return []engine.Halt{lack(t.short(), "is not a table, so it has no changes to capture", "name the tables that it is made of under `tables:`")}
	}
	if silent := silence(t); silent != nil {
		return []engine.Halt{*silent}
	}
	lacks := checkPrivileges(t, s)
	if len(t.columns) == 0 {
		lacks = append(lacks, lack(t.short(), "has no column to capture", "leave it out of `tables:`"))
	}
	if t.key() == nil {
		lacks = append(lacks, keyLack(t))
	}
	return lacks
}

// silence is why the log lacks changes of a table, or of a part of it, or which row they are of; nil where it has them.
func silence(t *table) *engine.Halt {
	var found engine.Halt
	switch {
	case !t.permanent:
		found = lack(t.short(), "is unlogged or temporary, so its changes are in no log", "ALTER TABLE %s SET LOGGED;", t.sql())
	case t.unlogged != "":
		found = lack(t.short(), fmt.Sprintf("has partition %s, which is unlogged, so its changes are in no log", t.unlogged), "ALTER TABLE %s SET LOGGED;", t.unlogged)
	case t.unlike != "" && t.replicaIdentity != "f":
		found = lack(t.short(), fmt.Sprintf("has partition %s with another replica identity, so its updates and deletes do not say which row they mean", t.unlike),
			"ALTER TABLE %s REPLICA IDENTITY FULL;", t.unlike)
	default:
		return nil
	}
	return &found
}

func checkPrivileges(t *table, s *server) []engine.Halt {
	var lacks []engine.Halt
	if !t.usable {
		lacks = append(lacks, lack(t.short(), fmt.Sprintf("role %s may not use schema %s", quote(s.role), quote(t.namespace)),
			"GRANT USAGE ON SCHEMA %s TO %s;", quote(t.namespace), quote(s.role)))
	}
	if t.unreadable {
		lacks = append(lacks, lack(t.short(), fmt.Sprintf("role %s may not read it", quote(s.role)),
			"GRANT SELECT%s ON TABLE %s TO %s;", t.columnList(), t.sql(), quote(s.role)))
	}
	if t.hidesRows {
		lacks = append(lacks, lack(t.short(), fmt.Sprintf("row-level security hides rows from role %s, which the stream would show", quote(s.role)),
			"ALTER ROLE %s BYPASSRLS;", quote(s.role)))
	}
	return lacks
}

// keyLack says why a table's rows cannot be told apart, and the shortest way
// to mend it from what the table has.
func keyLack(t *table) engine.Halt {
	message := "has no primary key, so its rows cannot be told apart"
	switch t.replicaIdentity {
	case "n":
		message = "has REPLICA IDENTITY NOTHING, so updates and deletes do not say which row they mean"
	case "f":
		message = "has REPLICA IDENTITY FULL but no unique index over captured, not-null columns, so its rows cannot be told apart"
	case "i":
		message = "has a replica identity index whose columns are not all captured, not-null and unique at once"
	}
	return lack(t.short(), message, "%s", keySQL(t))
}

func keySQL(t *table) string {
	for i := range t.indexes { // the primary key comes first
		x := &t.indexes[i]
		switch {
		case !t.canIdentify(x):
		case x.primary:
			return fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY DEFAULT;", t.sql())
		default:
			return fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY USING INDEX %s;", t.sql(), quote(x.name))
		}
	}
	for i := range t.indexes {
		x := &t.indexes[i]
		if _, captured := t.ordinals(x); !captured || !x.immediate {
			continue
		}
		var sql strings.Builder
		for _, number := range x.attributes {
			if c := t.attribute(number); !c.notNull {
				fmt.Fprintf(&sql, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL; ", t.sql(), quote(c.name))
			}
		}
		return sql.String() + fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY USING INDEX %s;", t.sql(), quote(x.name))
	}
	if t.hasPrimary() {
		return fmt.Sprintf("make the primary key of %s NOT DEFERRABLE, and publish all of its columns", t.sql())
	}
	for _, c := range t.columns {
		if c.name == "id" {
			return fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (id);", t.sql())
		}
	}
	return fmt.Sprintf("ALTER TABLE %s ADD COLUMN odsd_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;", t.sql())
}

func (t *table) hasPrimary() bool {
	for _, x := range t.indexes {
		if x.primary {
			return true
		}
	}
	return false
}
