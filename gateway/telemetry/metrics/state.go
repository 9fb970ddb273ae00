// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is how what is not a call fares at one moment. What is not in it any more has no series any more.
type State struct {
	// InFlight is how many calls are under way.
	InFlight int64
	// Backends are the backends.
	Backends []Backend
	// Connections are how many connections are open, by listener and protocol.
	Connections []Connections
	// Certificates are those that listeners show.
	Certificates []Certificate
	// Rules are those of authorisation.
	Rules []Rule
	// Broken are answers that broke rules of their schema.
	Broken []Broken
	// Cache is how the cache fares; nil where nothing is stored.
	Cache *Cache
	// Dropped are how many records were dropped since the start, by what they were for: "access_log", "spans", "logs".
	Dropped map[string]uint64
}

// Rule is how a rule of authorisation fares.
type Rule struct {
	// Name is what logs call it.
	Name string
	// DryRun says that it refuses nothing.
	DryRun bool
	// Refused is how many calls it has refused, or would have; Unknown how many of these because its expression could not be evaluated.
	Refused, Unknown int64
}

// Broken is how many answers of a method broke a rule.
type Broken struct {
	// Service and Method are its names.
	Service, Method string
	// Answers is how many.
	Answers int64
}

// Cache is how the cache fares.
type Cache struct {
	// Entries are the answers that it has now, and Bytes what they take.
	Entries, Bytes int
	// Evicted are those that were thrown out for others, and Purged those that somebody had dropped.
	Evicted, Purged int64
}

// Backend is how a backend fares.
type Backend struct {
	// Name is what the configuration calls it.
	Name string
	// Retries, OverBudget, Hedges, Refused and Shut are counted since it was opened: retries made, those that the budget did not allow, hedges
	// made, calls for which there was no room, and those that the circuit breaker refused.
	Retries, OverBudget, Hedges, Refused, Shut uint64
	// Open says that the circuit breaker lets no calls through.
	Open bool
	// Endpoints are its endpoints.
	Endpoints []Endpoint
}

// Endpoint is how an endpoint fares.
type Endpoint struct {
	// Address is the address by which it is known, State its state in one word or two.
	Address, State string
	// InFlight is how many calls it has.
	InFlight int64
}

// Connections are those of one listener and protocol.
type Connections struct {
	// Listener is its name, Protocol "http1", "http2", "http3", "websocket" or "new" before the first request.
	Listener, Protocol string
	// Open is how many there are.
	Open int64
}

// Certificate is one that a listener shows, or has none for.
type Certificate struct {
	// Listener is the listener's name, Name what the certificate is for: its first name, or the domain.
	Listener, Name string
	// NotAfter is when it expires; zero where there is none yet.
	NotAfter time.Time
	// ACME says that an authority gives it. Issued and Failed are how often it did since the start, and did not.
	ACME           bool
	Issued, Failed uint64
}

// stateCollector asks for the state when somebody scrapes.
type stateCollector struct {
	state func() State
	descs []*prometheus.Desc

	inFlight, endpointState, endpointInFlight, connections, certificate, have, orders, open *prometheus.Desc
	retries, overBudget, hedges, refused, shut, dropped                                     *prometheus.Desc
	denied, unknown, broken, entries, bytes, evicted, purged                                *prometheus.Desc
}

