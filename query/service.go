package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/graphql-go/graphql/language/ast"

	"odsd/storage/relation"
)

// Options of a Service.
type Options struct {
	Backend Backend
	// CursorKey seals cursors. It belongs to the store: with another key all
	// cursors that clients hold are refused.
	CursorKey []byte
	Limits    Limits        // zero: DefaultLimits
	Timeout   time.Duration // of one request, waiting excepted; zero: 10 s
	Log       *slog.Logger
}

// Service answers GraphQL requests. It serves any number of goroutines.
type Service struct {
	backend Backend
	seal    seal
	limits  Limits
	timeout time.Duration
	log     *slog.Logger

	mu      sync.Mutex
	current *compiled
}

// compiled is a schema with the documents that were validated against it.
type compiled struct {
	*schema
	documents *documentCache
}

// New makes a service.
func New(o Options) *Service {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{backend: o.Backend, seal: seal{o.CursorKey}, limits: o.Limits, timeout: o.Timeout, log: o.Log}
}

// Longest is how long a request may take: waiting, then computing.
func (s *Service) Longest() time.Duration { return maxWait + s.timeout }

// Request is one GraphQL request.
type Request struct {
	Query         string
	OperationName string
	Variables     map[string]any // decoded JSON, numbers as json.Number
	Consistency   Consistency
}

// Reply is what a request is answered with.
type Reply struct {
	// Body is the JSON of the reply.
	Body []byte
	// Executed is false when the request was refused as a whole: then Body has no data.
	Executed bool
	Errors   []*Error
	Scanned  int // keys of the store read
}

// Execute answers a request and appends the JSON to dst.
func (s *Service) Execute(ctx context.Context, r *Request, dst []byte) *Reply {
	q, errs := s.begin(ctx, r)
	if q.reading != nil {
		defer func() { q.reading.Close() }()
	}
	q.out = dst
	executed := len(errs) == 0
	if executed {
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		q.out = append(q.out, `{"data":`...)
		q.data(limited)
		errs = q.errs
	}
	if len(errs) > 0 {
		if executed {
			q.out = append(q.out, `,"errors":`...)
		} else {
			q.out = append(q.out, `{"errors":`...)
		}
		q.out = appendErrors(q.out, errs)
	}
	if q.reading != nil {
		q.out = appendExtensions(append(q.out, `,"extensions":`...), q.reading.Freshness)
	}
	q.out = append(q.out, '}')
	return &Reply{Body: q.out, Executed: executed, Errors: errs, Scanned: q.meter.scanned}
}

// begin does all that comes before data: it reads, compiles, waits and judges staleness.
// The request holds its reading, errors or not, which the caller closes.
func (s *Service) begin(ctx context.Context, r *Request) (*request, []*Error) {
	q := &request{service: s}
	if errs := q.compile(ctx, r); len(errs) > 0 {
		return q, errs
	}
	d, err := q.demandOf(r.Consistency)
	if err != nil {
		return q, []*Error{err}
	}
	if len(d.positions) > 0 {
		// The snapshot is let go meanwhile; the one after the wait may come with other views.
		known := q.reading.Freshness
		q.reading.Close()
		q.reading = nil
		waited := s.wait(ctx, d, known)
		if errs := q.compile(ctx, r); waited == nil && len(errs) > 0 {
			return q, errs
		}
		if waited != nil {
			return q, []*Error{waited}
		}
	}
	if err := q.stale(d); err != nil {
		return q, []*Error{err}
	}
	return q, nil
}

// compile takes a reading and compiles the request's operation for its views.
func (q *request) compile(ctx context.Context, r *Request) []*Error {
	var err error
	if q.reading, err = q.service.backend.Read(ctx); err != nil {
		q.reading = nil
		return []*Error{storageFault(err)}
	}
	current, err := q.service.schemaOf(q.reading)
	if err != nil {
		return []*Error{internal(err)}
	}
	q.schema = current.schema
	p, errs := current.prepare(r.Query, q.service.limits)
	if len(errs) > 0 {
		return errs
	}
	q.document = p.document
	op, problem := p.choose(r.OperationName)
	if problem != nil {
		return []*Error{problem}
	}
	if q.variables, problem = coerceVariables(op.variables, r.Variables); problem != nil {
		return []*Error{problem}
	}
	if q.operation, problem = p.plan(current.schema, op, q.variables); problem != nil {
		return []*Error{problem}
	}
	return nil
}

