package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitCodes runs commands against a daemon's public listener that gives
// the replies below.
func TestExitCodes(t *testing.T) {
	source := func(fields string) string {
		return `{"sources":[{"name":"a","lsn":"0/1"},{"name":"b","lsn":"0/1",` + fields + `}]}`
	}
	for _, test := range []struct {
		name, reply string
		args        []string
		want        int
	}{
		{"all is well", source(`"lagSeconds":1,"errorAfterSeconds":5`), []string{"status"}, exitFine},
		{"a source is unreachable", source(`"state":"stale"`), []string{"status"}, exitUnreachable},
		{"a source is halted", source(`"state":"halted"`), []string{"status"}, exitUnreachable},
		{"a source was never reached", source(`"state":"connecting","error":{"code":"UNREACHABLE"}`), []string{"status"}, exitUnreachable},
		{"a source is being reached", source(`"state":"connecting"`), []string{"status"}, exitFine},
		{"a source is too stale", source(`"lagSeconds":6,"errorAfterSeconds":5`), []string{"status"}, exitStale},
		{"unreachable counts more than stale", source(`"lagSeconds":6,"errorAfterSeconds":5,"state":"stale"`), []string{"status"}, exitUnreachable},
		{"any lag without error_after", source(`"lagSeconds":1e6`), []string{"status"}, exitFine},
		{"not JSON", "Bad Gateway", []string{"status"}, exitTrouble},
		{"data", `{"data":{"a":null}}`, []string{"query", "{a}"}, exitFine},
		{"data and an error", `{"data":{"a":null},"errors":[{"message":"x"}]}`, []string{"query", "{a}"}, exitTrouble},
		{"neither data nor an error", `{}`, []string{"query", "{a}"}, exitTrouble},
		{"unknown command", "", []string{"statsu"}, exitTrouble},
		{"unknown flag", "", []string{"status", "--x"}, exitTrouble},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer secret" {
					t.Errorf("the token was not sent to %s", r.URL.Path)
				}
				_, _ = w.Write([]byte(test.reply))
			}))
			defer server.Close()
			var stdout, stderr bytes.Buffer
			args := append(test.args, "--url", server.URL, "--token", "secret")
			if got := execute(args, strings.NewReader(""), &stdout, &stderr); got != test.want {
				t.Errorf("exit code %d, want %d; stdout %q, stderr %q", got, test.want, &stdout, &stderr)
			}
			if test.want == exitTrouble && !strings.HasPrefix(stderr.String(), "odsd: error: ") {
				t.Errorf("stderr is %q, want an error", &stderr)
			}
		})
	}
}

func TestVerifyFindings(t *testing.T) {
	dir := t.TempDir()
	path := serveCanned(t, dir, controls{
		verify: func(_ context.Context, r verifyRequest) (any, error) {
			if r.View == "absent" {
				return nil, hintf("its name is in views/").errorf("no view %q", r.View)
			}
			return json.RawMessage(`{"ok":false}`), nil
		},
	})
	for _, test := range []struct {
		view string
		want int
		says string
	}{
		{"orders", exitFindings, ""},
		{"absent", exitTrouble, "odsd: error: no view \"absent\"\nhint: its name is in views/\n"},
	} {
		var stdout, stderr bytes.Buffer
		got := execute([]string{"-C", dir, "verify", "--view", test.view}, nil, &stdout, &stderr)
		if got != test.want || stderr.String() != test.says {
			t.Errorf("verify --view %s: exit code %d, stderr %q; want %d, %q (socket %s)", test.view, got, &stderr, test.want, test.says, path)
		}
	}
}

// Told to end while it still starts, the daemon ends as well as later.
func TestEndWhileStarting(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"odsd.yaml":        "version: 1\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n",
		"sources/crm.yaml": "version: 1\nsource: crm\npostgres: {dsn: \"postgres://127.0.0.1:1/crm\"}\ntables: {customers: }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	c := &cli{stdout: &stdout, stderr: &stderr}
	root := rootCommand(c)
	root.SetArgs([]string{"-C", dir, "run"})
	if code := c.report(root.ExecuteContext(told)); code != exitFine || strings.Contains(stderr.String(), "odsd: error") {
		t.Errorf("exit code %d; %s", code, &stderr)
	}
}
