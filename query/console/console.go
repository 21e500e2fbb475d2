// Package console serves GraphiQL from the binary: no page of it asks any other
// host for anything, and its content security policy forbids that.
//
// static/ holds what build.sh made of web/ with npm, committed so that building
// odsd needs Go alone. NOTICE.txt there holds the licences of what is in it.
package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
)

//go:embed static
var files embed.FS

// policy forbids everything that is not this page's own. Editors set styles on
// elements as people type, hence inline styles.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Prefix is the path below which the page's own files are served.
const Prefix = "/console/"

// Console serves the page and its files.
type Console struct {
	assets map[string]asset
}

type asset struct {
	body []byte
	kind string
	tag  string
}

// New reads the embedded files.
func New() (*Console, error) {
	c := &Console{assets: map[string]asset{}}
	kinds := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	}
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, fmt.Errorf("embedded console: %w", err)
	}
	for _, e := range entries {
		body, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("embedded console: %w", err)
		}
		sum := sha256.Sum256(body)
		c.assets[e.Name()] = asset{body: body, kind: kinds[path.Ext(e.Name())], tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return c, nil
}

// ServeHTTP serves a file below Prefix.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.serve(w, r, path.Base(r.URL.Path))
}

// Page serves GraphiQL itself.
func (c *Console) Page(w http.ResponseWriter, r *http.Request) { c.serve(w, r, "index.html") }

func (c *Console) serve(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := c.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", fmt.Sprint(len(a.body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a client that has gone away is no fault of ours
	}
}
