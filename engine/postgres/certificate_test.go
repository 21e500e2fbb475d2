package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/internal/pgcluster"
)

// authority signs the certificates of a test's server.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test's authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, of *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &of.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// trust writes the authority's certificate to a file.
func (a *authority) trust(file string) {
	a.t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// give has a server show a certificate until an end, and returns once it does.
func (a *authority) give(d *database, cluster *pgcluster.Cluster, serial int64, until time.Time) {
	a.t.Helper()
	key := newKey(a.t)
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: until.Add(-time.Hour), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, a.cert, key)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.place(cluster, "server.crt", &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	a.place(cluster, "server.key", &pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	d.exec(`alter system set ssl = on`, `select pg_reload_conf()`)
	a.untilShown(d, serial)
}

// place writes a file as the server's own.
func (a *authority) place(cluster *pgcluster.Cluster, name string, block *pem.Block) {
	a.t.Helper()
	data := filepath.Join(cluster.Dir(), "data")
	info, err := os.Stat(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		a.t.Fatal(err)
	}
	file := filepath.Join(data, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		a.t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(file, int(owner.Uid), int(owner.Gid)); err != nil {
		a.t.Fatal(err)
	}
}

// untilShown waits until new connections get to see a certificate: a server reads its
// settings some time after it is told to.
func (a *authority) untilShown(d *database, serial int64) {
	a.t.Helper()
	config, err := pgx.ParseConfig(strings.Replace(d.dsn, "sslmode=disable", "sslmode=require", 1))
	if err != nil {
		a.t.Fatal(err)
	}
	shown := int64(0)
	config.TLSConfig.VerifyConnection = func(state tls.ConnectionState) error {
		shown = state.PeerCertificates[0].SerialNumber.Int64()
		return nil
	}
	for deadline := time.Now().Add(patience); shown != serial; {
		conn, err := pgx.ConnectConfig(a.t.Context(), config)
		if err == nil {
			err = conn.Close(a.t.Context())
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("the server shows certificate %d, not %d: %v", shown, serial, err)
		}
	}
}

// A server's certificate that expires makes its source stale, with a fault that says so;
// with another certificate, and another authority in the file that the DSN names,
// the source goes on by itself.
func TestExpiredCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, nil)
	d := newDatabaseOn(t, cluster)
	d.exec(`create table t (id int primary key)`)
	roots := filepath.Join(t.TempDir(), "ca.crt")
	first := newAuthority(t)
	first.trust(roots)
	first.give(d, cluster, 2, time.Now().Add(time.Hour))

	s := d.sourceAs(strings.Replace(d.dsn, "sslmode=disable", "sslmode=verify-full&sslrootcert="+url.QueryEscape(roots), 1), "t")
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	const ours = ` from pg_stat_activity a join pg_stat_ssl s using (pid) where application_name like 'odsd/%'`
	if d.text(`select bool_and(ssl)::text`+ours) != "true" {
		t.Fatal("the sessions of the source are not encrypted")
	}

	first.give(d, cluster, 3, time.Now().Add(-time.Minute))
	d.exec(`insert into t values (1)`, `select pg_terminate_backend(pid)`+ours)
	f.until("the certificate is refused", func() bool { return f.state() == engine.Stale && f.fault() == codeCertificate })

	if err := os.Remove(roots); err != nil {
		t.Fatal(err)
	}
	f.until("the authority is absent", func() bool { return f.fault() == codeConfig })
	second := newAuthority(t)
	second.give(d, cluster, 4, time.Now().Add(time.Hour))
	second.trust(roots)
	f.compare(d, "t", "id")
	f.stop()
	d.untilSlotIdle()
}
