// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/attributes"
	grpcresolver "google.golang.org/grpc/resolver"
)

// Scheme is the scheme of the targets that a Builder serves.
const Scheme = "dragoman"

// The adapter's defaults.
const (
	// DefaultInterval is how often a Lookuper is asked. DNS must follow a change within 5 s: four
	// for the interval leave one for a slow answer and for reaching the picker.
	DefaultInterval = 4 * time.Second
	// DefaultMinInterval is the least time between two questions, however many connections break.
	DefaultMinInterval = time.Second
	// DefaultTimeout is how long one question may take.
	DefaultTimeout = 2 * time.Second
	// DefaultCoalesce is the least time between two changes that reach the picker.
	DefaultCoalesce = 100 * time.Millisecond
)

// maxPause bounds the pause before a Watcher that fails is called again.
const maxPause = 10 * time.Second

// Config says how a source is used. Only Source is required.
type Config struct {
	// Source is where the endpoints come from.
	Source Source
	// Interval is how often a Lookuper is asked; each time up to a tenth sooner. 0: DefaultInterval.
	Interval time.Duration
	// MinInterval is the least time between two questions, also when gRPC asks for one because a
	// connection broke, and the first pause after a failure. At most Interval. 0: DefaultMinInterval,
	// or Interval if that is less.
	MinInterval time.Duration
	// Timeout bounds one Lookup. 0: DefaultTimeout.
	Timeout time.Duration
	// Coalesce is how long changes are gathered after one was passed on. 0: DefaultCoalesce.
	Coalesce time.Duration
	// Attributes are attached to each state for the balancer. May be nil.
	Attributes *attributes.Attributes
	// Observe, when set, is told of every answer and failure, from one goroutine. It must not block.
	Observe func(Report)
	// Logger is told when a source begins to fail, and when it answers again. nil: nothing is logged.
	Logger *slog.Logger
}

// Report is how a source fares.
type Report struct {
	// At is when the source answered or failed.
	At time.Time
	// Endpoints is how many endpoints are in force.
	Endpoints int
	// Err is why the last answer could not be used; nil when it could. While it is set, the
	// endpoints in force are those of an earlier answer.
	Err error
}

// Builder is grpc-go's resolver.Builder for one source. Give it to grpc.WithResolvers of the one
// channel that it is for, whose target is [Builder.Target]; it need not be registered.
type Builder struct {
	cfg Config
}

// NewBuilder checks cfg and returns the builder.
func NewBuilder(cfg Config) (*Builder, error) {
	var errs []error
	if (cfg.Source.Lookup == nil) == (cfg.Source.Watch == nil) {
		errs = append(errs, errors.New("resolver: source must have one of lookup and watch"))
	}
	setDefault(&cfg.Interval, DefaultInterval)
	setDefault(&cfg.MinInterval, min(DefaultMinInterval, max(cfg.Interval, 1)))
	setDefault(&cfg.Timeout, DefaultTimeout)
	setDefault(&cfg.Coalesce, DefaultCoalesce)
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"interval", cfg.Interval}, {"min interval", cfg.MinInterval}, {"timeout", cfg.Timeout}, {"coalesce", cfg.Coalesce}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("resolver: %s is %v; it must be positive", d.name, d.value))
		}
	}
	if cfg.MinInterval > cfg.Interval {
		errs = append(errs, fmt.Errorf("resolver: min interval is %v; it must be at most interval, %v", cfg.MinInterval, cfg.Interval))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if cfg.Source.Authority == "" {
		cfg.Source.Authority = "localhost"
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Report) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Builder{cfg: cfg}, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Target returns the target of a channel that this builder resolves; name appears in gRPC's logs.
func (b *Builder) Target(name string) string { return Scheme + ":///" + name }

// Scheme implements grpc-go's resolver.Builder.
func (b *Builder) Scheme() string { return Scheme }

// OverrideAuthority implements grpc-go's resolver.AuthorityOverrider: the target names the source,
// not the server that calls are for.
func (b *Builder) OverrideAuthority(grpcresolver.Target) string { return b.cfg.Source.Authority }

// Build implements grpc-go's resolver.Builder. The resolver's Close returns when its goroutines
// have ended, which takes as long as the source takes to notice that its context is done.
func (b *Builder) Build(_ grpcresolver.Target, cc grpcresolver.ClientConn, _ grpcresolver.BuildOptions) (grpcresolver.Resolver, error) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &resolution{
		cfg:    b.cfg,
		cc:     cc,
		cancel: cancel,
		mail:   make(chan struct{}, 1),
		now:    make(chan struct{}, 1),
	}
	r.done.Go(func() { r.deliverAll(ctx) })
	if b.cfg.Source.Lookup != nil {
		r.done.Go(func() { r.ask(ctx) })
	} else {
		r.done.Go(func() { r.listen(ctx) })
	}
	return r, nil
}

// resolution is one source at work for one channel. One goroutine asks or listens, another
// delivers: so a slow source delays no delivery, and a slow channel no question.
type resolution struct {
	cfg    Config
	cc     grpcresolver.ClientConn
	cancel context.CancelFunc
	done   sync.WaitGroup
	mail   chan struct{} // a signal that letter has something
	now    chan struct{} // a signal that gRPC wants an answer soon

	mu     sync.Mutex
	letter letter // guarded by mu
}

// ResolveNow implements grpc-go's resolver.Resolver.
func (r *resolution) ResolveNow(grpcresolver.ResolveNowOptions) { signal(r.now) }

// Close implements grpc-go's resolver.Resolver.
func (r *resolution) Close() {
	r.cancel()
	r.done.Wait()
}

// signal makes sure that c has something in it.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
