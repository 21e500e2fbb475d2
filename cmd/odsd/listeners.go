package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// graceful is how long requests under way may take once the daemon is told to end.
const graceful = 5 * time.Second

// endpoint is one listener with what answers on it.
type endpoint struct {
	name     string // for errors and logs
	listener net.Listener
	server   *http.Server
}

// listen opens a TCP listener; port 0 picks one.
func listen(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, hintf("choose another with --%s, port 0 picks a free one", flag).errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// serveAll serves each endpoint in a goroutine of the group until ctx ends, then
// lets requests under way finish.
func serveAll(ctx context.Context, group *errgroup.Group, endpoints []endpoint) {
	for _, e := range endpoints {
		group.Go(func() error {
			if err := e.server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", e.name, err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			return e.shutdown()
		})
	}
}

// shutdown ends an endpoint; requests that do not end in time are cut off.
func (e endpoint) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = e.server.Close()
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", e.name, err)
	}
	return nil
}
