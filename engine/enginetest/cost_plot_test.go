package enginetest

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// resultsFolder is where what was measured is kept.
const resultsFolder = "../../bench/results"

// writeCosts keeps the figures, and a plot of them.
func writeCosts(t *testing.T, all []*measured) {
	t.Helper()
	if err := os.MkdirAll(resultsFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	table := "scenario,change,size,keys read,seeks,rows written,bytes written\n"
	for _, m := range all {
		for _, size := range slices.Sorted(maps.Keys(m.bySize)) {
			c := m.bySize[size]
			table += fmt.Sprintf("%s,%s,%d,%d,%d,%d,%d\n", m.scenario, m.change, size, c.reads, c.seeks, c.writes, c.bytes)
		}
	}
	for name, text := range map[string]string{"cost.csv": table, "cost.svg": plot(all)} {
		if err := os.WriteFile(filepath.Join(resultsFolder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The measures of the plot: a row for each scenario, a panel for each figure.
const (
	panelWidth, panelHeight = 300, 220
	marginLeft, marginTop   = 60, 50
	legendWidth             = 220
)

var figures = []struct {
	name string
	of   func(cost) int64
}{
	{"keys read", func(c cost) int64 { return c.reads }},
	{"rows written", func(c cost) int64 { return c.writes }},
	{"bytes written", func(c cost) int64 { return c.bytes }},
}

var colours = []string{"#1b6ca8", "#d1495b", "#3a7d44", "#edae49", "#6a4c93", "#00798c", "#8d5524", "#555555", "#e377c2", "#7f9c1c", "#20b2aa"}

// plot draws every figure over the size, which grows tenfold from tick to tick.
func plot(all []*measured) string {
	var scenarios []string
	for _, m := range all {
		if !slices.Contains(scenarios, m.scenario) {
			scenarios = append(scenarios, m.scenario)
		}
	}
	width := marginLeft + len(figures)*(panelWidth+marginLeft) + legendWidth
	height := 2*marginTop + len(scenarios)*(panelHeight+marginTop)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/><text x="%d" y="24" font-size="16">What one change costs, by the size of what it is part of</text>`+"\n", width, height, marginLeft)
	for row, name := range scenarios {
		var list []*measured
		for _, m := range all {
			if m.scenario == name {
				list = append(list, m)
			}
		}
		top := marginTop + row*(panelHeight+marginTop)
		for column, figure := range figures {
			panel(&b, marginLeft+column*(panelWidth+marginLeft), top, name+": "+figure.name, list, figure.of)
		}
		for i, m := range list {
			x, y := marginLeft+len(figures)*(panelWidth+marginLeft), top+25+i*16
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", x, y-9, colours[i%len(colours)], x+15, y, m.change)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func panel(b *strings.Builder, left, top int, title string, list []*measured, of func(cost) int64) {
	sizes := slices.Sorted(maps.Keys(list[0].bySize))
	low, high := math.Log10(float64(sizes[0])), math.Log10(float64(sizes[len(sizes)-1]))
	var most int64 = 1
	for _, m := range list {
		for _, c := range m.bySize {
			most = max(most, of(c))
		}
	}
	bottom := top + panelHeight - 20
	x := func(size int) float64 {
		return float64(left) + (math.Log10(float64(size))-low)/max(high-low, 1)*float64(panelWidth)
	}
	y := func(n int64) float64 { return float64(bottom) - float64(n)/float64(most)*float64(panelHeight-45) }
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="12">%s</text><path d="M%d %dV%dH%d" fill="none" stroke="#999"/>`+"\n", left, top+12, title, left, top+20, bottom, left+panelWidth)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">0</text><text x="%d" y="%.0f" text-anchor="end">%d</text>`+"\n", left-5, bottom, left-5, y(most)+4, most)
	for _, size := range sizes {
		fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle">%s</text>`+"\n", x(size), bottom+14, power(size))
	}
	for i, m := range list {
		var points []string
		for _, size := range sizes {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(size), y(of(m.bySize[size]))))
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.Join(points, " "), colours[i%len(colours)])
	}
}

// power writes a power of ten short.
func power(size int) string {
	digits := len(fmt.Sprint(size)) - 1
	if digits < 4 {
		return fmt.Sprint(size)
	}
	return fmt.Sprintf("10^%d", digits)
}
