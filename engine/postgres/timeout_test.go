package postgres

import "testing"

// transactionTimeouts is the version that has transaction_timeout.
const transactionTimeouts = 17

// A copy may take longer than any transaction of the role's may otherwise.
func TestCopyOutlivesTransactionTimeout(t *testing.T) {
	t.Parallel()
	needs(t, transactionTimeouts)
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, v text)`, `insert into t select n, 'a' from generate_series(1, 3) n`,
		`create function slow(n int) returns bool language plpgsql as 'begin perform pg_sleep(0.3); return true; end'`,
		`create publication odsd_`+d.name+` for table t`,
		`alter database `+d.name+` set transaction_timeout = '500ms'`)
	s := d.source("t")
	conn, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSession(conn.PgConn())
	if _, err := conn.Exec(t.Context(), `begin; select public.slow(id) from public.t; commit`); err != nil {
		t.Error(err)
	}
	replication, err := s.connectReplication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSession(replication.PgConn)
	if _, err := replication.Exec(t.Context(), `begin; select public.slow(id) from public.t; commit`).ReadAll(); err != nil {
		t.Error(err)
	}
	f := follow(t, s, nil)
	f.untilCopied()
	f.compare(d, "t", "id, v")
}
