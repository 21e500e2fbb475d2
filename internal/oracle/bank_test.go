package oracle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

// The bank has accounts in two tables of one database: a few that all transfers of the branch hot
// are between, and many of the branch cold, so that a copy of them has a middle to be killed in.
const (
	hotAccounts  = 10
	currentRows  = 40_000
	savingsRows  = 120_000
	eachBalance  = 1000
	hotTotal     = 2 * hotAccounts * eachBalance
	coldTotal    = coldAccounts * eachBalance
	coldAccounts = currentRows + savingsRows - 2*hotAccounts
)

const bankTables = `
create table current (id int primary key, branch text not null, balance numeric(20,2) not null, note text);
create table savings (id int primary key, branch text not null, balance numeric(20,2) not null, note text);
insert into current select g, case when g <= %[1]d then 'hot' else 'cold' end, %[4]d, repeat(md5(g::text), 6) from generate_series(1, %[2]d) g;
insert into savings select g, case when g <= %[1]d then 'hot' else 'cold' end, %[4]d, repeat(md5(g::text), 6) from generate_series(1, %[3]d) g`

// bankFiles are its project: each account as a document, and the totals of each branch.
func bankFiles() map[string]string {
	files := map[string]string{
		"odsd.yaml":         "version: 1\ndata_dir: ./data\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n",
		"sources/bank.yaml": "version: 1\nsource: bank\npostgres:\n  dsn: ${BANK_DSN}\ntables: [current, savings]\n",
	}
	for _, table := range []string{"current", "savings"} {
		files["views/"+table+".yaml"] = fmt.Sprintf("version: 1\nview: %[1]s_account\nfrom: bank.%[1]s\nfields: {id: , branch: , balance: }\n", table)
		files["views/"+table+"_totals.yaml"] = fmt.Sprintf(`version: 1
view: %[1]s_total
from: bank.%[1]s
group_by:
  branch:
measures:
  accounts: {count: "*"}
  total: {sum: balance, default: "0.00"}
`, table)
	}
	return files
}

// bank is a world of its own project, whose transfers go from one table to the other.
type bank struct {
	*world
	dsn  string
	conn *pgx.Conn // of the test, which looks at what the daemon does
}

func newBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{world: &world{cluster: pgtest.Start(t, pgcluster.Options{}), dir: filepath.Join(t.TempDir(), "project"), confirmed: newFloors()}}
	if err := b.cluster.CreateDatabase(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	b.dsn = b.cluster.DSN("bank")
	var err error
	if b.conn, err = pgx.Connect(t.Context(), b.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.conn.Close(context.Background()) })
	if _, err := b.conn.Exec(t.Context(), fmt.Sprintf(bankTables, hotAccounts, currentRows, savingsRows, eachBalance)); err != nil {
		t.Fatal(err)
	}
	for name, text := range bankFiles() {
		path := filepath.Join(b.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	b.daemon = &daemon{
		program: buildProgram(t), dir: b.dir, env: []string{"BANK_DSN=" + b.dsn},
		logFile: filepath.Join(t.TempDir(), "daemon.log"),
	}
	t.Cleanup(func() {
		if b.daemon.cmd != nil {
			_ = b.daemon.kill() // of a failed test: it may have ended
		}
		if t.Failed() {
			t.Logf("the end of the daemon's log:\n%s", tail(b.daemon.logFile, 6000))
		}
	})
	return b
}

// transfer is one transaction over both tables: money goes from one account to another, or a
// whole account moves. It changes no sum over both tables.
func (b *bank) transfer(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
	switch random.IntN(8) {
	case 0:
		return moveAccount(ctx, tx, random, "current", "savings")
	case 1:
		return moveAccount(ctx, tx, random, "savings", "current")
	}
	lowest, highest := 1, hotAccounts
	if random.IntN(2) == 0 {
		lowest, highest = hotAccounts+1, currentRows
	}
	cents := random.IntN(8000) - 4000
	for i, table := range []string{"current", "savings"} { // in one order, so that none waits for the other
		id := lowest + random.IntN(highest-lowest+1)
		tag, err := tx.Exec(ctx, "update "+table+" set balance = balance + $1::int * 0.01 where id = $2", cents-2*i*cents, id)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return tx.Rollback(ctx) // the account has moved to the other table
		}
	}
	return nil
}