// schemaOf gives the schema of a reading's views, made anew when those are others.
func (s *Service) schemaOf(r *Reading) (*compiled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.generation == r.SchemaGeneration {
		return s.current, nil
	}
	made, problems, err := buildSchema(r.SchemaGeneration, r.Views)
	for _, p := range problems {
		s.log.Error("view left out of the GraphQL schema", "view", p.View, "error", p.Message)
	}
	if err != nil {
		return nil, err
	}
	s.current = &compiled{schema: made, documents: newDocumentCache()}
	return s.current, nil
}

// prepared is a validated document and the plans made of it so far.
type prepared struct {
	document   *document
	operations []*preparedOperation
	conditions []string // variables that decide @skip and @include

	mu    sync.Mutex
	plans map[string]*operation // by operation and the values of conditions
}

type preparedOperation struct {
	definition *ast.OperationDefinition
	name       string
	variables  []variable
}

// maxPlans of one document; more outcomes of its conditions are compiled each time.
const maxPlans = 32

func (c *compiled) prepare(text string, limits Limits) (p *prepared, errs []*Error) {
	if p = c.documents.get(text); p != nil {
		return p, nil
	}
	// What follows walks foreign trees with foreign code. A panic there is a
	// fault of one request, not of the daemon.
	defer func() {
		if fault := recover(); fault != nil {
			p, errs = nil, []*Error{internal(fmt.Errorf("validating a request: %v", fault))}
		}
	}()
	d, err := parse(text, limits)
	if err != nil {
		return nil, []*Error{err}
	}
	if errs := d.validate(&c.graphql, limits); len(errs) > 0 {
		return nil, errs
	}
	if err := d.checkIntrospection(); err != nil {
		return nil, []*Error{err}
	}
	p = &prepared{document: d, conditions: d.conditionVariables(), plans: map[string]*operation{}}
	for _, o := range d.operations {
		p.operations = append(p.operations, d.prepareOperation(c.schema, o))
	}
	c.documents.put(text, p)
	return p, nil
}

func (d *document) prepareOperation(s *schema, o *ast.OperationDefinition) *preparedOperation {
	out := &preparedOperation{definition: o}
	if o.Name != nil {
		out.name = o.Name.Value
	}
	for _, definition := range o.VariableDefinitions {
		v := variable{name: definition.Variable.Name.Value, input: inputType(&s.graphql, definition.Type)}
		v.required = strings.HasSuffix(v.input.String(), "!")
		if definition.DefaultValue != nil {
			v.initial, _, _ = d.coerceLiteral(v.input, definition.DefaultValue, map[string]any{})
			v.hasInitial = true
		}
		out.variables = append(out.variables, v)
	}
	return out
}

func (p *prepared) choose(name string) (*preparedOperation, *Error) {
	if name == "" {
		if len(p.operations) > 1 {
			return nil, failure(BadUserInput, "pass operationName", "the document has several operations")
		}
		return p.operations[0], nil
	}
	for _, o := range p.operations {
		if o.name == name {
			return o, nil
		}
	}
	return nil, failure(BadUserInput, "", "the document has no operation %q", name)
}

func (p *prepared) plan(s *schema, o *preparedOperation, variables map[string]any) (*operation, *Error) {
	key := []byte(o.name)
	for _, name := range p.conditions {
		value, declared := variables[name]
		if condition, _ := value.(relation.Value); condition.True() {
			key = append(key, ' ', '1')
		} else {
			key = append(key, ' ', '0')
		}
		if declared && value == nil {
			return nil, failure(BadUserInput, "", "variable $%s decides @skip or @include and may not be null", name)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if plan := p.plans[string(key)]; plan != nil {
		return plan, nil
	}
	plan := p.document.compile(s, o.definition, variables)
	if len(p.plans) < maxPlans {
		p.plans[string(key)] = plan
	}
	return plan, nil
}

// Cancelled says whether an error comes of the client's going away.
func (e *Error) Cancelled() bool { return errors.Is(e.cause, context.Canceled) }
