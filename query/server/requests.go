package server

import (
	"net/http"
	"sync"
)

// Requests are those at work. A http.Server that is closed ends its connections
// and leaves the handlers on them running: who closes what they use waits for them first.
type Requests struct {
	mu    sync.Mutex
	work  int
	ended bool
	none  chan struct{} // closed by the last, once ended
}

// Count makes a handler whose requests are counted. After Wait there are no new ones.
func (r *Requests) Count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !r.begin() {
			w.Header().Set("Connection", "close")
			plain(w, http.StatusServiceUnavailable, "odsd is ending\n")
			return
		}
		defer r.end()
		h.ServeHTTP(w, request)
	})
}

func (r *Requests) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.work++
	return true
}

func (r *Requests) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.work--
	if r.ended && r.work == 0 {
		close(r.none)
	}
}

// Wait returns when no request is at work. It is called once, when their contexts
// have ended.
func (r *Requests) Wait() {
	r.mu.Lock()
	r.ended, r.none = true, make(chan struct{})
	work := r.work
	r.mu.Unlock()
	if work > 0 {
		<-r.none
	}
}
