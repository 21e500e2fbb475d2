package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// rewrite makes the transcripts true instead of testing them: `make golden`.
var rewrite = flag.Bool("rewrite", false, "rewrite the expected output in testdata")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"odsd": main})
}

// TestScripts runs the transcripts in testdata: what a person types and what
// the commands print. Those in testdata/postgres use real databases.
func TestScripts(t *testing.T) {
	for _, folder := range []string{"testdata", "testdata/postgres"} {
		testscript.Run(t, testscript.Params{
			Dir:                 folder,
			UpdateScripts:       *rewrite,
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"applied":     applied,
				"canned":      canned,
				"code":        code,
				"dsn-of":      dsnOf,
				"examples":    examplesCommand,
				"flip":        flip,
				"newer-store": newerStore,
				"postgres":    postgresCommand,
				"ready":       ready,
				"samples":     samples,
				"sql":         sql,
				"until":       until,
				"writing":     writing,
			},
		})
	}
}
