// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package app provides the process: what lives as long as it does, in the order in which it starts and stops.
//
// It is the only package that knows fx. What a reload replaces is not here: assemble makes it, reload puts it
// in force (decision 6).
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/dragoman-gateway/dragoman/gateway/admin/api"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/systemd"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/metrics"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// startTimeout bounds the start: loading thousands of files takes a while, a backend that does not answer
// reflection has bounds of its own.
const startTimeout = 5 * time.Minute

// Options are what a process is started with.
type Options struct {
	// Config is the configuration.
	Config *config.Config
	// Log is the gateway's own log.
	Log *slog.Logger
	// Reread reads the configuration anew, for a reload: the error is a *config.Problems where it is wrong. nil: it is never read again.
	Reread func() (*config.Config, error)
	// AccessLog is where lines of calls go; nil writes none. AccessFormat is "json" or "text".
	AccessLog    io.Writer
	AccessFormat string
	// Version is that of the program.
	Version string
	// Level is the level of Log, which the admin API and reloads change; nil where it is fixed. Logs keeps the last lines of Log; nil keeps none.
	Level *slog.LevelVar
	Logs  *api.LogTail
	// Sockets are open already, for the listeners whose names they have; the others open their own.
	Sockets []systemd.Socket
	// OnConfig is told of each configuration that comes into force after the first; nil tells nobody.
	OnConfig func(*config.Config)
	// OnReload is told of every reload after the first load; nil tells nobody.
	OnReload func(reload.Event)
}

// App is the process. Its methods are called from one goroutine, but for Failed.
type App struct {
	fx    *fx.App
	parts *parts
}

// New wires the process; nothing is opened before Start.
func New(o Options) *App {
	own := newLogs(o.Log.Handler())
	o.Log = slog.New(own)
	a := &App{parts: &parts{options: o, failed: make(chan error, 1), logs: own}}
	a.fx = fx.New(
		modules(a.parts),
		fx.Invoke(func(*entrance) {}),
		fx.StartTimeout(startTimeout),
		fx.StopTimeout(a.parts.stopTimeout()),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: o.Log}
			l.UseLogLevel(slog.LevelDebug)
			l.UseErrorLevel(slog.LevelDebug) // Start and Stop return what went wrong; saying it twice helps nobody
			return l
		}),
	)
	return a
}

// Start opens everything, loads the schemas, and returns when calls are served. The error is a *schema.LoadError where
// schemas or routes are at fault.
func (a *App) Start(ctx context.Context) (*Started, error) {
	if err := a.fx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := a.fx.Start(ctx); err != nil {
		return nil, rootCause(err)
	}
	return &a.parts.started, nil
}

// rootCause takes the words of fx off an error of ours.
func rootCause(err error) error {
	if e, ok := errors.AsType[*schema.LoadError](err); ok {
		return e
	}
	return err
}

// Stop makes the gateway unready, drains it and closes everything. When ctx ends, or the drain time is over, what is left is
// cut off, and the error says so: it is then, or wraps, context.DeadlineExceeded or context.Canceled.
func (a *App) Stop(ctx context.Context) error { return a.fx.Stop(ctx) }

// Failed yields the error with which a part ended that should not have.
func (a *App) Failed() <-chan error { return a.parts.failed }

// Graph returns the wiring in the language of Graphviz.
func Graph() (string, error) {
	p := &parts{options: Options{Config: &config.Config{}, Log: slog.New(slog.DiscardHandler)}, logs: newLogs(slog.DiscardHandler)}
	var graph fx.DotGraph
	err := fx.New(modules(p), fx.Invoke(func(*entrance) {}), fx.Populate(&graph), fx.NopLogger).Err()
	return string(graph), err
}

// Started tells what the process serves.
type Started struct {
	// Load is the first load.
	Load reload.Event
	// Listeners are the addresses on which calls are served.
	Listeners []Listener
	// Admin is the address of the admin listener.
	Admin net.Addr
	// InFlight tells how many calls are under way.
	InFlight func() int64
	// StopTime is how long Stop takes at most, by the configuration in force.
	StopTime func() time.Duration
	// Config returns the configuration in force.
	Config func() *config.Config
	// Reload asks for the configuration and all schemas to be read anew, and does not wait.
	Reload func()
	// Backends tells how backends fare.
	Backends func() []assemble.BackendState
	// Reflects asks a backend whether it serves reflection; known is false where it has not answered that when the context ended.
	Reflects func(ctx context.Context, backend string) (serves, known bool)
	// Overviews tells what is known of the backends, for their operators.
	Overviews func() []backend.Overview
	// Feed gives the calls as they end, and History the last quarter of an hour.
	Feed    *telemetry.Feed
	History *telemetry.History
	// Metrics is what Prometheus is told; nil where no metrics are kept.
	Metrics *metrics.Metrics
	// Backend returns a backend by its name, whose endpoints can be drained and weighed; nil when there is none.
	Backend func(name string) *backend.Backend
	// Authorization tells how the rules of authorisation fare.
	Authorization func() []authz.State
	// BrokenAnswers tells how many answers broke rules of their schema.
	BrokenAnswers func() []validate.State
	// Cache returns where answers are stored, which can be purged; nil where none are.
	Cache func() *cache.Cache
}

// Listener is one address on which calls are served.
type Listener struct {
	Name      string
	Addr      net.Addr
	TLS       bool
	Protocols []string
}
