package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"odsd/storage/relation"
)

// reply is what GraphQL answered.
type reply struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code string `json:"code"`
		} `json:"extensions"`
	} `json:"errors"`
	Extensions struct {
		Freshness map[string]struct {
			LSN string `json:"lsn"`
		} `json:"freshness"`
	} `json:"extensions"`
}

// unreachable is the one kind of failure that a killed daemon may cause.
type unreachable struct{ cause error }

func (u *unreachable) Error() string { return u.cause.Error() }

// refused is a reply with errors.
type refused struct {
	code, message string
}

func (r *refused) Error() string { return r.code + ": " + r.message }

// excused says whether an error may come while things are killed: no connection,
// or an honest "not now".
func excused(err error) bool {
	var away *unreachable
	var no *refused
	if errors.As(err, &no) {
		return slices.Contains([]string{"VIEW_NOT_READY", "WAIT_TIMEOUT", "STALE_READ"}, no.code)
	}
	return errors.As(err, &away)
}

// ask sends a query with positions to wait for ("catalog=0/15D6F30", or "").
func ask(ctx context.Context, a address, query, waitFor, timeout string) (*reply, error) {
	if a.GraphQL == "" {
		return nil, &unreachable{errors.New("the daemon does not run")}
	}
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.GraphQL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if waitFor != "" {
		request.Header.Set("Odsd-Wait-For", waitFor)
		request.Header.Set("Odsd-Timeout", timeout)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, &unreachable{err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, &unreachable{err}
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d: %.500s", response.StatusCode, text)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	r := &reply{}
	if err := decoder.Decode(r); err != nil {
		return nil, fmt.Errorf("the reply is not JSON: %w: %.500s", err, text)
	}
	if len(r.Errors) > 0 {
		return nil, &refused{r.Errors[0].Extensions.Code, r.Errors[0].Message}
	}
	return r, nil
}

// positions are how far a reply says its sources are applied.
func (r *reply) positions() (map[string]relation.Position, error) {
	all := map[string]relation.Position{}
	for source, f := range r.Extensions.Freshness {
		p, err := relation.ParsePosition(f.LSN)
		if err != nil {
			return nil, fmt.Errorf("freshness of %s: %w", source, err)
		}
		all[source] = p
	}
	return all, nil
}

// floors are positions below which no later reply may lie.
type floors struct {
	mu *sync.Mutex
	at map[string]relation.Position
}

func newFloors() floors { return floors{&sync.Mutex{}, map[string]relation.Position{}} }

func (f floors) raise(source string, p relation.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[source] = max(f.at[source], p)
}

func (f floors) raiseAll(all map[string]relation.Position) {
	for source, p := range all {
		f.raise(source, p)
	}
}

func (f floors) copy() floors {
	c := newFloors()
	f.mu.Lock()
	defer f.mu.Unlock()
	for source, p := range f.at {
		c.at[source] = p
	}
	return c
}

// below names the sources that a reply shows older than they must be.
func (f floors) below(all map[string]relation.Position) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var wrong []string
	for source, floor := range f.at {
		if all[source] < floor {
			wrong = append(wrong, fmt.Sprintf("%s is at %s, and was at %s before", source, all[source], floor))
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}
