package enginetest

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"odsd/engine"
)

// limitsFile holds what each change costs, as it was measured when somebody last
// looked at it (`go test -run TestCostOfAChange -rewrite`); more than that is a fault.
const limitsFile = "testdata/cost.txt"

// cost is what one change takes.
type cost struct{ reads, seeks, writes, bytes int64 }

func (c cost) exceeds(limit cost) bool {
	return c.reads > limit.reads || c.seeks > limit.seeks || c.writes > limit.writes || c.bytes > limit.bytes+limit.slack()
}

func (c cost) equals(other cost) bool {
	return c.reads == other.reads && c.seeks == other.seeks && c.writes == other.writes &&
		c.bytes <= other.bytes+other.slack() && c.bytes >= other.bytes-other.slack()
}

// slack is by how much the bytes may differ: larger numbers have more digits, in
// keys, accumulators and counters.
func (c cost) slack() int64 { return 40 + c.bytes/5 }

func (c cost) String() string {
	return fmt.Sprintf("%d keys read, %d seeks, %d rows written, %d bytes", c.reads, c.seeks, c.writes, c.bytes)
}

func costOf(r engine.CommitReport) cost {
	s := r.Stats
	return cost{reads: s.Gets + s.Nexts, seeks: s.Seeks, writes: s.Sets + s.Deletes - int64(r.Frontiers), bytes: s.Bytes}
}

// measured is what one change of one scenario takes, by size.
type measured struct {
	scenario, change string
	bySize           map[int]cost
}

func costScenarios() []*costScenario {
	return []*costScenario{documentCost(), tableCost(), groupCost(), unionCost()}
}

// TestCostOfAChange counts, and does not time, what one change costs: the same
// whatever the size of documents, tables, groups and unions, and no more than is
// known to be due. ODSD_COST=1 counts large ones too and draws what it found.
func TestCostOfAChange(t *testing.T) {
	var all []*measured
	due := 0
	for _, c := range costScenarios() {
		due += len(c.changes)
		t.Run(c.name, func(t *testing.T) { all = append(all, measureScenario(t, c)...) })
	}
	if len(all) < due { // -run has asked for some
		t.Log("not all scenarios were counted: nothing is written")
		checkAll(t, all)
		return
	}
	if rewrite := flag.Lookup("rewrite"); rewrite != nil && rewrite.Value.String() == "true" {
		writeLimits(t, all)
	}
	checkAll(t, all)
	if os.Getenv("ODSD_COST") != "" && !t.Failed() {
		writeCosts(t, all)
	}
}

func checkAll(t *testing.T, all []*measured) {
	t.Helper()
	limits := readLimits(t)
	for _, m := range all {
		m.check(t, limits)
	}
}

func measureScenario(t *testing.T, c *costScenario) []*measured {
	t.Helper()
	sizes := c.small
	if os.Getenv("ODSD_COST") != "" {
		sizes = c.large
	}
	if largest, err := strconv.Atoi(os.Getenv("ODSD_COST_LARGEST")); err == nil {
		sizes = slices.DeleteFunc(slices.Clone(sizes), func(n int) bool { return n > largest })
	}
	list := make([]*measured, len(c.changes))
	for i, change := range c.changes {
		list[i] = &measured{scenario: c.name, change: change.name, bySize: map[int]cost{}}
	}
	for _, size := range sizes {
		began := time.Now()
		w := newCostWorld(t, c, size)
		loaded := time.Since(began)
		var applied [][]engine.Change
		for i, change := range c.changes {
			changes := change.changes(c, size)
			applied = append(applied, changes)
			list[i].bySize[size] = costOf(w.apply(t, changes))
		}
		if size <= 1_000 {
			w.checkReference(t, c, size, applied)
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s of %d %s: loaded and built in %.1f s", c.name, size, c.grows, loaded.Seconds())
	}
	return list
}

// check compares sizes with each other and with the limits.
func (m *measured) check(t *testing.T, limits map[string]cost) {
	t.Helper()
	name := m.scenario + ": " + m.change
	limit, known := limits[name]
	if !known {
		t.Errorf("%s has no limits in %s: -rewrite writes them", name, limitsFile)
	}
	sizes := slices.Sorted(maps.Keys(m.bySize))
	first := m.bySize[sizes[0]]
	for _, size := range sizes {
		c := m.bySize[size]
		if !c.equals(first) {
			t.Errorf("%s is not flat: %s at %d, %s at %d", name, first, sizes[0], c, size)
		}
		if known && c.exceeds(limit) {
			t.Errorf("%s at %d: %s; at most %s are due", name, size, c, limit)
		}
	}
}

func readLimits(t *testing.T) map[string]cost {
	t.Helper()
	file, err := os.Open(limitsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	limits := map[string]cost{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, figures, ok := strings.Cut(lines.Text(), " | ")
		if !ok {
			continue
		}
		var c cost
		if _, err := fmt.Sscanf(figures, "%d keys read, %d seeks, %d rows written, %d bytes", &c.reads, &c.seeks, &c.writes, &c.bytes); err != nil {
			t.Fatalf("%s: %q: %v", limitsFile, figures, err)
		}
		limits[strings.TrimSpace(name)] = c
	}
	return limits
}

func writeLimits(t *testing.T, all []*measured) {
	t.Helper()
	var b strings.Builder
	b.WriteString("What one change may cost at most, whatever the size. Rewritten by -rewrite; see TestCostOfAChange.\n\n")
	for _, m := range all {
		sizes := slices.Sorted(maps.Keys(m.bySize))
		fmt.Fprintf(&b, "%-50s | %s\n", m.scenario+": "+m.change, m.bySize[sizes[0]])
	}
	if err := os.WriteFile(limitsFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
