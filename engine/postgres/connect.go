package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	connectTimeout = 10 * time.Second
	closeTimeout   = time.Second
	// readBuffer makes one system call serve thousands of small messages.
	readBuffer = 256 << 10
)

// parseDSN reads a DSN. Unless it names an sslmode or its hosts are this
// machine, the server's certificate and name are verified.
func parseDSN(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err // pgconn leaves the password out of it
	}
	if !local(&config.Config) && !namesSSLMode(dsn) {
		if config, err = pgx.ParseConfig(verified(dsn)); err != nil {
			return nil, err
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return config, nil
}

// local says whether every host of the configuration is this machine.
func local(c *pgconn.Config) bool {
	if !localHost(c.Host) {
		return false
	}
	for _, f := range c.Fallbacks {
		if !localHost(f.Host) {
			return false
		}
	}
	return true
}

func localHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || ip != nil && ip.IsLoopback()
}

func isURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func namesSSLMode(dsn string) bool {
	if isURL(dsn) {
		_, query, _ := strings.Cut(dsn, "?")
		values, err := url.ParseQuery(query)
		return err == nil && (values.Has("sslmode") || values.Has("ssl"))
	}
	for _, key := range keywords(dsn) {
		if key == "sslmode" {
			return true
		}
	}
	return false
}

func verified(dsn string) string {
	switch {
	case !isURL(dsn):
		return dsn + " sslmode=verify-full"
	case strings.Contains(dsn, "?"):
		return dsn + "&sslmode=verify-full"
	}
	return dsn + "?sslmode=verify-full"
}

// keywords lists the keys of a keyword/value DSN, which pgx has found well
// formed: values may be quoted, and a backslash takes the next byte as it is.
func keywords(dsn string) []string {
	var keys []string
	for {
		key, rest, found := strings.Cut(dsn, "=")
		if !found {
			return keys
		}
		keys = append(keys, strings.TrimSpace(key))
		dsn = skipValue(strings.TrimLeft(rest, " \t\r\n"))
	}
}

func skipValue(s string) string {
	quoted := strings.HasPrefix(s, "'")
	if quoted {
		s = s[1:]
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case quoted && s[i] == '\'', !quoted && strings.IndexByte(" \t\r\n", s[i]) >= 0:
			return s[i+1:]
		}
	}
	return ""
}

// settings are the sessions' own, of copy and stream alike, so that values print in
// the one form that relation.ParseText reads, names of the database's objects
// print whole, and nothing cuts a long copy off.
var sessionSettings = [...][2]string{
	{"client_encoding", "UTF8"}, {"timezone", "UTC"}, {"datestyle", "ISO"}, {"intervalstyle", "postgres"},
	{"extra_float_digits", "3"}, {"bytea_output", "hex"}, {"xmlbinary", "base64"}, {"standard_conforming_strings", "on"},
	{"quote_all_identifiers", "off"}, {"search_path", "pg_catalog"}, {"client_min_messages", "warning"},
	{"statement_timeout", "0"}, {"idle_in_transaction_session_timeout", "0"}, {"idle_session_timeout", "0"},
}

func (s *Source) connectConfig() (*pgx.ConnConfig, error) {
	dsn := s.config.DSN
	if s.config.ReadDSN != nil {
		var err error
		if dsn, err = s.config.ReadDSN(); err != nil {
			return nil, pass(codeConfig, err.Error(), "the source tries again by itself")
		}
	}
	config, err := parseDSN(dsn)
	if err != nil {
		return nil, s.unreadable(dsn, err)
	}
	for _, setting := range sessionSettings {
		config.RuntimeParams[setting[0]] = setting[1]
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "odsd/" + s.config.Name
	}
	return config, nil
}

// unreadable says what a DSN that cannot be read means. One that was right before,
// or whose certificates cannot be read, may be right again: files are replaced.
func (s *Source) unreadable(dsn string, err error) error {
	var file *fs.PathError
	if dsn == s.config.DSN && !errors.As(err, &file) {
		return &configError{err}
	}
	return pass(codeConfig, oneLine(err.Error()), "the source tries again by itself: put the files in order that its `dsn:` is made of")
}

