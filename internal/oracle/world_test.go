package oracle

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"odsd/examples"
	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/views"
)

// world is the demo's databases and its project, with a daemon over them.
type world struct {
	cluster *pgcluster.Cluster
	dsns    demo.DSNs
	dir     string // of the project
	daemon  *daemon
	scratch *scratch
	// confirmed are the positions that the daemon called durable.
	confirmed floors
}

// customers is how many the databases begin with.
const customers = 200

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{dir: filepath.Join(t.TempDir(), "project"), confirmed: newFloors()}
	// A small memory makes ordinary transactions spill, as large ones do elsewhere.
	w.cluster = pgtest.Start(t, pgcluster.Options{Settings: map[string]string{"logical_decoding_work_mem": "64kB"}})
	var err error
	if w.dsns, err = demo.OneCluster(t.Context(), w.cluster); err != nil {
		t.Fatal(err)
	}
	if err := demo.Seed(t.Context(), w.dsns, customers, seed); err != nil {
		t.Fatal(err)
	}
	if err := w.each(t.Context(), func(ctx context.Context, source string, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, preparations[source])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(w.dir, examples.Files); err != nil {
		t.Fatal(err)
	}
	w.daemon = &daemon{
		program: buildProgram(t), dir: w.dir, env: w.dsns.Environment(),
		logFile: filepath.Join(t.TempDir(), "daemon.log"),
	}
	w.scratch = newScratch(t, w)
	return w
}

// each does something on a connection to each database, one after the other.
func (w *world) each(ctx context.Context, do func(ctx context.Context, source string, conn *pgx.Conn) error) error {
	for _, source := range demo.Names() {
		conn, err := pgx.Connect(ctx, w.dsns[source])
		if err != nil {
			return err
		}
		err = do(ctx, source, conn)
		_ = conn.Close(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}

// views reads the definitions as the project has them now.
func (w *world) views() ([]*views.View, error) {
	p, found := project.Load(w.dir, nil)
	checked, more := p.Check()
	for _, d := range append(found, more...) {
		if d.Severity == yamlfile.Error {
			return nil, d
		}
	}
	return checked, nil
}

// redefinitions change what a view is, each in one place of its text; every GraphQL
// field stays.
var redefinitions = map[string][][2]string{
	"catalog_entries.yaml": {
		{"where: active", "where: not active"},
	},
	"daily_revenue.yaml": {
		{"having: revenue > 0", "having: orders > 1"},
		{`where: status in ["paid", "shipped", "delivered"]`, `where: status != "draft"`},
		{"every: 1d, timezone: Europe/Berlin", "every: 1h, timezone: UTC"},
	},
	"vip_customers.yaml": {
		{"where: vip", "where: not vip"},
	},
	"customer_360.yaml": {
		{"limit: 50", "limit: 3"},
		{"order_by: [placed_at desc, id]", "order_by: [total, id desc]"},
		{"order_by: [line_no]", "order_by: [products.name desc, quantity]"},
		{`where: status != "draft"`, `where: status != "cancelled"`},
		{"where: deleted_at == nil", "where: newsletter"},
	},
	"order_board.yaml": {
		{"order_by: [created_at desc]", "order_by: [parcels, created_at]"},
		{`where: status in ["placed", "paid", "shipped"]`, `where: status != "delivered"`},
		{"order_by: [line_no]", "order_by: [categories.name, quantity desc]"},
	},
	"product_sales.yaml": {
		{"limit: 20", "limit: 2"},
		{"required: true", "required: false"},
		{"order_by: [order_id desc, line_no]", "order_by: [unit_price]"},
		{"order_by: [order_id desc, line_no]", "order_by: [orders.placed_at desc, line_no]"},
	},
}

// redefine gives one view another definition, or its first one back. The
// daemon reads it at its next start.
func (w *world) redefine(random *rand.Rand) error {
	files, err := fs.Glob(examples.Files, "views/*.yaml")
	if err != nil {
		return err
	}
	file := files[random.IntN(len(files))]
	text, err := fs.ReadFile(examples.Files, file)
	if err != nil {
		return err
	}
	changed := string(text)
	for _, r := range redefinitions[filepath.Base(file)] {
		if random.IntN(3) == 0 {
			changed = strings.Replace(changed, r[0], r[1], 1)
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, file), []byte(changed), 0o600); err != nil {
		return err
	}
	_, err = w.views()
	return err
}
