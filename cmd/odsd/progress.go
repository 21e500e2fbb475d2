package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress shows how far something is: a bar on a terminal, a line every ten
// seconds elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	said     time.Time // the last line
	open     bool      // a bar stands on the terminal's last line
}

// sayEvery is how often progress is told where there is no terminal.
const sayEvery = 10 * time.Second

func newProgress(w io.Writer) *progress {
	now := time.Now()
	return &progress{w: w, terminal: isTerminal(w), began: now, said: now}
}

const barWidth = 24

// show tells that done of known things are done; known may be 0 for not known.
func (p *progress) show(what string, done, known int64) {
	if !p.terminal && time.Since(p.said) < sayEvery {
		return
	}
	p.said = time.Now()
	text := what + " " + countText(done)
	seconds := time.Since(p.began).Seconds()
	rate := float64(done) / max(seconds, 0.001)
	if known > 0 {
		done = min(done, known)
		filled := int(done * barWidth / known)
		text = fmt.Sprintf("%s [%s%s] %s of %s", what, strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled), countText(done), countText(known))
	}
	text += fmt.Sprintf(", %s/s", countText(int64(rate)))
	if known > done && rate > 0 {
		text += ", " + durationText(float64(known-done)/rate) + " left"
	}
	if p.terminal {
		p.open = true
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintf(p.w, "odsd: %s\n", text)
}

// end leaves the line that a bar stands on.
func (p *progress) end() {
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
