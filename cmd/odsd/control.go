package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"odsd/engine"
)

// socketName is the daemon's unix socket in its data directory. Whoever may open
// it controls the daemon, so it is its owner's alone.
const socketName = "odsd.sock"

// maxControlBody bounds what the socket reads of a request.
const maxControlBody = 1 << 20

// controls is what the daemon does when asked through its socket.
type controls struct {
	status  func() any
	graphql http.Handler
	verify  func(context.Context, verifyRequest) (any, error)
	// resync copies a whole source anew where table is empty.
	resync  func(ctx context.Context, source, table string) error
	failing func(view string, limit int) ([]engine.FailingReport, error)
	rebuild func(ctx context.Context, view string) error
	backup  func(ctx context.Context, r backupRequest, show func(done, known int64)) (*backupReport, error)
	// reload reads the folder anew and tells what that does; it is done only if apply is set.
	reload func(ctx context.Context, apply bool) (*reloadReply, error)
}

// verifyRequest is the body of POST /verify.
type verifyRequest struct {
	Source string `json:"source,omitempty"`
	View   string `json:"view,omitempty"`
	Values bool   `json:"values,omitempty"`
}

// problem is how the socket tells an error.
type problem struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func (c controls) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /statusz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, c.status())
	})
	mux.Handle("/graphql", c.graphql)
	mux.HandleFunc("POST /verify", func(w http.ResponseWriter, r *http.Request) {
		var request verifyRequest
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
		if err := decoder.Decode(&request); err != nil {
			writeJSON(w, http.StatusBadRequest, problem{Error: "verify: the request is not JSON: " + err.Error()})
			return
		}
		report, err := c.verify(r.Context(), request)
		if err != nil {
			writeJSON(w, http.StatusInternalServerError, problemOf(err))
			return
		}
		writeJSON(w, http.StatusOK, report)
	})
	mux.HandleFunc("GET /failing/{view}", c.failingHandler)
	mux.HandleFunc("POST /backup", c.backupHandler)
	mux.HandleFunc("POST /resync/{relation}", func(w http.ResponseWriter, r *http.Request) {
		source, table, _ := strings.Cut(r.PathValue("relation"), ".")
		if err := c.resync(r.Context(), source, table); err != nil {
			writeJSON(w, http.StatusNotFound, problemOf(err))
			return
		}
		writeJSON(w, http.StatusOK, struct{}{})
	})
	mux.HandleFunc("POST /rebuild/{view}", func(w http.ResponseWriter, r *http.Request) {
		if err := c.rebuild(r.Context(), r.PathValue("view")); err != nil {
			writeJSON(w, http.StatusNotFound, problemOf(err))
			return
		}
		writeJSON(w, http.StatusOK, struct{}{})
	})
	for path, apply := range map[string]bool{"POST /plan": false, "POST /reload": true} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			reply, err := c.reload(r.Context(), apply)
			if err != nil {
				writeJSON(w, http.StatusInternalServerError, problemOf(err))
				return
			}
			writeJSON(w, http.StatusOK, reply)
		})
	}
	return mux
}

func problemOf(err error) problem {
	return problem{Error: err.Error(), Hint: hintOf(err)}
}

// writeJSON replies; a client that went away is nobody's error.
func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

// listenControl opens the socket at path, replacing one that a killed daemon left
// behind. The store's lock, held before, tells that no daemon lives there;
// a socket that answers belongs to another program all the same and is left alone.
func listenControl(path string) (net.Listener, error) {
	short, release, err := shortSocketPath(path)
	if err != nil {
		return nil, err
	}
	defer release()
	if connection, err := net.DialTimeout("unix", short, time.Second); err == nil {
		connection.Close()
		return nil, hintf("stop it, or give this one another data_dir").errorf("another daemon answers at %s", path)
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove the socket of an earlier daemon: %w", err)
		}
	}
	listener, err := net.Listen("unix", short)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	// Whoever could connect between Listen and Chmod had to pass the data
	// directory, which is its owner's alone too.
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("restrict %s to its owner: %w", path, err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	return &controlListener{Listener: listener, path: path}, nil
}

// controlListener removes the socket by its own path when it is closed: the
// path it was bound by may be a short form that is gone by then.
type controlListener struct {
	net.Listener
	path string
}

func (l *controlListener) Close() error {
	err := os.Remove(l.path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.Listener.Close())
}

// maxSocketPath is what sockaddr_un holds on every system we know of.
const maxSocketPath = 100

// shortSocketPath gives a path to the same socket that fits into a socket address: a
// long one is reached through the open directory. release ends its validity.
func shortSocketPath(path string) (short string, release func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, hintf("choose a shorter data_dir").errorf("the path of the socket %s is longer than %d bytes", path, maxSocketPath)
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, fmt.Errorf("open the data directory: %w", err)
	}
	short = "/proc/self/fd/" + strconv.Itoa(int(directory.Fd())) + "/" + filepath.Base(path)
	return short, func() { directory.Close() }, nil
}

// daemon is a running daemon as the other commands reach it.
type daemon struct {
	base   string // URL
	token  string
	client *http.Client
	where  string // for errors
}

// atSocket reaches the daemon whose data directory this is.
func atSocket(path string) *daemon {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		short, release, err := shortSocketPath(path)
		if err != nil {
			return nil, err
		}
		defer release()
		return (&net.Dialer{}).DialContext(ctx, "unix", short)
	}
	return &daemon{
		base:   "http://odsd",
		client: &http.Client{Transport: &http.Transport{DialContext: dial}},
		where:  path,
	}
}

// atURL reaches a daemon by its public listener.
func atURL(base, token string) *daemon {
	return &daemon{base: base, token: token, client: &http.Client{}, where: base}
}

// errNoDaemon is in the chain of the error of a daemon that does not answer.
var errNoDaemon = errors.New("no daemon answers")

// unreachable is the error of a daemon that does not answer.
func (d *daemon) unreachable(err error) error {
	h := hintf("is the daemon running? 'odsd run' starts it, 'odsd demo' one with databases to try it on; -C names the folder of its project")
	if d.base != "http://odsd" {
		h = hintf("is it running, and is this its address?")
	}
	var inner *net.OpError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return h.errorf("%w at %s: %v", errNoDaemon, d.where, err)
}

// do sends a request and returns the reply's body, whatever its code.
func (d *daemon) do(ctx context.Context, method, path string, body io.Reader) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, d.base+path, body)
	if err != nil {
		return 0, nil, fmt.Errorf("address the daemon: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if d.token != "" {
		request.Header.Set("Authorization", "Bearer "+d.token)
	}
	reply, err := d.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return 0, nil, ctx.Err()
		}
		return 0, nil, d.unreachable(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("read the daemon's reply: %w", err)
	}
	return reply.StatusCode, text, nil
}

// refusal is the error of a reply that is not 200.
func (d *daemon) refusal(code int, body []byte) error {
	var p problem
	if json.Unmarshal(body, &p) == nil && p.Error != "" {
		if p.Hint != "" {
			return withHint(errors.New(p.Error), p.Hint)
		}
		return errors.New(p.Error)
	}
	return fmt.Errorf("the daemon at %s answers %d %s", d.where, code, http.StatusText(code))
}
