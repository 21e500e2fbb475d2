package postgres

import "testing"

// validated is the version whose NOT NULL may be not valid.
const validated = 18

// A column whose NOT NULL was never checked for the rows that were there may be null, and is no part of a key.
func TestNotNullThatIsNotValid(t *testing.T) {
	t.Parallel()
	needs(t, validated)
	d := newDatabase(t)
	d.exec(`create table t (id int, v text)`, `insert into t values (1, 'a'), (null, 'b')`, `create unique index on t (id)`,
		`alter table t add constraint later not null id not valid`, `alter table t replica identity full`)
	s := d.source("t")
	found := lacks(t, s)
	if len(found) != 1 || found[0].Hint != `ALTER TABLE public.t ALTER COLUMN id SET NOT NULL; ALTER TABLE public.t REPLICA IDENTITY USING INDEX t_id_idx;` {
		t.Fatalf("found %v", found)
	}
	d.exec(`delete from t where id is null`, found[0].Hint)
	if left := lacks(t, s); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
	f := follow(t, s, nil)
	f.untilCopied()
	f.compare(d, "t", "id, v")
}
