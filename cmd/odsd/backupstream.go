package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// backupLine is one line of the daemon's reply to POST /backup: how far it is, and
// at last what came of it. Who goes away before ends the backup.
type backupLine struct {
	Done    int64         `json:"done,omitempty"`
	Known   int64         `json:"known,omitempty"`
	Report  *backupReport `json:"report,omitempty"`
	Problem *problem      `json:"problem,omitempty"`
}

// tellEvery is how often a backup says how far it is.
const tellEvery = 100 * time.Millisecond

func (c controls) backupHandler(w http.ResponseWriter, r *http.Request) {
	var request backupRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody)).Decode(&request); err != nil {
		writeJSON(w, http.StatusBadRequest, problem{Error: "backup: the request is not JSON: " + err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines, flush := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(line backupLine) {
		_ = lines.Encode(line) // a client that went away ends the request's context
		_ = flush.Flush()
	}
	tell(backupLine{})
	told := time.Now()
	report, err := c.backup(r.Context(), request, func(done, known int64) {
		if time.Since(told) >= tellEvery {
			told = time.Now()
			tell(backupLine{Done: done, Known: known})
		}
	})
	if err != nil {
		p := problemOf(err)
		tell(backupLine{Problem: &p})
		return
	}
	tell(backupLine{Report: report})
}

// backup has the daemon make a backup.
func (d *daemon) backup(ctx context.Context, r backupRequest, show func(done, known int64)) (*backupReport, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/backup", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("address the daemon: %w", err)
	}
	reply, err := d.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, d.unreachable(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(reply.Body)
		return nil, d.refusal(reply.StatusCode, text)
	}
	for lines := json.NewDecoder(reply.Body); ; {
		var line backupLine
		if err := lines.Decode(&line); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("the backup was interrupted: %w", ctx.Err()) // the daemon leaves nothing of it
			}
			return nil, fmt.Errorf("the daemon ended before the backup was made: %w", err)
		}
		switch {
		case line.Problem != nil && line.Problem.Hint != "":
			return nil, withHint(errors.New(line.Problem.Error), line.Problem.Hint)
		case line.Problem != nil:
			return nil, errors.New(line.Problem.Error)
		case line.Report != nil:
			return line.Report, nil
		}
		show(line.Done, line.Known)
	}
}

// listens says whether a daemon has the socket open.
func (d *daemon) listens(ctx context.Context) bool {
	short, release, err := shortSocketPath(d.where)
	if err != nil {
		return false
	}
	defer release()
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", short)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}
