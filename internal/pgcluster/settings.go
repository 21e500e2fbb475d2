package pgcluster

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// settingsFile is included by postgresql.conf and written anew at each start.
// ALTER SYSTEM wins over it, as over any setting of a file.
const settingsFile = "odsd.conf"

// settingsFor are the settings of a server that starts quickly, is replicated
// from, and need not survive a power cut; those asked for win.
func settingsFor(major int, asked map[string]string) map[string]string {
	settings := map[string]string{
		"wal_level":                       "logical",
		"max_wal_senders":                 "20",
		"max_replication_slots":           "20",
		"max_connections":                 "60",
		"max_logical_replication_workers": "0",
		"max_prepared_transactions":       "10",
		"shared_buffers":                  "32MB",
		"max_wal_size":                    "1GB",
		"fsync":                           "off",
		"full_page_writes":                "off",
		"jit":                             "off",
		"timezone":                        "UTC",
		"log_timezone":                    "UTC",
		// In the data directory: a killed server leaves nothing in /dev/shm.
		"dynamic_shared_memory_type": "mmap",
	}
	if major >= 18 {
		settings["io_method"] = "sync" // no worker processes
	}
	maps.Copy(settings, asked)
	return settings
}

func includeSettings(data string) error {
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configure the cluster: %w", err)
	}
	_, err = fmt.Fprintf(f, "\ninclude '%s'\n", settingsFile)
	return errors.Join(err, f.Close())
}

func writeSettings(data string, settings map[string]string, port int) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, quoteSetting(settings[name]))
	}
	// Last, so that nothing asked for opens the server to the network.
	fmt.Fprintf(&b, "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nport = %d\n", port)
	// World-readable, for the server's account; the directory around it is not.
	return os.WriteFile(filepath.Join(data, settingsFile), []byte(b.String()), 0o644)
}

func quoteSetting(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value) + "'"
}

// freePort finds a port below those that systems give to outgoing connections,
// so that it is still free when a stopped server wants it back.
func freePort() (int, error) {
	const lowest, count = 20000, 12000
	for range 100 {
		port := lowest + rand.IntN(count)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("found no free port for PostgreSQL on 127.0.0.1 between 20000 and 32000")
}
