package postgres

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// A failed connection is told in one line, each reason once, and without the password.
func TestUnreachableIsToldOnce(t *testing.T) {
	t.Parallel()
	free := closedPort(t)
	for dsn, want := range map[string]string{
		"postgres://u:secret@127.0.0.1:%d/db":                            "cannot connect to database db as u: 127.0.0.1:%d: connection refused",
		"postgres://u:secret@127.0.0.1:%d,127.0.0.1:1/db":                "cannot connect to database db as u: 127.0.0.1:%d: connection refused; 127.0.0.1:1: connection refused",
		"host=/none/at/all port=%d user=u dbname=db":                     "cannot connect to database db as u: /none/at/all/.s.PGSQL.%d: no such file or directory",
		shared.DSN("postgres") + "&sslmode=require&application_name=o%d": "tls error: server refused TLS connection",
		shared.DSN("absent") + "&application_name=o%d":                   `the server says: database "absent" does not exist (3D000)`,
	} {
		dsn = fmt.Sprintf(dsn, free)
		if strings.Contains(want, "%d") {
			want = fmt.Sprintf(want, free)
		}
		_, _, err := Introspect(t.Context(), Config{Name: "s", DSN: dsn})
		fault := faultOf(err)
		if got := fault.Message; !strings.HasSuffix(got, want) || strings.Contains(got, "secret") {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
	}
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
