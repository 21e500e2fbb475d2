package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"odsd/query"
	"odsd/storage"
	"odsd/storage/relation"
)

// empty is a Backend of a store without views.
type empty struct {
	store *storage.Store
	fault error
}

func (e *empty) Read(context.Context) (*query.Reading, error) {
	if e.fault != nil {
		return nil, e.fault
	}
	snapshot := e.store.Snapshot()
	return &query.Reading{
		Snapshot: snapshot, SchemaGeneration: 1, Close: func() { _ = snapshot.Close() },
		Freshness: []query.Freshness{{Source: "shop", State: "streaming", LagSeconds: 30}},
	}, nil
}

func (e *empty) WaitFor(ctx context.Context, _ string, _ relation.Position) error {
	<-ctx.Done()
	return ctx.Err()
}

func newTestServer(t *testing.T, log io.Writer) (*Server, *empty) {
	t.Helper()
	store, err := storage.Open("store", storage.Options{FS: storage.MemoryFS()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	backend := &empty{store: store}
	s, err := New(Options{
		Query:  query.New(query.Options{Backend: backend, CursorKey: []byte("key")}),
		Status: func() any { return map[string]bool{"ready": true} },
		Ready: func() (bool, []Check) {
			return false, []Check{{"view a", true, "ready"}, {"view b", false, "building"}}
		},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, backend
}

type exchange struct {
	name, method, target, body string
	header                     map[string]string
	status                     int
	media                      string // of the reply
	contains                   string
}

func (e exchange) run(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(e.method, "http://localhost"+e.target, strings.NewReader(e.body))
	for name, value := range e.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != e.status {
		t.Errorf("status %d, want %d: %s", w.Code, e.status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); e.media != "" && got != e.media {
		t.Errorf("content type %q, want %q", got, e.media)
	}
	if !strings.Contains(w.Body.String(), e.contains) {
		t.Errorf("body lacks %q: %.300s", e.contains, w.Body)
	}
	return w
}

func with(pairs ...string) map[string]string {
	m := map[string]string{"Content-Type": "application/json"}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func TestExchanges(t *testing.T) {
	s, _ := newTestServer(t, io.Discard)
	h := s.Handler()
	const plainReply, newReply = "application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"
	asNew := "application/graphql-response+json"
	html := "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, e := range []exchange{
		{"post", "POST", "/graphql", `{"query":"{__typename}"}`, with(), 200, plainReply, `{"data":{"__typename":"Query"},"extensions":{"freshness":{"shop":`},
		{"charset", "POST", "/graphql", `{"query":"{__typename}"}`, with("Content-Type", "application/json; charset=UTF-8"), 200, plainReply, `Query`},
		{"new media type", "POST", "/graphql", `{"query":"{__typename}","variables":null,"operationName":null,"extensions":{}}`, with("Accept", asNew), 200, newReply, `Query`},
		{"preferred", "POST", "/graphql", `{"query":"{__typename}"}`, with("Accept", "application/json;q=0.5, "+asNew), 200, newReply, ``},
		{"any", "POST", "/graphql", `{"query":"{__typename}"}`, with("Accept", "*/*"), 200, plainReply, ``},
		{"parse error", "POST", "/graphql", `{"query":"{"}`, with(), 200, plainReply, `GRAPHQL_PARSE_FAILED`},
		{"parse error told", "POST", "/graphql", `{"query":"{"}`, with("Accept", asNew), 400, newReply, `GRAPHQL_PARSE_FAILED`},
		{"validation error told", "POST", "/graphql", `{"query":"{a}"}`, with("Accept", asNew), 400, newReply, `GRAPHQL_VALIDATION_FAILED`},
		{"wait", "POST", "/graphql", `{"query":"{__typename}"}`, with("Accept", asNew, "Odsd-Wait-For", "shop=0/9", "Odsd-Timeout", "1ms"), 504, newReply, `WAIT_TIMEOUT`},
		{"stale", "POST", "/graphql", `{"query":"{__typename}"}`, with("Accept", asNew, "Odsd-Max-Staleness", "5s"), 503, newReply, `STALE_READ`},
		{"no query", "POST", "/graphql", `{"qeury":"{__typename}"}`, with(), 400, plainReply, `BAD_USER_INPUT`},
		{"not JSON", "POST", "/graphql", `{"query":`, with(), 400, plainReply, `BAD_USER_INPUT`},
		{"two objects", "POST", "/graphql", `{"query":"{__typename}"}{}`, with(), 400, plainReply, `BAD_USER_INPUT`},
		{"batch", "POST", "/graphql", `[{"query":"{__typename}"}]`, with(), 400, plainReply, `batches`},
		{"bad variables", "POST", "/graphql", `{"query":"{__typename}","variables":[1]}`, with(), 400, plainReply, `BAD_USER_INPUT`},
		{"bad extensions", "POST", "/graphql", `{"query":"{__typename}","extensions":1}`, with(), 400, plainReply, `extensions`},
		{"text", "POST", "/graphql", `{"query":"{__typename}"}`, with("Content-Type", "text/plain"), 415, plainReply, `BAD_USER_INPUT`},
		{"form", "POST", "/graphql", `query=x`, with("Content-Type", "application/x-www-form-urlencoded"), 415, plainReply, ``},
		{"multipart", "POST", "/graphql", ``, with("Content-Type", "multipart/form-data; boundary=x"), 415, plainReply, ``},
		{"no type", "POST", "/graphql", `{"query":"{__typename}"}`, nil, 415, plainReply, ``},
		{"latin", "POST", "/graphql", `{"query":"{__typename}"}`, with("Content-Type", "application/json; charset=latin1"), 415, plainReply, ``},
		{"compressed", "POST", "/graphql", `x`, with("Content-Encoding", "gzip"), 415, plainReply, ``},
		{"too large", "POST", "/graphql", `{"query":"` + strings.Repeat(" ", 300<<10) + `"}`, with(), 413, plainReply, `TOO_COMPLEX`},
		{"cross-origin", "POST", "/graphql", `{"query":"{__typename}"}`, with("Origin", "https://evil.example"), 403, plainReply, `"code":"FORBIDDEN","hint":`},
		{"cross-site", "POST", "/graphql", `{"query":"{__typename}"}`, with("Sec-Fetch-Site", "cross-site", "Accept", asNew), 403, newReply, `FORBIDDEN`},
		{"preflight", "OPTIONS", "/graphql", ``, with("Origin", "https://evil.example", "Access-Control-Request-Method", "POST"), 405, "", ``},
		{"put", "PUT", "/graphql", ``, with(), 405, plainReply, ``},
		{"get", "GET", "/graphql?query=query($a:Boolean!){__typename@include(if:$a)}&variables={%22a%22:false}", ``, nil, 200, plainReply, `{"data":{}`},
		{"get operation", "GET", "/graphql?query=query%20A{__typename}query%20B{b:__typename}&operationName=B", ``, nil, 200, plainReply, `"b"`},
		{"get mutation", "GET", "/graphql?query=mutation{x}", ``, map[string]string{"Accept": asNew}, 400, newReply, ``},
		{"get nothing", "GET", "/graphql", ``, nil, 400, plainReply, ``},
		{"get bad variables", "GET", "/graphql?query={__typename}&variables=[", ``, nil, 400, plainReply, ``},
		{"browser", "GET", "/graphql", ``, map[string]string{"Accept": html}, 200, "text/html; charset=utf-8", `graphiql`},
		{"browser with query", "GET", "/graphql?query={__typename}", ``, map[string]string{"Accept": html}, 200, plainReply, `Query`},
		{"script", "GET", "/console/graphiql.js", ``, nil, 200, "text/javascript; charset=utf-8", ``},
		{"no such file", "GET", "/console/../server.go", ``, nil, 307, "", ``},
		{"no such asset", "GET", "/console/nope", ``, nil, 404, "", ``},
		{"root", "GET", "/", ``, nil, 302, "", ``},
		{"elsewhere", "GET", "/elsewhere", ``, nil, 404, "", ``},
		{"live", "GET", "/livez", ``, nil, 200, "", "ok\n"},
		{"ready", "GET", "/readyz", ``, nil, 503, "", "not ready\n"},
		{"ready verbose", "GET", "/readyz?verbose", ``, nil, 503, "", "[+] view a ready\n[-] view b building\nnot ready\n"},
		{"status", "GET", "/statusz", ``, nil, 200, "application/json", `{"ready":true}`},
	} {
		t.Run(e.name, func(t *testing.T) {
			w := e.run(t, h)
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("a CORS header: %s", name)
				}
			}
		})
	}
}

func TestPageNamesNoOtherHost(t *testing.T) {
	s, _ := newTestServer(t, io.Discard)
	w := exchange{method: "GET", target: "/graphql", header: map[string]string{"Accept": "text/html"}, status: 200}.run(t, s.Handler())
	if strings.Contains(w.Body.String(), "//") {
		t.Errorf("the page names a host: %s", w.Body)
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("policy %q", policy)
	}
	tag := w.Header().Get("ETag")
	exchange{method: "GET", target: "/graphql", header: map[string]string{"Accept": "text/html", "If-None-Match": tag}, status: 304}.run(t, s.Handler())
}

func TestRequestIDs(t *testing.T) {
	s, backend := newTestServer(t, io.Discard)
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	backend.fault = io.ErrUnexpectedEOF
	e := exchange{method: "POST", target: "/graphql", body: `{"query":"{__typename}"}`, header: with("X-Request-Id", "trace-7", "Accept", responseJSON), status: 500, contains: `"INTERNAL"`}
	w := e.run(t, s.Handler())
	if strings.Contains(w.Body.String(), "EOF") {
		t.Errorf("the reply shows why: %s", w.Body)
	}
	if w.Header().Get("X-Request-Id") != "trace-7" || !strings.Contains(log.String(), "request_id=trace-7") || !strings.Contains(log.String(), "unexpected EOF") {
		t.Errorf("id %q, log %s", w.Header().Get("X-Request-Id"), log.String())
	}
	e.header["X-Request-Id"] = "forged\"level=x"
	if w := e.run(t, s.Handler()); len(w.Header().Get("X-Request-Id")) != 16 {
		t.Errorf("id %q", w.Header().Get("X-Request-Id"))
	}
}

func TestMetrics(t *testing.T) {
	s, _ := newTestServer(t, io.Discard)
	h := s.Handler()
	exchange{method: "POST", target: "/graphql", body: `{"query":"{__typename}"}`, header: with(), status: 200}.run(t, h)
	exchange{method: "POST", target: "/graphql", body: `{"query":"{a}"}`, header: with(), status: 200}.run(t, h)
	w := exchange{method: "GET", target: "/metrics", status: 200, contains: `odsd_graphql_requests_total{code="ok"} 1`}.run(t, s.AdminHandler())
	for _, want := range []string{`odsd_graphql_requests_total{code="GRAPHQL_VALIDATION_FAILED"} 1`, "odsd_graphql_request_duration_seconds_count 2", "odsd_graphql_rows_scanned_count 2"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	exchange{method: "GET", target: "/debug/pprof/", status: 200, contains: "goroutine"}.run(t, s.AdminHandler())
}

// TestServe goes through a real listener: foreign names are refused there, and
// a request at work when the end comes is answered.
func TestServe(t *testing.T) {
	s, _ := newTestServer(t, io.Discard)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	entered, leave := make(chan struct{}), make(chan struct{})
	h := http.NewServeMux()
	h.Handle("/", s.Handler())
	h.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	})
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, h, time.Minute, slog.New(slog.DiscardHandler)) }()

	url := "http://" + l.Addr().String()
	for host, want := range map[string]int{"": 200, "localhost": 200, "app.localhost:80": 200, "[::1]:8420": 200, "rebound.example": 403} {
		r, err := http.NewRequestWithContext(ctx, "POST", url+"/graphql", strings.NewReader(`{"query":"{__typename}"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("host %q: status %d, want %d", host, response.StatusCode, want)
		}
	}

	slow := make(chan string, 1)
	go func() {
		response, err := http.Get(url + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		slow <- string(body)
	}()
	<-entered
	cancel()
	close(leave)
	if got := <-slow; got != "done" {
		t.Errorf("the slow request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestRefusalsAreJSON(t *testing.T) {
	s, _ := newTestServer(t, io.Discard)
	w := exchange{method: "POST", target: "/graphql", body: "x", header: with(), status: 400}.run(t, s.Handler())
	var reply struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code, Hint string }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || len(reply.Errors) != 1 || reply.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
		t.Errorf("%v: %s", err, w.Body)
	}
}

// A request that outlasts the grace is ended, and has left its handler when Serve
// returns: the store that it reads is closed next.
func TestServeWaitsForHandlers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	entered, ending, leave := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(ending)
		<-leave
	})
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, h, time.Millisecond, slog.New(slog.DiscardHandler)) }()
	go func() {
		if response, err := http.Post("http://"+l.Addr().String(), "text/plain", strings.NewReader("unread")); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-entered
	cancel()
	<-ending
	select {
	case <-ended:
		close(leave)
		t.Fatal("Serve has returned while a handler runs")
	case <-time.After(100 * time.Millisecond):
	}
	close(leave)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