// connect opens a session for the catalog and for copying.
func (s *Source) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := s.connectConfig()
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := s.settle(ctx, conn.PgConn()); err != nil {
		closeSession(conn.PgConn())
		return nil, err
	}
	return conn, nil
}

// replicationConn is a session of the replication protocol.
type replicationConn struct {
	*pgconn.PgConn
	wire *patientReader
}

func (s *Source) connectReplication(ctx context.Context) (*replicationConn, error) {
	config, err := s.connectConfig()
	if err != nil {
		return nil, err
	}
	c := &replicationConn{wire: new(patientReader)}
	config.RuntimeParams["replication"] = "database"
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		c.wire.from = r // of the last host tried, the one that answered
		return pgproto3.NewFrontend(bufio.NewReaderSize(c.wire, readBuffer), w)
	}
	if c.PgConn, err = pgconn.ConnectConfig(ctx, &config.Config); err != nil {
		return nil, fmt.Errorf("connect for replication: %w", err)
	}
	if err := s.settle(ctx, c.PgConn); err != nil {
		closeSession(c.PgConn)
		return nil, err
	}
	return c, nil
}

// settle sets what depends on the database.
func (s *Source) settle(ctx context.Context, c *pgconn.PgConn) error {
	if err := s.settleMoney(ctx, c); err != nil {
		return err
	}
	if err := liftTransactionTimeout(ctx, c); err != nil {
		return err
	}
	return receiveAsStored(ctx, c)
}

// liftTransactionTimeout lets a copy take its time whatever database and role are given. Servers before
// PostgreSQL 17 do not know the setting, and refuse a session that begins with it.
func liftTransactionTimeout(ctx context.Context, c *pgconn.PgConn) error {
	const sql = "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout'"
	if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("set transaction_timeout: %w", err)
	}
	return nil
}

// encodingUnknown is the server encoding of a database that stores bytes as
// they come.
const encodingUnknown = "SQL_ASCII"

// receiveAsStored lets text of a database without an encoding through: the
// server would end the stream at bytes that are not UTF-8 and not say whose
// they are, so we look ourselves.
func receiveAsStored(ctx context.Context, c *pgconn.PgConn) error {
	if c.ParameterStatus("server_encoding") != encodingUnknown {
		return nil
	}
	if _, err := c.Exec(ctx, "SET client_encoding = '"+encodingUnknown+"'").ReadAll(); err != nil {
		return fmt.Errorf("set client_encoding: %w", err)
	}
	return nil
}

// closeSession ends a session and waits for its clean-up, which pgconn starts in the
// background when a query was cancelled.
func closeSession(c *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	c.Close(ctx) // an error here means closed as well
	select {
	case <-c.CleanupDone():
	case <-ctx.Done():
		c.Conn().Close() // ends the clean-up's own wait
	}
}

// patientReader reads from a server that may be silent for a while but not for
// ever. Its deadline is moved once for each read of the wire, not for each
// message.
type patientReader struct {
	from    io.Reader
	conn    net.Conn // nil until patience begins to count
	silence time.Duration
	stopped atomic.Bool
}

// limit begins to count.
func (p *patientReader) limit(conn net.Conn, silence time.Duration) {
	p.conn, p.silence = conn, silence
}

func (p *patientReader) Read(b []byte) (int, error) {
	if p.conn != nil {
		if err := p.conn.SetReadDeadline(time.Now().Add(p.silence)); err != nil {
			return 0, err
		}
		if p.stopped.Load() { // stop may have come just before the line above
			p.stop()
		}
	}
	return p.from.Read(b)
}

// stop ends the read that waits and all that follow. It may be called by
// another goroutine, once limit was.
func (p *patientReader) stop() {
	p.stopped.Store(true)
	p.conn.SetReadDeadline(time.Unix(1, 0)) // fails on a closed connection only, which reads nothing either
}
