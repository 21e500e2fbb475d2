package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"odsd/query"
)

const (
	plainJSON    = "application/json"
	responseJSON = "application/graphql-response+json"
)

// refusal is an answer to a request that is not a well-formed GraphQL request.
type refusal struct {
	status  int
	code    query.Code
	message string
	hint    string
}

// graphQL answers POST and GET as the GraphQL-over-HTTP specification has it.
func (s *Server) graphQL(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept")
	id := requestID(r)
	header.Set("X-Request-Id", id)
	media := negotiate(r.Header.Get("Accept"))
	var request *query.Request
	var bad *refusal
	switch r.Method {
	case http.MethodPost:
		request, bad = s.fromBody(w, r)
	case http.MethodGet, http.MethodHead:
		values := r.URL.Query()
		if !values.Has("query") && wantsPage(r.Header.Get("Accept")) {
			header.Del("Cache-Control")
			s.console.Page(w, r)
			return
		}
		request, bad = fromURL(values)
	default:
		header.Set("Allow", "GET, HEAD, POST")
		bad = &refusal{http.StatusMethodNotAllowed, query.BadUserInput, "the method must be POST or GET", ""}
	}
	if bad != nil {
		s.refuse(w, media, bad)
		return
	}
	request.Consistency = query.Consistency{
		WaitFor:      strings.Join(r.Header.Values("Odsd-Wait-For"), ","),
		MaxStaleness: r.Header.Get("Odsd-Max-Staleness"),
		Timeout:      r.Header.Get("Odsd-Timeout"),
	}
	s.answer(w, r, media, id, request)
}

// buffers keep the memory of replies from one request to the next.
type buffers struct{ pool sync.Pool }

const maxKeptBuffer = 1 << 20

func (b *buffers) get() []byte {
	if kept, ok := b.pool.Get().(*[]byte); ok {
		return (*kept)[:0]
	}
	return make([]byte, 0, 4<<10)
}

func (b *buffers) put(buffer []byte) {
	if cap(buffer) <= maxKeptBuffer {
		b.pool.Put(&buffer)
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, media, id string, request *query.Request) {
	start := time.Now()
	// Where it fails there is no connection, as in tests, and nothing to bound.
	_ = http.NewResponseController(w).SetWriteDeadline(start.Add(s.query.Longest() + sendTimeout))
	reply := s.query.Execute(r.Context(), request, s.buffers.get())
	took := time.Since(start)
	s.metrics.observe(reply, took)
	s.report(r.Context(), id, reply, took)
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(reply.Body)))
	w.WriteHeader(statusOf(media, reply))
	if r.Method != http.MethodHead {
		_, _ = w.Write(reply.Body) // a client that has gone away is no fault of ours
	}
	s.buffers.put(reply.Body)
}

// statusOf a reply: with application/json every well-formed request is 200; the
// newer media type says by its status whether the request was executed.
func statusOf(media string, reply *query.Reply) int {
	if media == plainJSON || reply.Executed {
		return http.StatusOK
	}
	switch reply.Errors[0].Code {
	case query.Internal:
		return http.StatusInternalServerError
	case query.StaleRead:
		return http.StatusServiceUnavailable
	case query.WaitTimeout, query.Timeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadRequest
}

// report logs faults of ours; the faults of requests are for debugging.
func (s *Server) report(ctx context.Context, id string, reply *query.Reply, took time.Duration) {
	for _, e := range reply.Errors {
		level, cause := slog.LevelDebug, error(nil)
		if e.Code == query.Internal {
			level, cause = slog.LevelError, errors.Unwrap(e)
		}
		s.log.LogAttrs(ctx, level, "graphql request failed", slog.String("request_id", id), slog.String("code", string(e.Code)),
			slog.Float64("duration_ms", float64(took.Microseconds())/1000), slog.Any("error", cause))
	}
}

func (s *Server) refuse(w http.ResponseWriter, media string, bad *refusal) {
	type extensions struct {
		Code query.Code `json:"code"`
		Hint string     `json:"hint,omitempty"`
	}
	type entry struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	body, err := json.Marshal(map[string][]entry{"errors": {{bad.message, extensions{bad.code, bad.hint}}}})
	if err != nil { // strings alone always marshal
		body = []byte(`{"errors":[{"message":"internal error"}]}`)
	}
	s.metrics.requests.WithLabelValues(string(bad.code)).Inc()
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.WriteHeader(bad.status)
	_, _ = w.Write(body)
}

func (s *Server) fromBody(w http.ResponseWriter, r *http.Request) (*query.Request, *refusal) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != plainJSON || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return nil, &refusal{http.StatusUnsupportedMediaType, query.BadUserInput, "the body must be application/json in UTF-8", "set Content-Type: application/json"}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &refusal{http.StatusUnsupportedMediaType, query.BadUserInput, "the body must not be compressed", ""}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &refusal{http.StatusRequestEntityTooLarge, query.TooComplex, "the body is larger than " + strconv.FormatInt(s.maxBody, 10) + " bytes", ""}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "the body could not be read", ""}
	}
	return decode(body)
}

