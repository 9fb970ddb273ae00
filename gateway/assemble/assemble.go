// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package assemble provides the way from a configuration to a snapshot: the one place that knows every source,
// protocol and policy by name.
package assemble

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/websockets"
	"github.com/dragoman-gateway/dragoman/gateway/local"
	"github.com/dragoman-gateway/dragoman/gateway/switches"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/connect"
	"github.com/dragoman-gateway/dragoman/transcoder/grpcweb"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/native"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/websocket"
)

// Parts are what outlives snapshots and is put into each.
type Parts struct {
	// Pool keeps the backends.
	Pool *backend.Pool
	// Observers are told of every call.
	Observers []gateway.Observer
	// Keep keeps what outlives a configuration; nil where there is only one.
	Keep *Keep
	// Switches are what operators say of APIs while the gateway runs; nil for nothing.
	Switches *switches.Board
	// Log is the gateway's own log.
	Log *slog.Logger
	// Local are the services that the gateway itself answers; nil where none is to be, whatever the configuration says.
	Local *local.Services
	// Unopened are all backends of a configuration that was given without them, so that none is opened: their settings are checked
	// against the methods all the same. nil: the configuration has its backends.
	Unopened []backend.Config
	// Partial says that sources were left out of the configuration, for looking at the rest: a rule whose method is not there
	// may be for one of theirs.
	Partial bool
}

// Assembly makes snapshots of one configuration. Build and Close are called from one goroutine at a time.
type Assembly struct {
	config     *config.Config
	parts      Parts
	sources    []Source
	backends   map[string]*backend.Backend
	release    func()
	auth       *authentication
	limits     *ratelimit.Limiter
	limitStore limitStore // nil where limits are not shared
	authz      *authz.Authorizer
	cache      atomic.Pointer[cache.Cache] // nil where nothing is stored
	runners    []runner                    // what has work to do beside calls, and is not kept
	keep       *Keep                       // that of the parts, or one of its own
	kept       []*part                     // what the assembly has of it
	late       []*part                     // likewise, of what schemas asked for; of Build and Close alone
	places     *places                     // of what Build made last
	inForce    atomic.Pointer[places]      // of what is in force
	passed     []place                     // of the rules by which unknown methods are passed on
	// broken counts answers that break rules.
	broken *validate.Counts
	// webSockets counts those that are open.
	webSockets *websockets.Limit

	made      atomic.Pointer[policies]  // of what Build made last
	declared  *options                  // of what it was given last
	documents atomic.Pointer[documents] // of what is in force
}

// runner is a part with work to do beside calls. Run is called once and returns, when all is quiet, after ctx has ended.
type runner interface{ Run(ctx context.Context) }

