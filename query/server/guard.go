package server

import (
	"net"
	"net/http"
	"strings"

	"odsd/query"
)

// guard refuses what a hostile page could make a browser send: writes from
// another origin, and requests to a loopback listener under a name that is not
// local, which is how DNS rebinding gets at it.
func (s *Server) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.forbid(w, r, "the request comes from a page of another origin", "send it from a server, or from a page that this listener serves")
	}))
	return origins.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && isLoopback(local) && !isLocalName(r.Host) {
			s.forbid(w, r, "this listener is on loopback and does not answer to this Host", "use localhost or an address")
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// forbid tells GraphQL clients in the form that they read.
func (s *Server) forbid(w http.ResponseWriter, r *http.Request, message, hint string) {
	if r.URL.Path != "/graphql" {
		plain(w, http.StatusForbidden, message+": "+hint+"\n")
		return
	}
	s.refuse(w, negotiate(r.Header.Get("Accept")), &refusal{http.StatusForbidden, query.Forbidden, message, hint})
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