func decode(body []byte) (*query.Request, *refusal) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "batches of requests are not taken", "send one object, with several root fields if need be"}
	}
	var wire struct {
		Query         *string         `json:"query"`
		OperationName *string         `json:"operationName"`
		Variables     map[string]any  `json:"variables"`
		Extensions    json.RawMessage `json:"extensions"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&wire); err != nil {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "the body is not a JSON object with query, operationName and variables", ""}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "something follows the JSON object in the body", ""}
	}
	if !isObject(wire.Extensions) {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "extensions must be an object", ""}
	}
	if wire.Query == nil {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "the body has no query", `send {"query": "…"}`}
	}
	request := &query.Request{Query: *wire.Query, Variables: wire.Variables}
	if wire.OperationName != nil {
		request.OperationName = *wire.OperationName
	}
	return request, nil
}

func isObject(raw json.RawMessage) bool {
	return len(raw) == 0 || raw[0] == '{' || string(raw) == "null"
}

func fromURL(values url.Values) (*query.Request, *refusal) {
	if !values.Has("query") {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "the URL has no query", "POST the request, or send ?query=…"}
	}
	request := &query.Request{Query: values.Get("query"), OperationName: values.Get("operationName")}
	if raw := values.Get("variables"); raw != "" {
		decoder := json.NewDecoder(strings.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(&request.Variables); err != nil {
			return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "variables in the URL are not a JSON object", ""}
		}
	}
	if !isObject(json.RawMessage(values.Get("extensions"))) {
		return nil, &refusal{http.StatusBadRequest, query.BadUserInput, "extensions in the URL are not a JSON object", ""}
	}
	return request, nil
}

// negotiate picks the reply's media type: what the client prefers, else the one
// that all understand.
func negotiate(accept string) string {
	best, media := 0.0, plainJSON
	for entry := range strings.SplitSeq(accept, ",") {
		name, params, err := mime.ParseMediaType(entry)
		if err != nil || (name != plainJSON && name != responseJSON) {
			continue
		}
		quality := 1.0
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			quality = q
		}
		if quality > best {
			best, media = quality, name
		}
	}
	return media
}

// wantsPage is true for a browser that opens the endpoint.
func wantsPage(accept string) bool {
	for entry := range strings.SplitSeq(accept, ",") {
		switch name, _, _ := mime.ParseMediaType(entry); name {
		case "text/html":
			return true
		case plainJSON, responseJSON:
			return false
		}
	}
	return false
}

// requestID takes up the caller's id where it is fit for a log, else makes one.
func requestID(r *http.Request) string {
	const maxID = 64
	id := r.Header.Get("X-Request-Id")
	fit := id != "" && len(id) <= maxID
	for i := 0; fit && i < len(id); i++ {
		c := id[i]
		fit = c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
	}
	if fit {
		return id
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}
