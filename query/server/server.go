package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"odsd/query"
	"odsd/query/console"
)

// Options of a Server.
type Options struct {
	Query *query.Service
	// Status gives what /statusz prints as JSON; nil: there is no such page.
	Status func() any
	// Ready says whether the daemon may be sent traffic, and why; nil: always.
	Ready func() (ready bool, checks []Check)
	// MaxBody of a request in bytes; zero: 256 KiB.
	MaxBody int64
	Log     *slog.Logger
}

// Check is one line of /readyz?verbose.
type Check struct {
	Name   string
	OK     bool
	Detail string
}

// Server serves the endpoints of a daemon.
type Server struct {
	query    *query.Service
	console  *console.Console
	status   func() any
	ready    func() (bool, []Check)
	maxBody  int64
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  metrics
	buffers  buffers
}

// New makes a server.
func New(o Options) (*Server, error) {
	c, err := console.New()
	if err != nil {
		return nil, err
	}
	s := &Server{query: o.Query, console: c, status: o.Status, ready: o.Ready, maxBody: o.MaxBody, log: o.Log, registry: prometheus.NewRegistry()}
	if s.maxBody == 0 {
		s.maxBody = 256 << 10
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.ready == nil {
		s.ready = func() (bool, []Check) { return true, nil }
	}
	s.metrics = newMetrics(s.registry)
	return s, nil
}

// Registry is where others register their collectors, so that /metrics shows them.
func (s *Server) Registry() *prometheus.Registry { return s.registry }

// Handler serves GraphQL, GraphiQL and health.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", s.graphQL)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/graphql", http.StatusFound)
	})
	mux.Handle("GET "+console.Prefix, s.console)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.readyz)
	if s.status != nil {
		mux.HandleFunc("GET /statusz", s.statusz)
	}
	return s.guard(mux)
}

// AdminHandler serves metrics and profiles; it belongs on a listener of its own.
func (s *Server) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelError)}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return s.guard(mux)
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ready, checks := s.ready()
	status, text := http.StatusOK, ""
	if !ready {
		status = http.StatusServiceUnavailable
	}
	if r.URL.Query().Has("verbose") {
		for _, c := range checks {
			mark := "[+]"
			if !c.OK {
				mark = "[-]"
			}
			text += fmt.Sprintf("%s %s %s\n", mark, c.Name, c.Detail)
		}
	}
	if ready {
		text += "ok\n"
	} else {
		text += "not ready\n"
	}
	plain(w, status, text)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that has gone away is no fault of ours
}

func (s *Server) statusz(w http.ResponseWriter, _ *http.Request) {
	body, err := json.Marshal(s.status())
	if err != nil {
		s.log.Error("status", "error", err)
		plain(w, http.StatusInternalServerError, "internal error\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n'))
}

// Bounds on slow clients. The reply to a GraphQL request may take as long as that may
// wait and compute, and then some to be sent.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 2 * time.Minute
	sendTimeout   = 50 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

// Serve answers on a listener until ctx ends, then lets requests at work finish
// for at most grace, and ends those that have not. When it returns no handler
// runs any more, so that what they read may be closed. It returns nil after such an end.
func Serve(ctx context.Context, l net.Listener, h http.Handler, grace time.Duration, log *slog.Logger) error {
	var requests Requests
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer requests.Wait()
	defer stop()
	server := &http.Server{
		Handler:           requests.Count(h),
		BaseContext:       func(net.Listener) context.Context { return working },
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-failed
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("requests were cut off at the end", "addr", l.Addr().String())
		return nil
	}
	return err
}
