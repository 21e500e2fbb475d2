package main

import (
	"fmt"
	"html"
	"strings"
)

// The plot's measures, in pixels.
const (
	plotWidth, labelWidth, figureWidth = 860, 190, 170
	barHeight, barGap, plotTop         = 22, 12, 64
)

// plot draws the medians as bars: transactions a second, and every run as a tick.
func (r *result) plot() string {
	most := 0.0
	for _, s := range r.Standings {
		for _, m := range s.Runs {
			most = max(most, float64(r.Transactions)/m.Seconds)
		}
	}
	scale := float64(plotWidth-labelWidth-figureWidth) / most
	height := plotTop + len(r.Standings)*(barHeight+barGap) + barGap
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n",
		plotWidth, height, plotWidth, height)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	fmt.Fprintf(&b, `<text x="12" y="24" font-size="16">%s: transactions per second, %d transactions of one row</text>`+"\n",
		html.EscapeString(r.Settings.Workload), r.Transactions)
	fmt.Fprintf(&b, `<text x="12" y="44" fill="#555">median of %d rounds, ticks are the rounds; %d cores, PostgreSQL %s, %s, %s</text>`+"\n",
		r.rounds(), r.Machine.Cores, r.Machine.PostgreSQL, r.Machine.Go, r.Date.Format("2006-01-02"))
	for n, s := range r.Standings {
		y := plotTop + n*(barHeight+barGap)
		fmt.Fprintf(&b, `<text x="12" y="%d">%s</text>`+"\n", y+16, html.EscapeString(s.Name))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n",
			labelWidth, y, s.TransactionsPerSecond*scale, barHeight, barColour(s.Name))
		for _, m := range s.Runs {
			x := labelWidth + float64(r.Transactions)/m.Seconds*scale
			fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="black"/>`+"\n", x, x, y, y+barHeight)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d">%.0f/s, %.1f µs of CPU</text>`+"\n",
			plotWidth-figureWidth+8, y+16, s.TransactionsPerSecond, s.CPUMicroseconds)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// barColour tells odsd from those beside it.
func barColour(contender string) string {
	if strings.HasPrefix(contender, "odsd") || strings.HasPrefix(contender, "rows") {
		return "#7aa6d8"
	}
	return "#c8c8c8"
}
