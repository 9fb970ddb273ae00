// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package metrics provides what Prometheus is told: counts of calls, with bounded labels, and how backends, sockets and reloads fare.
//
// What concerns calls is counted when they are over, from their records, without allocation. What concerns the rest is asked for when
// somebody scrapes.
package metrics

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// DefaultPath is where the metrics are unless the configuration says otherwise.
const DefaultPath = "/metrics"

// Config is what metrics are made of.
type Config struct {
	// Build describes the program.
	Build Build
	// State is asked at each scrape; nil has nothing to tell beside calls.
	State func() State
}

// Build describes the program.
type Build struct {
	Version, Revision, Go string
}

// Metrics counts. It is a telemetry.Sink, and safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	calls    *calls

	reloads       *prometheus.CounterVec
	lastReload    prometheus.Gauge
	schemaLoads   *prometheus.CounterVec
	schemasLoaded atomic.Int64 // nanoseconds since 1970; 0 before the first
}

var _ telemetry.Sink = (*Metrics)(nil)

// New returns metrics in a registry of their own.
func New(cfg Config) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		calls:       newCalls(),
		reloads:     counter("config_reloads_total", "Reloads of the configuration, by how they ended: ok or refused.", "result"),
		lastReload:  prometheus.NewGauge(prometheus.GaugeOpts{Name: name("config_last_reload_success"), Help: "1 when the last reload of the configuration took effect, 0 when it was refused."}),
		schemaLoads: counter("schema_loads_total", "Loads of schemas, by source and how they ended: ok or refused.", "source", "result"),
	}
	m.lastReload.Set(1)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: name("build_info"), Help: "1, with what the program is as labels.",
		ConstLabels: prometheus.Labels{"version": cfg.Build.Version, "revision": cfg.Build.Revision, "go_version": cfg.Build.Go},
	})
	build.Set(1)
	age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name("schema_age_seconds"), Help: "How long ago the schemas were loaded that are in force.",
	}, m.schemaAge)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		build, age, m.reloads, m.lastReload, m.schemaLoads, newStateCollector(cfg.State),
	)
	m.registry.MustRegister(m.calls.all()...)
	return m
}

// Record counts a call that is over, unless it is an operator's.
func (m *Metrics) Record(r *telemetry.Record) {
	if !r.Probe {
		m.calls.count(r)
	}
}

// Gatherer returns what all metrics can be read from.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Bounds of scrapes.
const (
	maxScrapes    = 4
	scrapeTimeout = 20 * time.Second
)

// Handler answers scrapes, in the text format of Prometheus or as OpenMetrics, which has exemplars.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: maxScrapes, Timeout: scrapeTimeout, ErrorHandling: promhttp.ContinueOnError,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	})
}

// Results of reloads and loads.
const (
	resultOK      = "ok"
	resultRefused = "refused"
)

func resultOf(err error) string {
	if err != nil {
		return resultRefused
	}
	return resultOK
}

// ConfigReloaded counts a reload of the configuration; err is why it was refused.
func (m *Metrics) ConfigReloaded(err error) {
	m.reloads.WithLabelValues(resultOf(err)).Inc()
	if err != nil {
		m.lastReload.Set(0)
		return
	}
	m.lastReload.Set(1)
}

// SchemasLoaded counts a load of sources; since is when what is in force was loaded, err why it was refused.
func (m *Metrics) SchemasLoaded(sources []string, since time.Time, err error) {
	for _, s := range sources {
		m.schemaLoads.WithLabelValues(s, resultOf(err)).Inc()
	}
	if !since.IsZero() {
		m.schemasLoaded.Store(since.UnixNano())
	}
}

func (m *Metrics) schemaAge() float64 {
	loaded := m.schemasLoaded.Load()
	if loaded == 0 {
		return 0
	}
	return time.Since(time.Unix(0, loaded)).Seconds()
}

// Retain drops the counts of methods that are not known any more, so that reloads do not pile up what nobody can call. A call that still
// ends has its series again, until the next Retain.
func (m *Metrics) Retain(known func(service, method string) bool) {
	m.calls.retain(known)
}

const namespace = "dragoman"

func name(of string) string { return namespace + "_" + of }

func counter(of, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name(of), Help: help}, labels)
}

// text makes a label value of what may come from elsewhere: Prometheus wants UTF-8.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
