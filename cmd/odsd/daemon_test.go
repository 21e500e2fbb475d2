package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startDaemon runs the daemon of a project until the test ends, with all that it logs.
func startDaemon(t *testing.T, dir string, env map[string]string) (addresses, *daemonLog) {
	t.Helper()
	logged := &daemonLog{}
	log, err := newLogger(logged, "json", "debug")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan addresses, 1), make(chan error, 1)
	go func() {
		ended <- serve(ctx, serveOptions{
			dir: dir, listen: "127.0.0.1:0", adminListen: "127.0.0.1:0", log: log,
			env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			listening: func(a addresses) error {
				listening <- a
				return nil
			},
		})
	}()
	select {
	case at := <-listening:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("the daemon's log:\n%s", logged)
			}
		})
		return at, logged
	case err := <-ended:
		stop()
		t.Fatalf("the daemon did not start: %v\n%s", err, logged)
	}
	return addresses{}, nil
}

// daemonLog may be read while it is written.
type daemonLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *daemonLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *daemonLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestUnreachableSourceIsLoggedOnce: a daemon that tries again and again says so
// once, not for each attempt, and never with the password.
func TestUnreachableSourceIsLoggedOnce(t *testing.T) {
	hung, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var attempts atomic.Int64
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := hung.Accept()
			if err != nil {
				return
			}
			attempts.Add(1)
			// A reset names both ends of the connection, ours another each time.
			_, _ = conn.Read(make([]byte, 1024))
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = hung.Close()
		<-served
	})
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"odsd.yaml":         "version: 1\n",
		"sources/shop.yaml": "version: 1\nsource: shop\npostgres: {dsn: '${SHOP_DSN}'}\ntables: [items]\n",
		"schema/shop.yaml":  "version: 1\nschema: shop\ntables: {items: {columns: {id: {type: bigint, not_null: true}}, key: [id]}}\n",
	})
	_, log := startDaemon(t, dir, map[string]string{"SHOP_DSN": "postgres://odsd:s3cret@" + hung.Addr().String() + "/shop?sslmode=disable"})
	started := attempts.Load()
	waitUntil(t, "tried again", func() (bool, string) { return attempts.Load() >= started+4, log.String() })
	warned := 0
	for line := range strings.Lines(log.String()) {
		var record struct {
			Level  string `json:"level"`
			Source string `json:"source"`
			Code   string `json:"code"`
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("not a line of JSON: %s", line)
		}
		if record.Source == "shop" && record.Code != "" && record.Level != "INFO" && record.Level != "DEBUG" {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("%d warnings of the source, want 1:\n%s", warned, log)
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the password is in the log:\n%s", log)
	}
}

// writeFiles makes a project.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// waitUntil asks again and again until something is so.
func waitUntil(t *testing.T, what string, so func() (bool, string)) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for {
		ok, last := so()
		if ok {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not %s: %s", what, last)
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func post(t *testing.T, url, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
