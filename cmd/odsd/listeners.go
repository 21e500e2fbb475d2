package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"odsd/project"
	"odsd/query/server"
)

// graceful is how long requests under way may take once the daemon is told to end.
const graceful = 5 * time.Second

// listen opens a TCP listener; port 0 picks one.
func listen(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, hintf("choose another with --%s, port 0 picks a free one", flag).errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// serveControl answers on the control socket until ctx ends. Unlike the public
// listeners it has no time limits: a verification takes what it takes, and
// those who may connect own the daemon.
func serveControl(ctx context.Context, listener net.Listener, handler http.Handler) error {
	var requests server.Requests
	defer requests.Wait()
	control := &http.Server{
		Handler: requests.Count(handler),
		// A request ends with the daemon: a verification does not hold it up.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- control.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the control socket: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	err := control.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = control.Close()
	}
	<-failed
	return err
}

// listeners of a daemon. They are opened before anything else, so that a port
// that is taken is known before a database is asked for anything.
type listeners struct {
	public, admin, control net.Listener
}

func openListeners(p *project.Project, o serveOptions) (*listeners, error) {
	public, admin := p.Config.Listen, p.Config.AdminListen
	if o.listen != "" {
		public = o.listen
	}
	if o.adminListen != "" {
		admin = o.adminListen
	}
	for flag, address := range map[string]string{"listen": public, "admin-listen": admin} {
		if problem, hint := project.CheckListener(address, p.Config.Insecure); problem != "" {
			return nil, hintf("%s", hint).errorf("--%s %s: %s", flag, address, problem)
		}
	}
	var l listeners
	var err error
	if l.public, err = listen("listen", public); err != nil {
		return nil, err
	}
	if l.admin, err = listen("admin-listen", admin); err != nil {
		l.close()
		return nil, err
	}
	return &l, nil
}

// close closes what is open; a server has closed its own already.
func (l *listeners) close() {
	for _, listener := range []net.Listener{l.public, l.admin, l.control} {
		if listener != nil {
			_ = listener.Close()
		}
	}
}