// New checks what a configuration names and opens its backends; it does not wait for them. The error joins all problems.
func New(cfg *config.Config, parts Parts) (*Assembly, error) {
	a := &Assembly{config: cfg, parts: parts, keep: parts.Keep}
	if a.keep == nil {
		a.keep = NewKeep(nil) //nolint:staticcheck // Run has the context, if there is ever one
	}
	var err error
	if a.backends, a.release, err = parts.Pool.Acquire(cfg.Backends); err != nil {
		return nil, err
	}
	if a.sources, err = a.openSources(); err == nil {
		err = a.openAuth()
	}
	if err == nil {
		err = a.openLimits()
	}
	if err == nil {
		err = a.openAuthorization()
	}
	if err == nil {
		err = a.openValidation()
	}
	if err == nil && a.cachesByConfig() {
		err = a.openCache(&options{})
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// keep returns a part of the Keep, for as long as the assembly is open.
func keep[T any](a *Assembly, name string, cfg any, on []any, open func() (T, error)) (T, error) {
	v, p, err := acquire(a.keep, name, cfg, on, open)
	if err == nil {
		a.kept = append(a.kept, p)
	}
	return v, err
}

// channel returns the channel to a backend, for telling whether it is another one; nil where there is none.
func (a *Assembly) channel(name string) any {
	if b := a.backends[name]; b != nil {
		return b.Channel()
	}
	return nil
}

// Sources returns the sources of the configuration; what Build is given is theirs, in the same order.
func (a *Assembly) Sources() []Source { return a.sources }

// Close gives back what the assembly holds. Snapshots hold their own.
func (a *Assembly) Close() {
	a.keep.release(slices.Concat(a.kept, a.late))
	a.release()
}

// BackendState is how a backend fares.
type BackendState struct {
	Name      string
	Target    string // "" where the endpoints are listed
	TLS       bool
	Endpoints []balancer.State
	// Calls is how its calls fare: retries, hedges, refusals, the circuit.
	Calls backend.State
	// Mirrored counts the copies of calls that it was to have.
	Mirrored backend.MirrorStats
}

// Backends tells how the backends fare, by name. It is safe for concurrent use.
func (a *Assembly) Backends() []BackendState {
	var states []BackendState
	for i := range a.config.Backends {
		cfg := &a.config.Backends[i]
		states = append(states, BackendState{
			Name: cfg.Name, Target: cmp.Or(cfg.Target, a.backends[cfg.Name].Source()), TLS: cfg.TLS != nil,
			Endpoints: a.backends[cfg.Name].Channel().Endpoints(),
			Calls:     a.backends[cfg.Name].State(),
			Mirrored:  a.backends[cfg.Name].Mirrored(),
		})
	}
	return states
}

// Overviews tells what is known of the backends, for their operators, by name. It is safe for concurrent use.
func (a *Assembly) Overviews() []backend.Overview { return backend.Overviews(a.backends) }

// Backend returns a backend by its name; nil when there is none. It is safe for concurrent use.
func (a *Assembly) Backend(name string) *backend.Backend { return a.backends[name] }

// Build makes the snapshot of what the sources gave. The diagnostics say what is doubtful; the error, a *schema.LoadError, holds all
// that is wrong, and then nothing is made.
func (a *Assembly) Build(loads []Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
	mux, err := transcoder.NewMux(transcoder.Config{
		Schemas: schemasOf(loads), Expose: func(service, _ string) bool { return a.config.Schemas.Exposes(service) }, Local: a.local(), Passthrough: a.passthrough(),
	})
	if err != nil {
		return nil, nil, &schema.LoadError{Diagnostics: each(err)}
	}
	doubts, err := a.addRoutes(mux, loads)
	if err != nil {
		return nil, nil, err
	}
	declared, problems := a.readOptions(mux, loads)
	a.declared = declared
	if slices.ContainsFunc(problems, func(d schema.Diagnostic) bool { return d.Level == schema.Error }) {
		return nil, nil, &schema.LoadError{Diagnostics: sorted(problems)}
	}
	if err := a.openCache(declared); err != nil {
		return nil, nil, err
	}
	policies, err := a.policies(mux, declared)
	var configs rest.Configs
	if err == nil {
		configs, err = a.addProtocols(mux, policies)
	}
	if err != nil {
		return nil, nil, &schema.LoadError{Diagnostics: sorted(a.diagnosticsOf(err))}
	}
	if err := a.unreachable(mux, policies); err != nil {
		return nil, nil, err
	}
	cached, unused, err := a.newGeneration(mux, policies)
	if err != nil {
		return nil, nil, err
	}
	backends, release, err := a.parts.Pool.Acquire(a.config.Backends)
	if err != nil {
		return nil, nil, &schema.LoadError{Diagnostics: each(err)}
	}
	kept := slices.Concat(a.kept, a.late)
	a.keep.hold(kept)
	giveBack := release
	release = func() {
		a.keep.release(kept)
		giveBack()
	}
	keyers, err := a.keyers(mux)
	if err != nil {
		release()
		return nil, nil, &schema.LoadError{Diagnostics: sorted(a.diagnosticsOf(err))}
	}
	routes, missing, err := a.routes(mux, policies, a.newTraffic(backends, keyers, policies, cached, loads))
	if err != nil {
		release()
		return nil, nil, err
	}
	s, err := gateway.NewSnapshot(mux, routes, func() {
		if cached != nil {
			cached.Close() // before its backends are gone
		}
		release()
	})
	if err != nil {
		release()
		return nil, nil, &schema.LoadError{Diagnostics: each(err)}
	}
	a.made.Store(policies)
	s.Observers, s.CORS = a.parts.Observers, policies.cors[policies.defaults.CORS]
	s.HideReason, s.DebugToken = a.config.Observability.HideReason, a.config.Observability.DebugToken
	s.TellNearest = a.config.Observability.TellNearest
	s.Announce = policies.ways[policies.defaults].Announce
	own, served := a.places, &documents{assembly: a, mux: mux, policies: policies, configs: configs}
	s.InForce = func() {
		a.inForce.Store(own)
		a.documents.Store(served)
		a.place(backends)
		a.authz.InForce(policies.permits)
		a.keep.run(kept) // what schemas asked for; the rest has begun
		if cached != nil {
			cached.InForce()
		}
	}
	a.documents.CompareAndSwap(nil, served) // of the first, which nobody may ever put in force: it is only looked at
	hidden, err := a.addDocs(s, served)
	if err != nil {
		s.Release()
		return nil, nil, &schema.LoadError{Diagnostics: each(err)}
	}
	return s, slices.Concat(doubts, problems, missing, a.overridden(mux), a.unusedLimits(mux), a.unusedRules(mux), a.unchecked(mux), hidden, unused, a.lostSwitches()), nil
}

// diagnosticsOf makes diagnostics of an error that may join several, with their places where they are known.
func (a *Assembly) diagnosticsOf(err error) []schema.Diagnostic {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []schema.Diagnostic
		for _, e := range joined.Unwrap() {
			all = append(all, a.diagnosticsOf(e)...)
		}
		return all
	}
	if d, ok := a.placed(err); ok {
		return []schema.Diagnostic{d}
	}
	return each(err)
}

func sorted(diagnostics []schema.Diagnostic) []schema.Diagnostic {
	schema.Sort(diagnostics)
	return diagnostics
}

// each makes diagnostics of an error that may join several.
func each(err error) []schema.Diagnostic {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { // only what errors.Join itself made
		var all []schema.Diagnostic
		for _, e := range joined.Unwrap() {
			all = append(all, each(e)...)
		}
		return all
	}
	return []schema.Diagnostic{{Message: err.Error()}}
}

// addRoutes makes the route table of the methods of a Mux.
func (a *Assembly) addRoutes(mux *transcoder.Mux, loads []Loaded) ([]schema.Diagnostic, error) {
	var (
		schemas     = schemasOf(loads)
		rules       = &ruleSet{}
		diagnostics []schema.Diagnostic
		cfg         = a.ruleConfig()
	)
	for _, l := range loads {
		rules.files = append(rules.files, l.Rules.List()...)
	}
	methods := candidates(mux, schemas, len(rules.files) > 0 || a.hasOwnRules())
	rules.own, diagnostics = a.ownRules(methods)
	bindings, problems := a.bind(methods, rules, cfg)
	table, more := httprule.NewTable(found(mux, bindings), cfg)
	if both := shadowed(mux); len(both) > 0 {
		again, _ := a.bind(both, rules, cfg) // what is wrong with their rules was told
		bindings = append(bindings, again...)
	}
	places := &places{schemas: schemas, config: a.config, rules: rules}
	for _, d := range places.diagnostics(append(problems, more...)) {
		if d.Code == string(httprule.CodeSelectorUnused) {
			d = a.missing(d)
		}
		diagnostics = append(diagnostics, d)
	}
	schema.Sort(diagnostics)
	if table == nil || slices.ContainsFunc(diagnostics, func(d schema.Diagnostic) bool { return d.Level == schema.Error }) {
		return nil, &schema.LoadError{Diagnostics: diagnostics}
	}
	mux.SetRoutes(table)
	if problems := setRoutes(mux, bindings, cfg); len(problems) > 0 {
		return nil, &schema.LoadError{Diagnostics: sorted(places.diagnostics(problems))}
	}
	a.places = places
	a.inForce.CompareAndSwap(nil, places) // of the first, which nobody may ever put in force: it is only looked at
	for _, s := range schemas {
		diagnostics = append(diagnostics, s.Unserved()...)
	}
	return diagnostics, nil
}

// Declared returns where the rule of a binding is written that is in the snapshot in force, or in the first that Build made where none ever was. It is
// safe for concurrent use.
func (a *Assembly) Declared(b *httprule.Binding) schema.Position { return a.inForce.Load().declared(b) }

// Config is the configuration that the assembly is of.
func (a *Assembly) Config() *config.Config { return a.config }

func (a *Assembly) ruleConfig() httprule.Config {
	cfg := httprule.Config{
		DefaultBinding:     func(protoreflect.ServiceDescriptor) bool { return true },
		DisableDerivedHead: a.config.Routes.DisableDerivedHead,
		MaxPathBytes:       a.config.Routes.MaxPath,
		RejectDotSegments:  a.config.Routes.RejectDotSegments,
	}
	switch a.config.Routes.Unescape {
	case config.UnescapeKeepReserved:
		cfg.Unescape = httprule.UnescapeExceptReserved
	case config.UnescapeAll:
		cfg.Unescape = httprule.UnescapeAll
	case config.UnescapeKeepSlash:
	}
	cfg.Grammar.LiteralTail = a.config.Schemas.LiteralTail
	if a.config.Schemas.OnConflict == config.ConflictFirstWins {
		cfg.OnConflict = httprule.ConflictFirstWins
	}
	if a.config.Schemas.MergeRules == config.MergeAdd {
		cfg.Merge = httprule.MergeAdd
	}
	switch a.config.Routes.TrailingSlash {
	case config.SlashIgnore:
		cfg.TrailingSlash = httprule.TrailingSlashIgnore
	case config.SlashRedirect:
		cfg.TrailingSlash = httprule.TrailingSlashRedirect
	case config.SlashStrict:
	}
	return cfg
}

// addProtocols gives a Mux what it speaks. REST comes last: it takes what no other protocol accepts.
// It returns how REST serves methods.
func (a *Assembly) addProtocols(mux *transcoder.Mux, policies *policies) (rest.Configs, error) {
	cfg := a.rpcConfig(policies)
	n, err := native.New(cfg)
	if err != nil {
		return rest.Configs{}, err
	}
	w, err := grpcweb.New(cfg)
	if err != nil {
		return rest.Configs{}, err
	}
	own := connect.Config{Config: cfg, RequireVersion: a.config.RPC.RequireConnectVersion, Cache: connectCache(policies)}
	if !own.RequireVersion {
		own.Bare = connect.Unrouted(mux)
	}
	c, err := connect.New(own)
	if err != nil {
		return rest.Configs{}, err
	}
	configs, err := a.restConfigs(mux, policies)
	if err != nil {
		return rest.Configs{}, err
	}
	r, err := rest.New(configs, mux)
	if err != nil {
		return rest.Configs{}, err
	}
	ws, err := websocket.New(func(m *transcoder.Method) *websocket.Config {
		own := configs.Of(m)
		return &websocket.Config{Bind: own.Bind, Encode: own.Encode, BindEvery: own.Streams.BindEvery}
	})
	if err != nil {
		return rest.Configs{}, err
	}
	mux.SetProtocols(n, w, c, ws, r)
	return configs, nil
}

// routes gives every method its chain and its backend. Methods without a backend are served with UNAVAILABLE, and told. The error is a
// *schema.LoadError.
func (a *Assembly) routes(mux *transcoder.Mux, policies *policies, traffic *traffic) ([]gateway.Route, []schema.Diagnostic, error) {
	routes := make([]gateway.Route, mux.Len())
	var (
		without, open []string // services, in their order
		errs          []error
	)
	for i, m := range mux.Passed() {
		routes[m.ID] = policies.route(m)
		if len(policies.of(m).Auth) == 0 {
			open = append(open, m.Rule)
		}
		to := a.config.TrafficAt(a.passed[i].service, a.passed[i].method)
		b, err := traffic.of(m, &to)
		errs = append(errs, err)
		routes[m.ID].Backend = b
	}
	for _, m := range mux.Methods() {
		route := &routes[m.ID]
		*route = policies.route(m)
		if m.Local {
			route.Backend = a.parts.Local
			continue
		}
		if len(policies.of(m).Auth) == 0 && (len(open) == 0 || open[len(open)-1] != m.Service) {
			open = append(open, m.Service)
		}
		if to, isOff, ok := a.Traffic(m.Service, m.Name); isOff {
			route.Backend = a.offBy(m)
		} else if ok {
			b, err := traffic.of(m, &to)
			errs = append(errs, err)
			route.Backend = b
		} else if len(without) == 0 || without[len(without)-1] != m.Service {
			without = append(without, m.Service)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, &schema.LoadError{Diagnostics: each(err)}
	}
	if len(traffic.wrong) > 0 {
		return nil, nil, &schema.LoadError{Diagnostics: sorted(traffic.wrong)}
	}
	diagnostics := a.open(open)
	if len(without) == 0 || len(a.config.Services) == 0 {
		return routes, diagnostics, nil // without any entry, nobody expects calls to go anywhere
	}
	return routes, append(diagnostics, schema.Diagnostic{
		Level: schema.Warning, Code: "DG2001", Message: "no backend serves " + someOf(without) + "; their methods answer UNAVAILABLE",
		Help: []string{"add an entry to services whose match covers them, or hide them with schemas.hide"},
	}), nil
}
