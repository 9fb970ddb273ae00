// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"runtime"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/admin/api"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/capture"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/metrics"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/otlp"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
)

// watchers are what is told of every call, and of what else happens. They live as long as the process, so that a reload forgets nothing.
type watchers struct {
	feed    *telemetry.Feed
	history *telemetry.History
	metrics *metrics.Metrics     // nil where none are wanted
	capture *capture.Capture     // nil where the configuration does not permit it
	access  *telemetry.AccessLog // nil where none is wanted

	exporter *otlp.Exporter
	tracing  *gateway.Tracing // nil where no traces are kept
	sampling *telemetry.Sampling
	redact   *telemetry.Redacted
	headers  []string

	servers atomic.Pointer[[]*transport.Server] // nil before they are open
}

func newTelemetry(lc fx.Lifecycle, p *parts) (*watchers, error) {
	w, err := newWatchers(p)
	if err != nil {
		return nil, err
	}
	p.started.Feed, p.started.History, p.started.Metrics = w.feed, w.history, w.metrics
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return w.start(ctx, p) },
		OnStop: func(context.Context) error {
			if w.access != nil {
				w.access.Close()
			}
			return w.exporter.Close() //nolint:contextcheck // it has a time of its own
		},
	})
	return w, nil
}

func newWatchers(p *parts) (*watchers, error) {
	o := &p.options.Config.Observability
	recent, kept := telemetry.DefaultRecent, (*capture.Capture)(nil)
	if own := p.options.Config.Admin.Capture; own != nil {
		var err error
		if kept, err = capture.New(own.Config(append(credentials(p.options.Config), o.AccessLog.Redact...))); err != nil {
			return nil, err
		}
		recent = max(recent, own.Requests)
	}
	feed, err := telemetry.NewFeed(recent)
	if err != nil {
		return nil, err
	}
	w := &watchers{
		capture: kept, feed: feed, history: telemetry.NewHistory(), redact: telemetry.NewRedacted(append(credentials(p.options.Config), o.AccessLog.Redact...)), headers: o.AccessLog.Headers,
	}
	if w.sampling, err = telemetry.NewSampling(o.AccessLog.SamplePercent, o.AccessLog.AlwaysOver); err != nil {
		return nil, err
	}
	if !o.Metrics.Off {
		w.metrics = metrics.New(metrics.Config{
			Build: metrics.Build{Version: p.options.Version, Go: runtime.Version()}, State: func() metrics.State { return w.state(p) },
		})
	}
	return w, nil
}

// credentials returns the fields in which clients send what proves who they are, beside those that everybody knows.
func credentials(cfg *config.Config) []string {
	var fields []string
	for i := range cfg.Auth.Providers {
		switch p := &cfg.Auth.Providers[i]; {
		case p.JWT != nil:
			fields = append(fields, p.JWT.Carrier.Header)
		case p.APIKey != nil:
			fields = append(fields, p.APIKey.Header)
		case p.Introspection != nil:
			fields = append(fields, p.Introspection.Carrier.Header)
		}
	}
	return fields
}

// start opens what has goroutines of its own.
func (w *watchers) start(ctx context.Context, p *parts) error {
	o := &p.options.Config.Observability
	cfg := otlp.Config{
		Version: p.options.Version, Traces: o.Tracing.Endpoint, Metrics: o.Metrics.Endpoint, Logs: o.Log.Endpoint,
		Headers: o.OTLP.Headers, CA: o.OTLP.CA, Gzip: o.OTLP.Gzip, Timeout: o.OTLP.Timeout, Interval: o.Metrics.Interval,
		Calls: o.AccessLog.OTLP, Sampling: w.sampling, Redact: w.redact, Log: p.options.Log,
	}
	if w.metrics != nil {
		cfg.Gatherer = w.metrics.Gatherer()
	}
	var err error
	if w.exporter, err = otlp.New(ctx, cfg); err != nil {
		return err
	}
	p.logs.to(w.exporter.Handler)
	if w.exporter.Tracing() {
		percent, ignoreParent, err := otlp.Sampling(o.Tracing.SamplePercent, o.Tracing.IgnoreParent, os.Getenv)
		if err == nil {
			w.tracing, err = gateway.NewTracing(gateway.TracingConfig{Percent: percent, IgnoreParent: ignoreParent})
		}
		if err != nil {
			return errors.Join(err, w.exporter.Close()) //nolint:contextcheck // it has a time of its own
		}
	}
	if p.options.AccessLog != nil {
		format := telemetry.JSON
		if p.options.AccessFormat == "text" {
			format = telemetry.Text
		}
		w.access = telemetry.NewAccessLog(p.options.AccessLog, telemetry.AccessLogConfig{Format: format, Redact: w.redact, Sampling: w.sampling})
	}
	return nil
}

// apply puts the share of traces in force that a configuration says. Where things are sent stays as it was when the process began.
func (w *watchers) apply(cfg *config.Config, g *gateway.Gateway) {
	if !w.exporter.Tracing() {
		return
	}
	from := &cfg.Observability.Tracing
	percent, ignoreParent, err := otlp.Sampling(from.SamplePercent, from.IgnoreParent, os.Getenv)
	if err != nil {
		return // the environment was right when the process began
	}
	if t, err := gateway.NewTracing(gateway.TracingConfig{Percent: percent, IgnoreParent: ignoreParent}); err == nil {
		g.SetTracing(t)
	}
}

