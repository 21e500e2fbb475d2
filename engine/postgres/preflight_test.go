package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// role makes a role that may log in and replicate, and the DSN to do it with.
func (d *database) role(attributes string) (name, dsn string) {
	d.t.Helper()
	name = d.name + "_reader"
	d.exec(fmt.Sprintf(`create role %s login %s password 'secret'`, name, attributes))
	u, err := url.Parse(d.dsn)
	if err != nil {
		d.t.Fatal(err)
	}
	u.User = url.UserPassword(name, "secret")
	return name, u.String()
}

// lacks are what preflight finds, as "table: message".
func lacks(t *testing.T, s *Source) []engine.Halt {
	t.Helper()
	_, found, err := Introspect(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEachLackIsMendedByItsHint finds one lack, runs the SQL of its hint, and
// finds none.
func TestEachLackIsMendedByItsHint(t *testing.T) {
	t.Parallel()
	const granted = `; grant select on t to %role; create publication odsd_%name for table t`
	cases := []struct{ name, setup, says string }{
		{"no key", `create table t (v text)` + granted, `has no primary key`},
		{"no key but an id", `create table t (id int, v text)` + granted, `has no primary key`},
		{"no key but a unique index", `create table t (code text not null unique)` + granted, `has no primary key`},
		{"no key but a nullable unique index", `create table t (code text unique)` + granted, `has no primary key`},
		{"replica identity nothing", `create table t (id int primary key); alter table t replica identity nothing` + granted, `has REPLICA IDENTITY NOTHING`},
		{"replica identity full without a key", `create table t (v text); alter table t replica identity full` + granted, `has REPLICA IDENTITY FULL but no unique`},
		{"no right to read", `create table t (id int primary key); create publication odsd_%name for table t`, `may not read it`},
		{"no right to the schema", `create schema "My-schema"; create table "My-schema".t (id int primary key); grant select on "My-schema".t to %role; create publication odsd_%name for table "My-schema".t`, `may not use schema "My-schema"`},
		{"row-level security", `create table t (id int primary key); alter table t enable row level security` + granted, `row-level security`},
		{"no publication", `create table t (id int primary key); grant select on t to %role`, `does not exist and cannot be created`},
		{"publication without truncate", `create table t (id int primary key); grant select on t to %role; create publication odsd_%name for table t with (publish = 'insert, update, delete')`, `does not publish every operation`},
		{"table not published", `create table t (id int primary key); grant select on t to %role; create publication odsd_%name`, `is not in publication`},
		{"column list without the key", `create table t (code text not null unique, v text); alter table t replica identity using index t_code_key; grant select on t to %role; create publication odsd_%name for table t (v)`, `replica identity index`},
		{"unlogged", `create unlogged table t (id int primary key); grant select on t to %role; create publication odsd_%name; alter publication odsd_%name owner to %role`, `is unlogged`},
		{"unlike partition", `create table t (id int primary key, code int not null) partition by range (id); create table leaf partition of t default; create unique index c on t (id, code); alter table t replica identity using index c; grant select on t to %role; create publication odsd_%name for table t with (publish_via_partition_root)`, `has partition public.leaf with another replica identity`},
		{"unlogged partition", `create table t (id int primary key) partition by range (id); create unlogged table leaf partition of t default; grant select on t to %role; create publication odsd_%name for table t with (publish_via_partition_root)`, `has partition public.leaf, which is unlogged`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(c.name, "column list") {
				needs(t, listsAndFilters) // they mend it
			}
			d := newDatabase(t)
			role, dsn := d.role("replication")
			for _, sql := range strings.Split(strings.NewReplacer("%role", role, "%name", d.name).Replace(c.setup), "; ") {
				d.exec(sql)
			}
			table := "t"
			if strings.Contains(c.setup, "My-schema") {
				table = "My-schema.t"
			}
			s := d.sourceAs(dsn, table)
			found := lacks(t, s)
			i := slices.IndexFunc(found, func(h engine.Halt) bool { return strings.Contains(h.Message, c.says) })
			if i < 0 {
				t.Fatalf("found %v, want %q", found, c.says)
			}
			if c.name == "column list without the key" {
				return // mended by publishing the column, for which there are many ways
			}
			d.exec(found[i].Hint)
			if c.name == "unlogged" {
				d.exec(`alter publication odsd_` + d.name + ` add table t`)
			}
			if left := lacks(t, s); len(left) != 0 {
				t.Errorf("after %s: %v", found[i].Hint, left)
			}
		})
	}
}

func TestEveryLackAtOnce(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, map[string]string{"wal_level": "replica", "max_wal_senders": "0", "max_replication_slots": "0"})
	d := newDatabaseOn(t, cluster)
	role, dsn := d.role("")
	d.exec(`create table a (v text)`, `create table b (id int primary key)`, `create view v as select 1`,
		`create table p (id int primary key) partition by range (id)`)
	s := d.sourceAs(dsn, "a", "b", "v", "p", "absent")
	halt := follow(t, s, nil).halted()
	if halt.Code != codePreflight {
		t.Fatalf("code %s", halt.Code)
	}
	name := d.name + "."
	for _, want := range []string{
		"wal_level is replica", "all 0 replication slots", "all 0 replication connections", "role " + role + " may not replicate",
		name + "a: has no primary key", name + "a: role " + role + " may not read it",
		name + "v: is not a table", name + "absent: does not exist", "publication odsd_" + d.name + " does not exist and cannot be created",
	} {
		if !strings.Contains(halt.Message, want) {
			t.Errorf("the message lacks %q:\n%s", want, strings.ReplaceAll(halt.Message, "; ", "\n"))
		}
	}
	for _, want := range []string{
		"ALTER SYSTEM SET wal_level = 'logical';", "ALTER SYSTEM SET max_replication_slots = 4;", "ALTER SYSTEM SET max_wal_senders = 4;",
		"ALTER ROLE " + role + " REPLICATION;", "GRANT SELECT ON TABLE public.a TO " + role + ";",
		"ALTER TABLE public.a ADD COLUMN odsd_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
	} {
		if !strings.Contains(halt.Hint, want) {
			t.Errorf("the hint lacks %q:\n%s", want, halt.Hint)
		}
	}
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create schema billing`, `create type status as enum ('open', 'paid')`,
		`create table orders (note text, id bigint generated always as identity primary key, status status not null, code text not null unique, nick text unique, total numeric(12,2), gone int)`,
		`comment on table orders is 'What was bought'`, `comment on column orders.total is 'With tax'`, `alter table orders drop gone`, `alter table orders add tags text[]`,
		`create table billing.invoices (b int, a int, primary key (a, b))`, `create unique index on orders (nick) where nick is not null`)
	schemas, problems, err := Introspect(t.Context(), d.source("orders", "billing.invoices").config)
	if err != nil || len(problems) != 0 {
		t.Fatal(err, problems)
	}
	var got []string
	for _, s := range schemas {
		got = append(got, fmt.Sprintf("%s %q key %v unique %v", strings.TrimPrefix(s.Name, d.name), s.Description, s.Key, s.Unique))
		for _, c := range s.Columns {
			got = append(got, fmt.Sprintf("  %d %s %s %t %q %v", c.Attribute, c.Name, c.Type, c.NotNull, c.Description, c.Labels))
		}
	}
	want := `.billing.invoices "" key [1 0] unique []
  1 b integer true "" []
  2 a integer true "" []
.orders "What was bought" key [1] unique [[3]]
  1 note text false "" []
  2 id bigint true "" []
  3 status status true "" [open paid]
  4 code text true "" []
  5 nick text false "" []
  6 total numeric(12,2) false "With tax" []
  8 tags text[] false "" []`
	if strings.Join(got, "\n") != want {
		t.Errorf("introspected\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestAllTablesOfThePublication(t *testing.T) {
	t.Parallel()
	needs(t, listsAndFilters)
	d := newDatabase(t)
	d.exec(`create table a (id int primary key)`, `create table b (id int primary key)`, `create table c (id int primary key, secret text, v int)`,
		`create publication odsd_`+d.name+` for table a, c (id, v) where (v > 0)`, `insert into c values (1, 's', 1), (2, 's', -1)`)
	f := follow(t, d.source("*"), nil)
	f.untilCopied()
	d.exec(`insert into c values (3, 's', 3), (4, 's', -4)`)
	f.catchUp(d)
	if f.schema(d.name+".b") != nil || f.schema(d.name+".a") == nil {
		t.Errorf("captured %v", f.schemas)
	}
	if got, want := f.table(d.name+".c"), "1 1\n3 3"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	none := newDatabase(t)
	none.exec(`create table a (id int primary key)`, `create schema s`, `create table s.b (id int primary key)`)
	f = follow(t, none.source("*"), nil)
	f.untilCopied()
	if len(f.schemas) != 2 {
		t.Errorf("captured %v, want every table of a database without publication", f.schemas)
	}
}

func TestLeastRightsAreEnough(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a')`, `grant select on t to `+role, `create publication odsd_`+d.name+` for table t`)
	f := follow(t, d.sourceAs(dsn, "t"), nil)
	f.untilCopied()
	d.exec(`insert into t values (2, 'b')`)
	f.catchUp(d)
	if got, want := f.table(d.name+".t"), "1 a\n2 b"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
}