// moveAccount takes an account out of one table and opens it in the other, under
// a number that neither has; one that is taken all the same breaks the transaction off.
func moveAccount(ctx context.Context, tx pgx.Tx, random *rand.Rand, from, to string) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(`with gone as (delete from %s where id = $1 returning balance, note)
		insert into %s select $2, 'cold', balance, note from gone`, from, to),
		hotAccounts+1+random.IntN(currentRows-hotAccounts), 1_000_000+random.IntN(1_000_000_000))
	return err
}

// write makes transfers until ctx ends; what a crash breaks off has not happened, or has.
func (b *bank) write(ctx context.Context, seed uint64, t *tally) {
	random := rand.New(rand.NewPCG(seed, 9))
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.Background())
		}
	}()
	for ctx.Err() == nil {
		err := func() (err error) {
			if conn == nil || conn.IsClosed() {
				if conn, err = pgx.Connect(ctx, b.dsn); err != nil {
					conn = nil
					return err
				}
			}
			tx, err := conn.Begin(ctx)
			if err != nil {
				return err
			}
			defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after a commit
			if err := b.transfer(ctx, tx, random); err != nil {
				return err
			}
			return tx.Commit(ctx)
		}()
		if errors.Is(err, pgx.ErrTxClosed) {
			continue // rolled back, since an account has moved
		}
		t.count("transfer", 1, err)
		randomMoment(ctx, random, pauseAfter)
	}
}

// bankQuery asks for both tables at once, in documents and in totals.
func bankQuery() string {
	var keys strings.Builder
	for n := range hotAccounts {
		fmt.Fprintf(&keys, "{id: %d} ", n+1)
	}
	return fmt.Sprintf(`{
		current: currentAccountByKeys(keys: [%[1]s]) { balance }
		savings: savingsAccountByKeys(keys: [%[1]s]) { balance }
		hotCurrent: currentTotal(branch: "hot") { total }
		hotSavings: savingsTotal(branch: "hot") { total }
		coldCurrent: currentTotal(branch: "cold") { total accounts }
		coldSavings: savingsTotal(branch: "cold") { total accounts }
	}`, keys.String())
}

// look asks once; an error that is not excused is of a reply in which money is lost or doubled.
func (b *bank) look(ctx context.Context) error {
	reply, err := ask(ctx, b.daemon.where(), bankQuery(), "", "")
	if err != nil {
		return err
	}
	if err := bankAddsUp(reply.Data); err != nil {
		return fmt.Errorf("a reply of life %d: %w\n%v", b.daemon.where().life, err, reply.Data)
	}
	return nil
}

func bankAddsUp(data map[string]any) error {
	documents, hot, cold, count := newSum(), newSum(), newSum(), newSum()
	for _, table := range []string{"current", "savings"} {
		accounts := list(data[table])
		if len(accounts) != hotAccounts {
			return fmt.Errorf("%d accounts of %s, not %d", len(accounts), table, hotAccounts)
		}
		for _, a := range accounts {
			documents.add(a["balance"])
		}
	}
	for _, of := range []string{"Current", "Savings"} {
		h, _ := data["hot"+of].(map[string]any)
		c, _ := data["cold"+of].(map[string]any)
		hot.add(h["total"])
		cold.add(c["total"])
		count.add(c["accounts"])
	}
	return errors.Join(
		documents.equals("the accounts of both tables together", fmt.Sprint(hotTotal)),
		hot.equals("the total of the branch hot in both tables", fmt.Sprint(hotTotal)),
		cold.equals("the total of the branch cold in both tables", fmt.Sprint(coldTotal)),
		count.equals("the number of cold accounts in both tables", fmt.Sprint(coldAccounts)))
}