// observers returns who is told of calls, once all have started.
func (w *watchers) observers() []gateway.Observer {
	sinks := []telemetry.Sink{w.feed, w.history}
	if w.metrics != nil {
		sinks = append(sinks, w.metrics)
	}
	if w.access != nil {
		sinks = append(sinks, w.access)
	}
	sinks = append(sinks, w.exporter.Sinks()...)
	observers := []gateway.Observer{telemetry.NewRecorder(sinks...).WithHeaders(w.headers)}
	if w.capture != nil {
		observers = append([]gateway.Observer{w.capture}, observers...) // before the call is told to those who then ask for it
	}
	return observers
}

// loaded is told of a load of schemas, the first one or a later one, and drops what is counted of methods that are gone.
func (w *watchers) loaded(e *reload.Event) {
	if w.metrics == nil {
		return
	}
	switch e.Trigger {
	case reload.ConfigFile, reload.Signal, reload.Admin:
		if !e.DryRun {
			w.metrics.ConfigReloaded(e.Err)
		}
	case reload.Start, reload.Schemas, reload.Switch:
	}
	if e.DryRun {
		return
	}
	w.metrics.SchemasLoaded(e.Sources, e.Since, e.Err)
	if e.Err == nil && e.Snapshot != nil {
		mux, passed := e.Snapshot.Mux, map[string]bool{}
		for _, m := range mux.Passed() {
			passed[m.Rule] = true
		}
		w.metrics.Retain(func(service, method string) bool {
			return method == "" && passed[service] || mux.Method("/"+service+"/"+method) != nil
		})
	}
}

// connections tells how many connections of clients are open, by what they speak.
func (w *watchers) connections() map[string]int64 {
	all := map[string]int64{}
	if servers := w.servers.Load(); servers != nil {
		for _, server := range *servers {
			for protocol, open := range server.Connections() {
				all[protocol] += open
			}
		}
	}
	return all
}

// path returns where metrics are scraped.
func (w *watchers) path(p *parts) string {
	return cmp.Or(p.options.Config.Observability.Metrics.Path, metrics.DefaultPath)
}

// state tells how the gateway fares. It is asked when all that it asks has started.
func (w *watchers) state(p *parts) metrics.State {
	s := metrics.State{InFlight: p.started.InFlight(), Dropped: map[string]uint64{}}
	if w.access != nil {
		s.Dropped["access_log"] = uint64(w.access.Dropped()) //nolint:gosec // never negative
	}
	s.Dropped["spans"] = w.exporter.Dropped()
	s.Dropped["otlp"] = uint64(w.exporter.Failed()) //nolint:gosec // never negative
	for _, r := range p.started.Authorization() {
		s.Rules = append(s.Rules, metrics.Rule{Name: r.Rule, DryRun: r.DryRun, Refused: r.Refused, Unknown: r.Unknown})
	}
	for _, b := range p.started.BrokenAnswers() {
		s.Broken = append(s.Broken, metrics.Broken{Service: b.Service, Method: b.Method, Answers: b.Broken})
	}
	if c := p.started.Cache(); c != nil {
		stats := c.Stats()
		s.Cache = &metrics.Cache{Entries: stats.Entries, Bytes: stats.Bytes, Evicted: stats.Evicted, Purged: stats.Purged}
	}
	calls := map[string]backend.State{}
	for _, b := range p.started.Backends() {
		calls[b.Name] = b.Calls
	}
	for _, o := range p.started.Overviews() {
		of := calls[o.Name]
		b := metrics.Backend{
			Name: o.Name, Retries: of.Retries, OverBudget: of.OverBudget, Hedges: of.Hedges, Refused: of.Refused, Shut: of.Shut,
			Open: of.Breaker.Circuit == backend.CircuitOpen,
		}
		for _, e := range o.Endpoints {
			b.Endpoints = append(b.Endpoints, metrics.Endpoint{Address: e.Address, State: e.State, InFlight: e.InFlight})
		}
		s.Backends = append(s.Backends, b)
	}
	servers := w.servers.Load()
	if servers == nil {
		return s
	}
	for _, server := range *servers {
		name := server.Config().Name
		for protocol, open := range server.Connections() {
			s.Connections = append(s.Connections, metrics.Connections{Listener: name, Protocol: protocol, Open: open})
		}
		s.Certificates = append(s.Certificates, certificatesOf(server)...)
	}
	return s
}

// certificatesOf tells of the certificates of a listener.
func certificatesOf(server *transport.Server) []metrics.Certificate {
	var all []metrics.Certificate
	counts := map[string]acme.Counts{}
	if j := server.Journal(); j != nil {
		counts = j.Counts()
	}
	for _, shown := range server.Certificates() {
		c := metrics.Certificate{Listener: server.Config().Name, Name: shown.Domain, ACME: shown.Domain != ""}
		if shown.Leaf != nil {
			c.NotAfter = shown.Leaf.NotAfter
		}
		if !c.ACME {
			c.Name = nameOf(shown.Leaf)
		}
		c.Issued, c.Failed = counts[shown.Domain].Issued, counts[shown.Domain].Failed
		all = append(all, c)
	}
	return all
}

// nameOf is what a certificate is for, in one word.
func nameOf(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	default:
		return c.Subject.CommonName
	}
}

// certificates are those of the listeners that are open, for the admin API.
func (w *watchers) certificates() []api.ListenerCertificates {
	servers := w.servers.Load()
	if servers == nil {
		return nil
	}
	var all []api.ListenerCertificates
	for _, server := range *servers {
		if j := server.Journal(); j != nil {
			all = append(all, api.ListenerCertificates{
				Listener: server.Config().Name, Shown: server.Certificates(), Events: j.Events(), Counts: j.Counts(), CA: server.Authority(),
			})
		}
	}
	return all
}
