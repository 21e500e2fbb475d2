package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// table is aligned text. Columns listed in right hold numbers.
type table struct {
	head  []string
	rows  [][]string
	right []int
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	t.printRow(w, t.head, widths)
	for _, row := range t.rows {
		t.printRow(w, row, widths)
	}
}

func (t *table) printRow(w io.Writer, row []string, widths []int) {
	var line strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if slices.Contains(t.right, i) {
			line.WriteString(pad + cell + "  ")
		} else {
			line.WriteString(cell + pad + "  ")
		}
	}
	fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// countText is a number with its thousands apart: "1,234,567".
func countText(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// bytesText is a size as PostgreSQL's settings write it: "16.0 MiB"; "-" for
// one that is not known.
func bytesText(n int64) string {
	if n < 0 {
		return "-"
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + " " + units[unit]
}

// durationText is a lag: "42 ms", "3.2 s", "1h5m0s".
func durationText(seconds float64) string {
	switch {
	case seconds < 0 || math.IsNaN(seconds) || seconds > math.MaxInt64/1e9:
		return "-"
	case seconds < 1:
		return strconv.FormatFloat(seconds*1000, 'f', 0, 64) + " ms"
	case seconds < 100:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
	}
	return (time.Duration(seconds) * time.Second).String()
}

// isTerminal says whether w is a terminal: only there lines are written over.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
