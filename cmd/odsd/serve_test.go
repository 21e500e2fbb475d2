package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"odsd/project"
)

// TestRequestsUnderWayAtTheEndAreAnswered: a request that waits for a position when
// the daemon is told to end gets the answer it would have got.
func TestRequestsUnderWayAtTheEndAreAnswered(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"odsd.yaml": "version: 1\n",
		// Nobody listens there: the source stays without a position.
		"sources/crm.yaml": "version: 1\nsource: crm\npostgres: {dsn: postgres://nobody@127.0.0.1:1/crm}\ntables: [customers]\n",
		"schema/crm.yaml":  "version: 1\nschema: crm\ntables: {customers: {columns: {id: {type: bigint, not_null: true}}, key: [id]}}\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	store, err := openStore(filepath.Join(dir, "data"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	p, found := project.Load(dir, os.LookupEnv)
	found = append(found, p.Resolve(os.LookupEnv)...)
	d := &running{dir: dir, env: os.LookupEnv, store: store, scratch: t.TempDir(), log: log, project: p}
	if err := d.assemble(ctx, found); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	l := &listeners{public: &tellingListener{Listener: newListener(t), read: sync.OnceFunc(func() { close(read) })}, admin: newListener(t)}
	if l.control, err = openSocket(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() {
		ran <- d.run(ctx, l, serveOptions{log: log, listening: func(addresses) error { return nil }})
	}()
	answered := make(chan string, 1)
	go func() { answered <- waitInVain("http://" + l.public.Addr().String() + "/graphql") }()
	<-read
	end()
	if reply := <-answered; !strings.Contains(reply, `"WAIT_TIMEOUT"`) {
		t.Errorf("got %s", reply)
	}
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func newListener(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// waitInVain asks for a position that never comes, for a while.
func waitInVain(url string) string {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"query": "{ _freshness { source } }"}`))
	if err != nil {
		return err.Error()
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Odsd-Wait-For": {"crm=FF/0"}, "Odsd-Timeout": {"500ms"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var body bytes.Buffer
	_, _ = io.Copy(&body, response.Body)
	return body.String()
}

// tellingListener tells when a request is under way. The server reads on, to notice
// that a client goes away, once the handler has read the request's body: its second
// read of a connection. Before that, a server that is told to end drops the request.
type tellingListener struct {
	net.Listener
	read func()
}

func (l *tellingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &tellingConn{Conn: conn, read: l.read}, err
}

type tellingConn struct {
	net.Conn
	read  func()
	reads atomic.Int32
}

func (c *tellingConn) Read(p []byte) (int, error) {
	if c.reads.Add(1) == 2 {
		c.read()
	}
	return c.Conn.Read(p)
}
