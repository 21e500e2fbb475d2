package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// rewrite makes the transcripts true instead of testing them: `make golden`.
var rewrite = flag.Bool("rewrite", false, "rewrite the expected output in testdata")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"odsd": main})
}

// TestScripts runs the transcripts in testdata: what a person types and what
// the commands print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *rewrite,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"canned": canned},
	})
}

// canned DIR answers on the control socket of the project in the current folder
// with the files statusz.json, graphql.json and verify.json of DIR, whatever is asked: what the
// commands make of a daemon's replies is then seen without one. The files are
// read when they are asked for.
func canned(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: canned DIR")
	}
	folder := ts.MkAbs(args[0])
	reply := func(name string) any {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return problem{Error: err.Error()}
		}
		return json.RawMessage(text)
	}
	handler := controls{
		status: func() any { return reply("statusz.json") },
		graphql: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, reply("graphql.json"))
		}),
		verify: func(context.Context, verifyRequest) (any, error) { return reply("verify.json"), nil },
	}.handler()
	ts.Check(os.MkdirAll(ts.MkAbs("data"), 0o700))
	listener, err := listenControl(filepath.Join(ts.MkAbs("data"), socketName))
	ts.Check(err)
	server := &http.Server{Handler: handler}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	ts.Defer(func() {
		_ = server.Close()
		<-done
	})
}
