package project

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"

	"odsd/internal/yamlfile"
)

// Config is what odsd.yaml says.
type Config struct {
	// DataDir is the absolute path of the store.
	DataDir string
	// Listen is the address of GraphQL, console and health, AdminListen that of
	// metrics and profiles: host:port.
	Listen, AdminListen string
	// Insecure allows listeners that are not loopback although everyone may
	// read everything.
	Insecure bool
	// Limits of GraphQL requests.
	Limits Limits
}

const configFile = "odsd.yaml"

func defaultConfig(dir string) Config {
	return Config{DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:8420", AdminListen: "127.0.0.1:8421"}
}

func (l *loader) readConfig() {
	data, ok := l.readFile(configFile)
	if !ok {
		l.found[len(l.found)-1].Hint = "is this a project folder? -C names another one"
		return
	}
	root, _, ok := l.parse(configFile, data)
	if !ok {
		return
	}
	c := &l.project.Config
	r := l.resolver()
	var listen, admin yamlfile.Node
	address := func(into *string, at *yamlfile.Node) func(yamlfile.Entry) {
		return func(e yamlfile.Entry) {
			if s, ok := r.text(e.Value, "`"+e.Key.Value()+"`"); ok {
				*into, *at = s, e.Value
			}
		}
	}
	root.Decode(configFile, yamlfile.Keys{
		"version": yamlfile.Version,
		"data_dir": func(e yamlfile.Entry) {
			if s, ok := r.text(e.Value, "`data_dir`"); ok {
				c.DataDir = l.path(s)
			}
		},
		"listen":       address(&c.Listen, &listen),
		"admin_listen": address(&c.AdminListen, &admin),
		"insecure": func(e yamlfile.Entry) {
			if b, ok := e.Value.Bool("`insecure`"); ok {
				c.Insecure = b
			}
		},
		"auth":              yamlfile.NotBuilt,
		"persisted":         yamlfile.NotBuilt,
		"changes_retention": yamlfile.NotBuilt,
		"limits":            func(e yamlfile.Entry) { c.Limits = readLimits(e) },
	}, "version")
	checkListener(listen, c.Listen, c.Insecure)
	checkListener(admin, c.AdminListen, c.Insecure)
}

// path makes a path of the project absolute.
func (l *loader) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(l.dir, p)
}

// checkListener refuses an address that the network reaches: without auth,
// which is not built yet, it would show everything to everyone.
func checkListener(at yamlfile.Node, address string, insecure bool) {
	if !at.Exists() || unresolved(address) {
		return // the default, or known only when variables are
	}
	if problem, hint := CheckListener(address, insecure); problem != "" {
		at.Report(yamlfile.CodeListener, hint, "%s", problem)
	}
}

// CheckListener says why an address may not be listened on, "" when it may,
// and what to do.
func CheckListener(address string, insecure bool) (problem, hint string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "not an address", "write host:port, as 127.0.0.1:8420"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "not a port", "a port is a number up to 65535; 0 picks a free one"
	}
	if insecure || isLoopback(host) {
		return "", ""
	}
	return "this address can be reached from the network, where everyone may read everything",
		"listen on 127.0.0.1, or write `insecure: true`"
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
