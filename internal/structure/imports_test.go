package structure

import (
	"slices"
	"strings"
	"testing"
)

// order is the import rank, low to high: a package imports only packages that
// stand above it in this list, so that the list read downward is an order in which the
// program can be understood.
var order = []string{
	"internal/failpoint", // where tests kill
	"storage/relation",   // the nouns of all
	"storage/encoding",   // values as bytes
	"storage",            // the store
	"storage/backup",     // copies of it
	"internal/yamlfile",  // YAML with positions
	"views",              // definition → plan
	"engine/reference",   // the naive evaluator
	"engine/ivm",         // maintenance of nodes
	"engine",             // the apply loop
	"engine/memory",      // the engine without database and disk
	"engine/enginetest",  // scripts, generator
	"internal/pgcluster", // throw-away PostgreSQL
	"internal/pgcluster/pgtest",
	"internal/pgcluster/pgfind",
	"internal/demo",      // four databases and their workload
	"engine/postgres",    // the change stream
	"query/console",      // the embedded page
	"query",              // requests
	"query/server",       // HTTP
	"project/fileschema", // JSON Schemas of its files
	"project",            // the folder
	"project/viewtest",
	"examples", // the project of the demo, embedded
	"internal/structure",
	"internal/oracle",  // whole-program tests
	"internal/mutants", // proof that the tests bite
	"cmd/odsd",
	"bench", // measures the built program
}

// ban forbids an import that the order alone would allow.
type ban struct {
	from   string // package, or a folder and all below it where it ends in "/..."
	to     string // the same, of the imported package
	reason string
}

var bans = []ban{
	{"views", "odsd/storage", "a definition means the same wherever rows are kept"},
	{"views", "odsd/storage/encoding", "plans say which columns are stored, not how their bytes look"},
	{"views", "os", "the checker works on bytes it is given, so that editors and tests can call it without files"},
	{"views", "io/fs", "the checker works on bytes it is given"},
	{"views", "net", "checking is offline"},
	{"views", "net/http", "checking is offline"},
	{"engine/reference", "odsd/storage", "an oracle that reads through the engine's store or encodings shares their faults"},
	{"engine/reference", "odsd/storage/encoding", "an oracle that reads through the engine's store or encodings shares their faults"},
	{"query/...", "odsd/engine/...", "reading knows snapshots only, so that it can be served by another process than the one that applies"},
	{"engine/postgres", "odsd/engine/ivm", "a source delivers transactions and knows nothing of views"},
	{"engine/postgres", "odsd/storage", "positions are stored by the engine, in the commit of their rows"},
	{"engine/...", "odsd/query/...", "the engine is told of readers, it never asks them"},
	{"project", "odsd/engine/...", "reading a folder starts nothing"},
	{"project", "odsd/query/...", "reading a folder starts nothing"},
}

// heavy lists dependencies that one package alone may import (and tests, and the
// places in elsewhere), so that each can be replaced, and its types never become ours.
var heavy = []struct {
	prefix    string
	owner     string
	elsewhere []string // further files, by prefix of their path
	reason    string
}{
	{"github.com/cockroachdb/pebble", "storage", []string{"engine/enginetest/"}, "keyspace, durability and formats are decided in one place"},
	{"github.com/expr-lang/expr", "views", nil, "expr-lang parses; the meaning of an expression is ours, and is given in one place"},
	{"github.com/jackc/pglogrepl", "engine/postgres", nil, "sources say nothing of PostgreSQL but a position"},
	{"github.com/jackc/pgx", "engine/postgres", []string{"internal/", "cmd/odsd/demo", "bench/"}, "sources say nothing of PostgreSQL but a position"},
	{"github.com/graphql-go/graphql", "query", nil, "it checks requests and never executes them: every request passes the budgets of one package first"},
	{"go.yaml.in/yaml", "internal/yamlfile", []string{"engine/enginetest/"}, "every file is decoded strictly, with positions, below the same limits"},
	{"github.com/goccy/go-yaml", "internal/yamlfile", nil, "every file is decoded strictly, with positions, below the same limits"},
	{"github.com/spf13/cobra", "cmd/odsd", nil, "packages know nothing of flags"},
}

func TestImportOrder(t *testing.T) {
	for _, s := range sources(t) {
		rank := slices.Index(order, s.folder)
		if rank < 0 {
			if !s.test || s.folder != "." {
				t.Errorf("%s: package %s has no place in the import order: give it one in %s", s.file, s.folder, "internal/structure/imports_test.go")
			}
			continue
		}
		if s.test {
			continue // tests may reach upward: an engine's test brings its own sources
		}
		for _, imported := range s.imports {
			local, ours := strings.CutPrefix(imported, module+"/")
			if ours && slices.Index(order, local) > rank {
				t.Errorf("%s imports %s, which stands below %s in the import order", s.file, imported, s.folder)
			}
		}
	}
}

func TestBans(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, b := range bans {
			for _, imported := range s.imports {
				if covers(b.from, s.folder) && covers(b.to, imported) {
					t.Errorf("%s imports %s: %s", s.file, imported, b.reason)
				}
			}
		}
	}
}

func TestHeavyDependencies(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, h := range heavy {
			for _, imported := range s.imports {
				if covers(h.prefix+"/...", imported) && s.folder != h.owner && !hasAnyPrefix(s.file, h.elsewhere) {
					t.Errorf("%s imports %s, which is %s's alone: %s", s.file, imported, h.owner, h.reason)
				}
			}
		}
	}
}

// covers says whether a pattern, "query" or "query/...", names a package.
func covers(pattern, name string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == tree || strings.HasPrefix(name, tree+"/")
	}
	return name == pattern
}

func hasAnyPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}
