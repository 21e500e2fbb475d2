package demo_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"odsd/internal/demo"
)

func TestRunLeavesNothing(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var dirs []string
	interrupted := errors.New("interrupted")
	err := demo.Run(ctx, demo.Options{Customers: 40, Seed: 1}, 200, func(ctx context.Context, d *demo.Databases, w *demo.Workload) error {
		for _, name := range demo.Names() {
			dirs = append(dirs, d.Cluster(name).Dir())
		}
		worksOn(t, w)
		interrupt()
		<-ctx.Done()
		return interrupted
	})
	if !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
	if len(dirs) != 4 {
		t.Fatalf("%d clusters", len(dirs))
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left", dir)
		}
	}
}

func TestSamplesHaveTheirRows(t *testing.T) {
	dsns := seeded(t, 10, 3) // the smallest seed has them too
	if got := one[int](t, dsns[demo.CRM], "select count(*)::int from customers where id = 1 and deleted_at is null"); got != 1 {
		t.Errorf("customer 1: %d rows", got)
	}
	if got := one[int](t, dsns[demo.Catalog], "select count(*)::int from products where sku in ('KNF-00001', 'CUP-00004')"); got != 2 {
		t.Errorf("products: %d rows", got)
	}
}