// The statements of docs/operations.md are all that the role needs, where nobody has
// any right by being somebody.
func TestDocumentedRightsAreEnough(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```sql\nCREATE ROLE")
	statements, _, ends := strings.Cut("CREATE ROLE"+block, "```")
	if !found || !ends {
		t.Fatal("docs/operations.md has no statements that make a role")
	}
	d := newDatabase(t)
	role := d.name + "_documented"
	d.exec(`revoke all on database `+d.name+` from public`, `revoke all on schema public from public`,
		`create table orders (id int primary key)`, `create table order_items (id int primary key)`, `insert into orders values (1)`)
	names := strings.NewReplacer("ROLE odsd", "ROLE "+role, "TO odsd", "TO "+role, "DATABASE shop", "DATABASE "+d.name, "odsd_shop", "odsd_"+d.name)
	d.exec(names.Replace(statements))

	s := d.sourceAs(d.dsnOf(role, "secret"), "orders", "order_items")
	s.config.Heartbeat = 50 * time.Millisecond
	f := follow(t, s, nil)
	f.untilCopied()
	d.exec(`insert into order_items values (2)`)
	f.compare(d, "orders", "id")
	f.compare(d, "order_items", "id")
	s.CopyTable(d.name + ".orders")
	f.untilCopies(1)
	f.compare(d, "orders", "id")
	f.stop()
	if len(f.faults) > 0 {
		t.Errorf("faults: %v", f.faults)
	}
}

func TestRefusedRoleIsPassing(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	role, dsn := d.role("replication")
	d.exec(`create table t (id int primary key)`, `grant select on t to `+role, `create publication odsd_`+d.name+` for table t`, `alter role `+role+` nologin`)
	f := follow(t, d.sourceAs(dsn, "t"), nil)
	f.until("it says that the role is refused", func() bool { return f.fault() == codeAuthentication })
	d.exec(`alter role ` + role + ` login`)
	f.untilCopied()
}

func TestConfigurationThatCannotBeRight(t *testing.T) {
	t.Parallel()
	var halt *engine.Halt
	err := New(Config{Name: "shop", DSN: "postgres://user:secret@host:notaport/db", Tables: []string{"t"}}).Run(t.Context(), nil, make(chan engine.Event, 10))
	if !errors.As(err, &halt) || halt.Code != codeConfig || strings.Contains(halt.Message, "secret") {
		t.Errorf("error %v", err)
	}
	err = New(Config{Name: "shop"}).Run(t.Context(), &engine.Resume{Identity: []byte("{"), Schemas: []*relation.Schema{{}}}, make(chan engine.Event, 10))
	if !errors.As(err, &halt) || halt.Code != codeIdentity {
		t.Errorf("error %v", err)
	}
}
