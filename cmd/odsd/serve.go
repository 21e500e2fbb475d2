package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"odsd/engine"
	"odsd/engine/postgres"
	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/query"
	"odsd/query/server"
	"odsd/storage"
	"odsd/views"
)

// serveOptions are what a command adds to its project.
type serveOptions struct {
	dir string
	env project.Env
	// The listeners of the project, where empty.
	listen, adminListen string
	// opened are the listeners where the command has taken the ports before; serve
	// closes them.
	opened *listeners
	// storeDir holds the store, the project's data_dir where empty. The socket is in the
	// project's data_dir all the same: there the other commands look for it.
	storeDir string
	log      *slog.Logger
	// listening is called once requests are answered.
	listening func(addresses) error
	// ready is called after that, once every view is served that can be; may be nil.
	ready func() error
}

// addresses are where a daemon can be reached.
type addresses struct {
	GraphQL string            `json:"graphql"`
	Admin   string            `json:"admin"`
	Sources map[string]string `json:"sources"` // DSNs by source
}

// serve runs a daemon until ctx ends, which is a good end. It is the place where all
// packages meet; every goroutine that it starts has ended when it returns.
//
//	listeners ─▶ store ─▶ schemas ─▶ views ─▶ engine ─▶ query ─▶ servers
func serve(ctx context.Context, o serveOptions) (err error) {
	p, found := project.Load(o.dir, o.env)
	found = append(found, p.Resolve(o.env)...)
	if err := configError(found); err != nil {
		return err
	}
	listeners := o.opened
	if listeners == nil {
		if listeners, err = openListeners(p, o); err != nil {
			return err
		}
	}
	defer listeners.close()
	storeDir := p.Config.DataDir
	if o.storeDir != "" {
		storeDir = o.storeDir
	}
	store, err := openStore(storeDir, o.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if listeners.control, err = openSocket(p.Config.DataDir); err != nil {
		return err
	}
	scratch, err := emptyScratch(storeDir)
	if err != nil {
		return err
	}
	d := &running{dir: o.dir, env: o.env, store: store, scratch: scratch, log: o.log, project: p}
	if err := d.assemble(ctx, found); err != nil {
		return err
	}
	return d.run(ctx, listeners, o)
}

// openStore opens the store in a folder that is its owner's alone.
func openStore(dir string, log *slog.Logger) (*storage.Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if err := endReplacement(dir); err != nil {
		return nil, err
	}
	return storage.Open(storePath(dir), storage.Options{Log: log})
}

func storePath(dataDir string) string { return filepath.Join(dataDir, "store") }

// emptyScratch gives the folder for what is void when a daemon ends: the
// transactions that databases have in progress. The store's lock has told that no other daemon
// uses it.
func emptyScratch(dir string) (string, error) {
	scratch := filepath.Join(dir, "scratch")
	if err := os.RemoveAll(scratch); err != nil {
		return "", fmt.Errorf("remove what an earlier daemon left: %w", err)
	}
	return scratch, nil
}

func openSocket(dataDir string) (net.Listener, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	return listenControl(filepath.Join(dataDir, socketName))
}

// running is a daemon with all its parts.
type running struct {
	dir     string
	env     project.Env
	store   *storage.Store
	scratch string // a folder for what is void when the daemon ends
	log     *slog.Logger
	project *project.Project // as it was at the start
	sources []engine.Source
	engine  *engine.Engine
	server  *server.Server
	control controls
}

// assemble makes the parts of a daemon. Faults of single files are logged and kept
// for the status; what they do not concern goes on.
func (d *running) assemble(ctx context.Context, found []yamlfile.Diagnostic) error {
	hashKey, err := storedKey(d.store, hashKeyName)
	if err != nil {
		return err
	}
	d.sources = sourcesOf(d.project, found, d.scratch, hashKey, d.log)
	folder, err := d.readViews(ctx, d.project, found)
	if err != nil {
		return err
	}
	logFindings(d.log, folder.found)
	commits := newCommitFigures()
	d.engine, err = engine.New(engine.Options{
		Store: d.store, Sources: d.sources, Definitions: folder.Definitions, Log: d.log, Observe: commits.observe,
	})
	if err != nil {
		return err
	}
	key, err := storedKey(d.store, cursorKeyName)
	if err != nil {
		return err
	}
	limits := d.project.Config.Limits
	service := query.New(query.Options{
		Backend: &backend{engine: d.engine}, CursorKey: key, Limits: requestLimits(limits), Timeout: limits.QueryTimeout, Log: d.log,
	})
	d.server, err = server.New(server.Options{
		Query: service, Status: func() any { return d.status() }, Ready: d.ready, MaxBody: limits.MaxBody, Log: d.log,
	})
	if err != nil {
		return err
	}
	mismatches := newMismatches(d.server.Registry())
	registerFigures(d.server.Registry(), d.engine, d.store, commits)
	d.control = controls{
		status:  func() any { return d.status() },
		graphql: d.server.Handler(),
		resync: func(ctx context.Context, source, table string) error {
			if table == "" {
				return d.engine.Resync(ctx, source)
			}
			return d.engine.ResyncTable(source, table)
		},
		failing: d.engine.Failing,
		rebuild: d.engine.Rebuild,
		backup:  newBackups(d.store, d.sources, d.scratch, d.log).make,
		reload:  d.reload,
		verify: func(ctx context.Context, r verifyRequest) (any, error) {
			report, err := d.engine.Verify(ctx, r.options())
			mismatches.count(report)
			if err == nil {
				err = d.store.Damage() // that was met, if only beside what is compared
			}
			return report, err
		},
	}
	return nil
}

// readViews checks the views of a folder against the columns that the store holds.
func (d *running) readViews(ctx context.Context, p *project.Project, found []yamlfile.Diagnostic) (folderViews, error) {
	schemas, err := schemasFor(ctx, p, d.sources, d.store, d.log)
	if err != nil {
		return folderViews{}, err
	}
	for source, file := range p.Files {
		for _, change := range drift(file, ofSource(schemas, source)) {
			d.log.Warn(change.table+": "+change.what, "source", source, "hint", "odsd check --live --write brings schema/"+source+".yaml up to date")
		}
	}
	stored, err := engine.StoredDefinitions(d.store)
	if err != nil {
		return folderViews{}, err
	}
	return viewsOfFolder(p, found, schemas, stored), nil
}

// run serves until ctx ends. The engine outlives the listeners, so that the last
// requests are answered, those too that wait for what is still to be applied.
func (d *running) run(ctx context.Context, l *listeners, o serveOptions) error {
	group, ctx := errgroup.WithContext(ctx)
	applying, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var serving sync.WaitGroup
	serve := func(until func() error) {
		serving.Add(1)
		group.Go(func() error {
			defer serving.Done()
			return until()
		})
	}
	serve(func() error { return server.Serve(ctx, l.public, d.server.Handler(), graceful, o.log) })
	serve(func() error { return server.Serve(ctx, l.admin, d.server.AdminHandler(), graceful, o.log) })
	serve(func() error { return serveControl(ctx, l.control, d.control.handler()) })
	group.Go(func() error { return d.engine.Run(applying) })
	behind := &freshness{expected: d.expected, log: o.log, told: map[string]slog.Level{}}
	group.Go(func() error { return behind.watch(ctx, d.engine.Status) })
	group.Go(func() error {
		serving.Wait()
		stop()
		return nil
	})
	group.Go(func() error {
		logProgress(ctx, d.engine.Status, o.log)
		return nil
	})
	group.Go(func() error {
		if err := o.listening(d.addresses(l)); err != nil || o.ready == nil || !d.untilReady(ctx) {
			return err
		}
		return o.ready()
	})
	return group.Wait()
}

// askReady is how often the engine is asked whether it is ready.
const askReady = 100 * time.Millisecond

// untilReady waits until the daemon is ready; false where it ends before.
func (d *running) untilReady(ctx context.Context) bool {
	ticker := time.NewTicker(askReady)
	defer ticker.Stop()
	for !d.engine.Status().Ready {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// expected is how fresh a source's file says that it is to be.
func (d *running) expected(source string) project.Freshness {
	if s := d.project.Source(source); s != nil {
		return s.Freshness
	}
	return project.Freshness{}
}

func (d *running) addresses(l *listeners) addresses {
	a := addresses{
		GraphQL: "http://" + l.public.Addr().String() + "/graphql",
		Admin:   "http://" + l.admin.Addr().String(),
		Sources: map[string]string{},
	}
	for _, s := range d.project.Sources {
		a.Sources[s.Name] = s.DSN
	}
	return a
}

// sourcesOf makes the sources; one whose file has errors is replaced by its fault.
func sourcesOf(p *project.Project, found []yamlfile.Diagnostic, scratch string, hashKey []byte, log *slog.Logger) []engine.Source {
	var sources []engine.Source
	for _, s := range p.Sources {
		at := slices.IndexFunc(found, func(d yamlfile.Diagnostic) bool {
			return d.File == s.File() && d.Severity == yamlfile.Error && d.Code != yamlfile.CodeCapture
		})
		if at >= 0 {
			d := found[at]
			sources = append(sources, &brokenSource{name: s.Name, why: engine.Halt{
				Code: "CONFIG", Message: d.Error(), Hint: "mend the file and start odsd again",
			}})
			continue
		}
		config := captureOf(s, log)
		config.Scratch = filepath.Join(scratch, s.Name)
		config.HashKey = hashKey
		sources = append(sources, postgres.New(config))
	}
	return sources
}

// withoutMissingSchemas leaves out what is missing in schema files: the daemon asks the
// databases themselves.
func withoutMissingSchemas(found []yamlfile.Diagnostic) []yamlfile.Diagnostic {
	return slices.DeleteFunc(found, func(d yamlfile.Diagnostic) bool { return d.Code == yamlfile.CodeCapture })
}

func viewsOf(plans []*views.Plan) []*views.View {
	list := make([]*views.View, len(plans))
	for i, p := range plans {
		list[i] = p.View
	}
	return list
}

// brokenViews gives the reason for each view that is defined and not among the plans.
func brokenViews(p *project.Project, plans []*views.Plan, found []yamlfile.Diagnostic) map[string]error {
	broken := map[string]error{}
	for _, definition := range p.Definitions {
		name := definition.Name.Value
		if slices.ContainsFunc(plans, func(p *views.Plan) bool { return p.View.File == definition.File }) {
			continue
		}
		if name == "" {
			name = definition.File
		}
		broken[name] = fmt.Errorf("%s has errors", definition.File)
		for _, d := range found {
			if d.File == definition.File && d.Severity == yamlfile.Error {
				broken[name] = d
				break
			}
		}
	}
	return broken
}

func logFindings(log *slog.Logger, found []yamlfile.Diagnostic) {
	for _, d := range found {
		level := slog.LevelWarn
		if d.Severity == yamlfile.Error {
			level = slog.LevelError
		}
		log.Log(context.Background(), level, d.Message, "code", d.Code, "place", fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Col), "hint", d.Hint)
	}
}

// The names under which the store keeps its keys: the one that seals cursors,
// which lives as long as the rows that they point into, and the one of
// `mask: hash`, which is the same for all sources, so that what is equal can be
// joined.
const (
	cursorKeyName = "cursor_key"
	hashKeyName   = "hash_key"
)

// storedKey gives a key of the store's own, made when it is first asked for.
func storedKey(store *storage.Store, name string) ([]byte, error) {
	commit := store.Begin()
	defer commit.Abandon()
	var key []byte
	found, err := storage.GetMeta(commit, name, &key)
	if err != nil || found {
		return key, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := storage.SetMeta(commit, name, key); err != nil {
		return nil, err
	}
	return key, commit.Apply()
}
