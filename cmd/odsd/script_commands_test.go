package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"odsd/engine"
	"odsd/internal/demo"
	"odsd/internal/pgcluster"
)

// patience is how long a transcript waits for what must happen soon.
const patience = 60 * time.Second

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
		failing: func(view string, limit int) ([]engine.FailingReport, error) {
			var reports []engine.FailingReport
			text, _ := reply("failing.json").(json.RawMessage)
			ts.Check(json.Unmarshal(text, &reports))
			if view != reports[0].View {
				return nil, fmt.Errorf("no such view: %q", view)
			}
			reports[0].Documents = reports[0].Documents[:min(limit, len(reports[0].Documents))]
			return reports, nil
		},
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

// code N PROGRAM ARGS… runs a program whose exit code must be N; its output is
// compared as after exec.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// postgresCommand NAMES… starts a cluster with these databases until the script
// ends, and sets NAME_DSN for each.
func postgresCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: postgres NAMES...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cluster, err := pgcluster.Start(ctx, pgcluster.Options{
		Databases: args, Install: os.Getenv("ODSD_TEST_INSTALL") == "1",
	})
	ts.Check(err)
	ts.Defer(func() { ts.Check(cluster.Stop(context.Background())) })
	for _, name := range args {
		ts.Setenv(strings.ToUpper(name)+"_DSN", cluster.DSN(name))
	}
}

// sql DATABASE FILE|STATEMENT runs SQL.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql DATABASE FILE|STATEMENT")
	}
	text := args[1]
	if content, err := os.ReadFile(ts.MkAbs(text)); err == nil {
		text = string(content)
	}
	ts.Check(onDatabase(ts, args[0], func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, text).ReadAll()
		return err
	}))
}

func onDatabase(ts *testscript.TestScript, name string, use func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, ts.Getenv(strings.ToUpper(name)+"_DSN"))
	if err != nil {
		return err
	}
	return errors.Join(use(ctx, conn), conn.Close(ctx))
}

// examplesCommand DIR makes DIR the example project.
func examplesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: examples DIR")
	}
	ts.Check(unpackExamples(ts.MkAbs(args[0])))
}

// samples runs the demo's sample queries, each of which must find something.
func samples(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: samples")
	}
	for _, q := range demo.Queries() {
		ts.Check(ts.Exec("odsd", "query", q.Text))
		if output := ts.ReadFile("stdout"); strings.Contains(output, "(null)") || strings.Contains(output, "(0 rows)") {
			ts.Fatalf("%s: nothing found:\n%s", q.About, output)
		}
	}
}

// dsnOf USER FROM TO sets TO to the DSN in FROM with another user, whose
// password is s3cret.
func dsnOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: dsn-of USER FROM TO")
	}
	u, err := url.Parse(ts.Getenv(args[1]))
	ts.Check(err)
	u.User = url.UserPassword(args[0], "s3cret")
	ts.Setenv(args[2], u.String())
}

// until PATTERN PROGRAM ARGS… runs a program again and again until its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARGS...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	deadline := time.After(patience)
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		_ = ts.Exec(args[1], args[2:]...) // its output decides
		output := ts.ReadFile("stdout")
		if pattern.MatchString(output) {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			ts.Fatalf("no match for %s in the last output:\n%s", args[0], output)
		}
	}
}

// ready waits until the daemon of the project in the current folder is ready.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: ready")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d := atSocket(ts.MkAbs("data/" + socketName))
	last := "nothing"
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, body, err := d.do(ctx, http.MethodGet, "/statusz", nil); err != nil {
			last = err.Error()
		} else {
			last = string(body)
			var status statusDocument
			if err := json.Unmarshal(body, &status); err == nil && status.Ready {
				return
			}
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("the daemon is not ready; it said last: %s", last)
		case <-ticker.C:
		}
	}
}

// applied SOURCES… waits until the daemon has applied what each database has
// committed by now.
func applied(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: applied SOURCES...")
	}
	var positions []string
	for _, name := range args {
		var lsn string
		ts.Check(onDatabase(ts, name, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "select pg_current_wal_flush_lsn()::text").Scan(&lsn)
		}))
		positions = append(positions, fmt.Sprintf("{source: %q, lsn: %q}", name, lsn))
	}
	query := fmt.Sprintf(`query @consistency(waitFor: [%s], timeout: "30s") { _freshness { source } }`, strings.Join(positions, ", "))
	body, err := json.Marshal(map[string]string{"query": query})
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, reply, err := atSocket(ts.MkAbs("data/"+socketName)).do(ctx, http.MethodPost, "/graphql", strings.NewReader(string(body)))
	ts.Check(err)
	if strings.Contains(string(reply), `"errors"`) {
		ts.Fatalf("waiting for %s: %s", strings.Join(positions, ", "), reply)
	}
}
