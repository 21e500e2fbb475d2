package enginetest

import (
	"testing"
)

// BenchmarkBuild builds a view of one customer a hundred orders, each with an
// item and its product; one operation is a whole initial load and build.
func BenchmarkBuild(b *testing.B) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		b.Fatal(err)
	}
	database := hotDatabase(b, schemas, 20_000)
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewWorld(schemas, checked, database)
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChange applies one changed item a commit to a hot document.
func BenchmarkChange(b *testing.B) {
	schemas := hotSchemas()
	checked, err := CheckViews(schemas, []string{hotView})
	if err != nil {
		b.Fatal(err)
	}
	const orders = 10_000
	w, err := NewWorld(schemas, checked, hotDatabase(b, schemas, orders))
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := w.Commit(Step{hotChanges[1].change(orders - i%orders)}); err != nil {
			b.Fatal(err)
		}
	}
}
