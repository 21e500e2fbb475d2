package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serveCanned makes dir a project with a daemon that has these controls, until
// the test ends.
func serveCanned(t *testing.T, dir string, c controls) (socket string) {
	t.Helper()
	if c.graphql == nil {
		c.graphql = http.NotFoundHandler()
	}
	if err := os.WriteFile(filepath.Join(dir, "odsd.yaml"), []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "data", socketName)
	if err := os.Mkdir(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := listenControl(socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: c.handler()}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return socket
}

func TestSocketIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), socketName)
	listener, err := listenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %o, want 600", mode)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket outlives the daemon: %v", err)
	}
}

func TestSocketOfAnEarlierDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), socketName)
	killed, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	killed.(*net.UnixListener).SetUnlinkOnClose(false)
	killed.Close()

	listener, err := listenControl(path)
	if err != nil {
		t.Fatalf("the socket a killed daemon left behind is in the way: %v", err)
	}
	defer listener.Close()
	if _, err := listenControl(path); err == nil || !strings.Contains(err.Error(), "another daemon answers") {
		t.Errorf("a second daemon at the socket: %v", err)
	}
}

func TestSocketPathBeyondTheAddress(t *testing.T) {
	dir := t.TempDir()
	for range 6 {
		dir = filepath.Join(dir, strings.Repeat("long", 10))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	serveCanned(t, dir, controls{status: func() any { return statusDocument{} }})
	var stdout, stderr strings.Builder
	if code := execute([]string{"-C", dir, "status"}, nil, &stdout, &stderr); code != exitFine {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
