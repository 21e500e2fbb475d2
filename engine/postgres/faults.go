package postgres

import (
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine"
)

// The codes of halts and faults, as status shows them.
const (
	codePreflight      = "PREFLIGHT"        // the server, the role or the tables are not ready
	codeGap            = "GAP"              // the slot no longer holds what follows the stored position
	codeSlotLost       = "SLOT_LOST"        // the server gave the slot's log up
	codeIdentity       = "IDENTITY"         // another database than the one copied
	codePublication    = "PUBLICATION"      // ours is gone or no longer publishes what was copied
	codeSchemaChanged  = "SCHEMA_CHANGED"   // a table is no longer what was copied
	codeValue          = "VALUE"            // a value cannot be read
	codeProtocol       = "PROTOCOL"         // the stream does not make sense
	codeConfig         = "CONFIG"           // the DSN cannot be read
	codeUnreachable    = "UNREACHABLE"      // passing: no connection, or lost
	codeCertificate    = "CERTIFICATE"      // passing: the server's certificate is not one to trust
	codeAuthentication = "AUTHENTICATION"   // passing: the server refuses the role
	codePrivilege      = "PRIVILEGE"        // passing: a right was taken away
	codeSlotActive     = "SLOT_ACTIVE"      // passing: somebody else reads our slot
	codeSlotBlocked    = "SLOT_BLOCKED"     // passing: a transaction keeps the slot from being created
	codeCatalogMoved   = "CATALOG_MOVED"    // passing: a table changed while it was being copied
	codeSpool          = "SPOOL"            // passing: no room for a transaction in progress
	codeExhausted      = "SERVER_EXHAUSTED" // passing: connections, senders, memory or disk of the server
)

// passing is a fault that may go away by itself: the source tells of it, waits
// and tries again.
type passing struct{ *engine.Halt }

// Unwrap hides the halt, which a passing fault is not.
func (passing) Unwrap() error { return nil }

func pass(code, message, hint string) error {
	return passing{&engine.Halt{Code: code, Message: message, Hint: hint}}
}

func halt(code, message, hint string) *engine.Halt {
	return &engine.Halt{Code: code, Message: message, Hint: hint}
}

func tableHalt(code, table, message, hint string) *engine.Halt {
	return &engine.Halt{Code: code, Table: table, Message: message, Hint: hint}
}

// configError is a DSN that cannot be read.
type configError struct{ cause error }

func (e *configError) Error() string { return e.cause.Error() }
func (e *configError) Unwrap() error { return e.cause }

// judge says what an error means for the source, and whether it is final.
func judge(err error) (fault *engine.Halt, final bool) {
	var lasting *engine.Halt
	var config *configError
	return faultOf(err), errors.As(err, &lasting) || errors.As(err, &config)
}

// faultOf words an error of the connection or the server.
func faultOf(err error) *engine.Halt {
	var known *engine.Halt
	var transient passing
	var config *configError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &transient):
		return transient.Halt
	case errors.As(err, &config):
		return halt(codeConfig, config.Error(), "correct `dsn:` of the source")
	}
	var server *pgconn.PgError
	var distrust *tls.CertificateVerificationError
	switch {
	case errors.As(err, &distrust):
		return halt(codeCertificate, connectionText(err), "renew the server's certificate, or correct sslrootcert in the DSN: both are read anew at every attempt")
	case !errors.As(err, &server):
		return halt(codeUnreachable, connectionText(err), "check that the server runs and that the DSN's host and port are right")
	}
	message := fmt.Sprintf("the server says: %s (%s)", server.Message, server.Code)
	switch {
	case strings.HasPrefix(server.Code, "28"):
		return halt(codeAuthentication, message, "check the DSN's user and password, and pg_hba.conf of the server")
	case server.Code == "42501":
		return halt(codePrivilege, message, "grant the role what it lacks: `odsd check --live` lists it with the SQL")
	case strings.HasPrefix(server.Code, "53"):
		return halt(codeExhausted, message, "free or raise what the server lacks")
	}
	return halt(codeUnreachable, message, "")
}

// attempt is a line of pgx's list of what it tried: an address, the host that
// it stands for, what was done and how that failed.
var attempt = regexp.MustCompile(`^(\S+) \(([^)]*)\): (?:dial error: dial \w+ \S+ ?(?:connect: )?)?(.*)$`)

// connectionText makes one line of a failed connection. pgx tries each address
// with and without TLS and tells of both, mostly the same.
func connectionText(err error) string {
	var failed *pgconn.ConnectError
	if !errors.As(err, &failed) {
		return oneLine(err.Error())
	}
	var attempts []string
	for line := range strings.Lines(errors.Unwrap(failed).Error()) {
		line = oneLine(line)
		if m := attempt.FindStringSubmatch(line); m != nil {
			if line = m[1] + ": " + m[3]; !strings.HasPrefix(m[1], m[2]) {
				line = m[2] + " (" + m[1] + "): " + m[3]
			}
		}
		if !slices.Contains(attempts, line) {
			attempts = append(attempts, line)
		}
	}
	return fmt.Sprintf("cannot connect to database %s as %s: %s", failed.Config.Database, failed.Config.User, strings.Join(attempts, "; "))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// serverCode is the SQLSTATE of an error, "" where the server has not spoken.
func serverCode(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}
