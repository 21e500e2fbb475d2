package demo

import (
	"bufio"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"
)

// rowWriter writes rows in COPY's text format, a method a value, then end. After
// a write that failed it does nothing any more.
type rowWriter struct {
	out     *bufio.Writer
	line    []byte
	err     error
	escapes *strings.Replacer
}

func newRowWriter(out io.Writer) *rowWriter {
	return &rowWriter{
		out:     bufio.NewWriterSize(out, 64<<10),
		escapes: strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`),
	}
}

func (w *rowWriter) text(s string) { w.line = append(append(w.line, w.escapes.Replace(s)...), '\t') }

func (w *rowWriter) null() { w.line = append(w.line, '\\', 'N', '\t') }

// textOrNull writes the empty text as null.
func (w *rowWriter) textOrNull(s string) {
	if s == "" {
		w.null()
		return
	}
	w.text(s)
}

func (w *rowWriter) int(n int64) { w.line = append(strconv.AppendInt(w.line, n, 10), '\t') }

func (w *rowWriter) float(f float64, digits int) {
	w.line = append(strconv.AppendFloat(w.line, f, 'f', digits, 64), '\t')
}

func (w *rowWriter) cents(n int64) { w.text(amount(n)) }

func (w *rowWriter) bool(b bool) { w.line = append(strconv.AppendBool(w.line, b), '\t') }

// time writes null for the zero time.
func (w *rowWriter) time(t time.Time) {
	if t.IsZero() {
		w.null()
		return
	}
	w.line = append(t.UTC().AppendFormat(w.line, "2006-01-02 15:04:05.999999-07"), '\t')
}

func (w *rowWriter) date(t time.Time) {
	w.line = append(t.AppendFormat(w.line, time.DateOnly), '\t')
}

func (w *rowWriter) uuid(id [16]byte) { w.text(uuidText(id)) }

func (w *rowWriter) bytes(b []byte) { w.text(`\x` + hex.EncodeToString(b)) }

// array writes an array of words that need no quotes.
func (w *rowWriter) array(words []string) { w.text("{" + strings.Join(words, ",") + "}") }

// end ends the row.
func (w *rowWriter) end() {
	if w.err == nil {
		w.line[len(w.line)-1] = '\n'
		_, w.err = w.out.Write(w.line)
	}
	w.line = w.line[:0]
}

func (w *rowWriter) flush() error {
	if w.err != nil {
		return w.err
	}
	return w.out.Flush()
}

// amount writes cents as a decimal number.
func amount(cents int64) string {
	if cents < 0 {
		return "-" + amount(-cents)
	}
	text := strconv.FormatInt(cents, 10)
	if len(text) < 3 {
		text = strings.Repeat("0", 3-len(text)) + text
	}
	return text[:len(text)-2] + "." + text[len(text)-2:]
}

func uuidText(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
