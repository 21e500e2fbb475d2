package server

import (
	"net"
	"net/http"
	"strings"
)

// guard refuses what a hostile page could make a browser send: writes from
// another origin, and requests to a loopback listener under a name that is not
// local, which is how DNS rebinding gets at it.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && isLoopback(local) && !isLocalName(r.Host) {
			plain(w, http.StatusForbidden, "this listener is on loopback and answers to localhost or an address only, not to this Host\n")
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// isLocalName is true for addresses, and for names that no foreign DNS answers.
func isLocalName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return net.ParseIP(host) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