func newStateCollector(state func() State) *stateCollector {
	s := &stateCollector{state: state}
	desc := func(of, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc(name(of), help, labels, nil)
		s.descs = append(s.descs, d)
		return d
	}
	s.inFlight = desc("in_flight", "Calls that are under way.")
	s.endpointState = desc("endpoint_state", "1 for the state that an endpoint is in.", "backend", "endpoint", "state")
	s.endpointInFlight = desc("endpoint_in_flight", "Calls that an endpoint has.", "backend", "endpoint")
	s.connections = desc("connections", "Connections that are open.", "listener", "protocol")
	s.certificate = desc("tls_cert_not_after_seconds", "When a certificate of a listener expires, in seconds since 1970.", "listener", "name", "source")
	s.have = desc("acme_certificate", "1 while a domain has a certificate by ACME that has not expired.", "listener", "name")
	s.orders = desc("acme_orders_total", "Certificates that were asked for by ACME.", "listener", "name", "result")
	s.open = desc("circuit_open", "1 while the circuit breaker of a backend lets no calls through.", "backend")
	s.retries = desc("retries_total", "Attempts beside the first ones.", "backend")
	s.overBudget = desc("retries_over_budget_total", "Retries that the budget did not allow.", "backend")
	s.hedges = desc("hedges_total", "Attempts beside ones that were late.", "backend")
	s.refused = desc("backend_refused_total", "Calls for which a backend had no room.", "backend")
	s.shut = desc("circuit_refused_total", "Calls that the circuit breaker refused.", "backend")
	s.denied = desc("authorization_refused_total", "Calls that a rule of authorisation refused, or would have while it is on trial.", "rule", "dry_run")
	s.unknown = desc("authorization_unknown_total", "Calls of these for which the expression could not be evaluated.", "rule")
	s.broken = desc("invalid_responses_total", "Answers of backends that broke a rule of their schema.", "service", "method")
	s.entries = desc("cache_entries", "Answers that are stored.")
	s.bytes = desc("cache_bytes", "Bytes that they take.")
	s.evicted = desc("cache_evicted_total", "Answers that were thrown out for others.")
	s.purged = desc("cache_purged_total", "Answers that were dropped because somebody said so.")
	s.dropped = desc("telemetry_dropped_total", "Records that were dropped because who takes them did not keep up.", "kind")
	return s
}

// Describe implements prometheus.Collector.
func (s *stateCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range s.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *stateCollector) Collect(to chan<- prometheus.Metric) {
	if s.state == nil {
		return
	}
	now := s.state()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(s.inFlight, float64(now.InFlight))
	for _, c := range now.Connections {
		gauge(s.connections, float64(c.Open), text(c.Listener), c.Protocol)
	}
	for _, c := range now.Certificates {
		source := "file"
		if c.ACME {
			source = "acme"
			have := 0.0
			if time.Now().Before(c.NotAfter) {
				have = 1
			}
			gauge(s.have, have, text(c.Listener), text(c.Name))
			count(s.orders, c.Issued, text(c.Listener), text(c.Name), "issued")
			count(s.orders, c.Failed, text(c.Listener), text(c.Name), "failed")
		}
		if !c.NotAfter.IsZero() {
			gauge(s.certificate, float64(c.NotAfter.Unix()), text(c.Listener), text(c.Name), source)
		}
	}
	denied, unknown := map[Rule]uint64{}, map[string]uint64{} // a schema may call a rule what the configuration calls one
	for _, r := range now.Rules {
		denied[Rule{Name: r.Name, DryRun: r.DryRun}] += uint64(r.Refused) //nolint:gosec // never negative
		unknown[r.Name] += uint64(r.Unknown)                              //nolint:gosec // never negative
	}
	for r, n := range denied {
		count(s.denied, n, text(r.Name), strconv.FormatBool(r.DryRun))
	}
	for rule, n := range unknown {
		count(s.unknown, n, text(rule))
	}
	for _, b := range now.Broken {
		count(s.broken, uint64(b.Answers), text(b.Service), text(b.Method)) //nolint:gosec // never negative
	}
	if c := now.Cache; c != nil {
		gauge(s.entries, float64(c.Entries))
		gauge(s.bytes, float64(c.Bytes))
		count(s.evicted, uint64(c.Evicted)) //nolint:gosec // never negative
		count(s.purged, uint64(c.Purged))   //nolint:gosec // never negative
	}
	for kind, n := range now.Dropped {
		count(s.dropped, n, kind)
	}
	for i := range now.Backends {
		b := &now.Backends[i]
		count(s.retries, b.Retries, b.Name)
		count(s.overBudget, b.OverBudget, b.Name)
		count(s.hedges, b.Hedges, b.Name)
		count(s.refused, b.Refused, b.Name)
		count(s.shut, b.Shut, b.Name)
		open := 0.0
		if b.Open {
			open = 1
		}
		gauge(s.open, open, b.Name)
		seen := map[string]bool{} // several instances may share an address
		for _, e := range b.Endpoints {
			if seen[e.Address] {
				continue
			}
			seen[e.Address] = true
			gauge(s.endpointState, 1, b.Name, text(e.Address), e.State)
			gauge(s.endpointInFlight, float64(e.InFlight), b.Name, text(e.Address))
		}
	}
}
