// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// How long calls take, and how much of that is the gateway's own, in seconds.
func durationBuckets() []float64 {
	all := durations()
	return all[:]
}

// bucketCount is how many of those have a bound; there is one more behind them.
const bucketCount = 15

func durations() [bucketCount]float64 {
	return [bucketCount]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
}

func overheadBuckets() []float64 {
	return []float64{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5}
}

// calls counts calls. Series are found by what a record says, and made once; after that, counting allocates nothing.
type calls struct {
	requests, limited, failed, cached, attempts *prometheus.CounterVec
	messages, bytes                             *prometheus.CounterVec
	duration, overhead, attempt                 *prometheus.HistogramVec

	outcomes table[outcome, prometheus.Counter]
	methods  table[method, *methodSeries]
	tries    table[try, prometheus.Counter]
	backends table[string, *backendSeries]
	causes   table[cause, prometheus.Counter]
	rules    table[string, prometheus.Counter]
	results  table[transcoder.CacheResult, prometheus.Counter]
	in, out  prometheus.Counter // messages of streams
	bytesIn  prometheus.Counter
	bytesOut prometheus.Counter
}

// outcome is what calls are counted by.
type outcome struct {
	method
	code   codes.Code
	reason status.Reason
}

// method is what was called and how. Service and name are empty for what no schema has: clients make up such names.
type method struct{ service, name, protocol string }

// methodSeries are those of a method, found at once. What ended well is what most calls are counted as; it is made by the first that does.
type methodSeries struct {
	duration, overhead prometheus.Observer
	ok                 atomic.Pointer[prometheus.Counter]
	examples           [bucketCount + 1]atomic.Int64 // the second, since 1970, of the last example of each bucket of duration
}

type try struct {
	backend string
	code    codes.Code
}

// backendSeries are those of a backend, likewise.
type backendSeries struct {
	took prometheus.Observer
	ok   atomic.Pointer[prometheus.Counter]
}

type cause struct {
	provider string
	reason   status.Reason
}

func newCalls() *calls {
	histogram := func(of, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name(of), Help: help, Buckets: buckets}, labels)
	}
	c := &calls{
		requests: counter("requests_total", "Calls that have ended, by what was called, by which protocol, and how it ended. Service and method are empty where no schema has them.",
			"service", "method", "protocol", "code", "reason"),
		duration: histogram("request_duration_seconds", "How long calls took that do not stream, from the head of the request to the end of the answer.", durationBuckets(),
			"service", "method", "protocol"),
		overhead: histogram("overhead_seconds", "How much of that the backend did not have the call.", overheadBuckets(), "service", "method", "protocol"),
		messages: counter("stream_messages_total", "Messages of calls that stream, counted when they end: in from clients, out to them.", "direction"),
		bytes:    counter("message_bytes_total", "Bytes of bodies as they were on the wire, counted when calls end: in from clients, out to them.", "direction"),
		attempts: counter("backend_attempts_total", "Attempts at calls, by backend and how they ended.", "backend", "code"),
		attempt:  histogram("backend_attempt_duration_seconds", "How long attempts took of calls that do not stream.", durationBuckets(), "backend"),
		limited:  counter("rate_limited_total", "Calls that a limit refused, by its rule.", "rule"),
		failed:   counter("auth_failures_total", "Calls that authentication or authorisation refused, by provider and cause; the provider is empty where there were no credentials of any.", "provider", "cause"),
		cached:   counter("cache_requests_total", "Calls for which the cache was asked, by what it did.", "result"),
	}
	c.in, c.out = c.messages.WithLabelValues("in"), c.messages.WithLabelValues("out")
	c.bytesIn, c.bytesOut = c.bytes.WithLabelValues("in"), c.bytes.WithLabelValues("out")
	return c
}

func (c *calls) all() []prometheus.Collector {
	return []prometheus.Collector{
		c.requests, c.duration, c.overhead, c.messages, c.bytes, c.attempts, c.attempt, c.limited, c.failed, c.cached,
	}
}

// count counts a call.
func (c *calls) count(r *telemetry.Record) {
	m := method{protocol: r.Protocol}
	switch {
	case r.Known:
		m.service, m.name = r.Service, r.RPC
	case r.Service != "":
		m.service = r.Route // of the rule that passes it on
	}
	if m.service == "" {
		c.outcomes.get(outcome{m, r.Code, r.Reason}, c.newOutcome).Inc()
	} else {
		c.countMethod(m, r)
	}
	if r.Streams {
		c.in.Add(float64(r.MessagesIn))
		c.out.Add(float64(r.MessagesOut))
	}
	add(c.bytesIn, r.BytesIn)
	add(c.bytesOut, r.BytesOut)
	if tries := r.Tries(); len(tries) > 0 {
		c.countTries(r, tries)
	}
	c.refused(r)
	if r.Cache != transcoder.CacheNone {
		c.results.get(r.Cache, c.newResult).Inc()
	}
}

// countMethod counts a call of a method that is known.
func (c *calls) countMethod(m method, r *telemetry.Record) {
	of := c.methods.get(m, c.newMethod)
	if r.Code == codes.OK && r.Reason == status.ReasonOK {
		well := of.ok.Load()
		if well == nil {
			made := c.outcomes.get(outcome{m, r.Code, r.Reason}, c.newOutcome)
			well = &made
			of.ok.Store(well)
		}
		(*well).Inc()
	} else {
		c.outcomes.get(outcome{m, r.Code, r.Reason}, c.newOutcome).Inc()
	}
	if !r.Streams {
		of.observe(r)
		of.overhead.Observe(r.Overhead().Seconds())
	}
}

// countTries counts the attempts of a call.
func (c *calls) countTries(r *telemetry.Record, tries []transcoder.Try) {
	of := c.backends.get(r.Backend, c.newBackend)
	for i := range tries {
		t := &tries[i]
		if t.Code == codes.OK {
			well := of.ok.Load()
			if well == nil {
				made := c.tries.get(try{r.Backend, t.Code}, c.newTry)
				well = &made
				of.ok.Store(well)
			}
			(*well).Inc()
		} else {
			c.tries.get(try{r.Backend, t.Code}, c.newTry).Inc()
		}
		if !r.Streams {
			of.took.Observe(t.Took.Seconds())
		}
	}
}

// add counts bytes, of which most calls have none one way.
func add(to prometheus.Counter, bytes int64) {
	if bytes > 0 {
		to.Add(float64(bytes))
	}
}

// refused counts why a policy refused a call.
func (c *calls) refused(r *telemetry.Record) {
	switch r.Reason {
	case status.ReasonRateLimited, status.ReasonTooManyInFlight, status.ReasonLimitUnavailable:
		c.rules.get(r.Rule, c.newRule).Inc()
	case status.ReasonUnauthenticated, status.ReasonTokenInvalid, status.ReasonTokenExpired, status.ReasonTokenNotYetValid, status.ReasonTokenUntrusted,
		status.ReasonKeyInvalid, status.ReasonKeyExpired, status.ReasonPasswordInvalid, status.ReasonCertificateInvalid, status.ReasonCrossSite,
		status.ReasonAuthDenied, status.ReasonAuthUnavailable, status.ReasonPermissionDenied:
		c.causes.get(cause{r.Auth, r.Reason}, c.newCause).Inc()
	default:
	}
}

func (c *calls) newOutcome(o outcome) prometheus.Counter {
	return c.requests.WithLabelValues(text(o.service), text(o.name), o.protocol, status.Name(o.code), string(o.reason))
}

func (c *calls) newMethod(m method) *methodSeries {
	return &methodSeries{
		duration: c.duration.WithLabelValues(text(m.service), text(m.name), m.protocol), overhead: c.overhead.WithLabelValues(text(m.service), text(m.name), m.protocol),
	}
}

func (c *calls) newTry(t try) prometheus.Counter {
	return c.attempts.WithLabelValues(t.backend, status.Name(t.code))
}

func (c *calls) newBackend(name string) *backendSeries {
	return &backendSeries{took: c.attempt.WithLabelValues(name)}
}

func (c *calls) newCause(of cause) prometheus.Counter {
	return c.failed.WithLabelValues(text(of.provider), string(of.reason))
}

func (c *calls) newRule(rule string) prometheus.Counter { return c.limited.WithLabelValues(text(rule)) }

func (c *calls) newResult(r transcoder.CacheResult) prometheus.Counter {
	return c.cached.WithLabelValues(string(r))
}

// retain drops what is of methods that are not known.
func (c *calls) retain(known func(service, method string) bool) {
	gone := func(m method) bool { return m.service != "" && !known(m.service, m.name) }
	drop := func(m method) {
		labels := prometheus.Labels{"service": text(m.service), "method": text(m.name)}
		c.requests.DeletePartialMatch(labels)
		c.duration.DeletePartialMatch(labels)
		c.overhead.DeletePartialMatch(labels)
	}
	c.outcomes.drop(func(o outcome) bool { return gone(o.method) }, func(o outcome) { drop(o.method) })
	c.methods.drop(gone, drop)
}

// observe counts how long a call took, with its trace as an example of its bucket where that is recorded. One in a second for each bucket is enough: who
// scrapes sees the last one alone, and making it costs more than the count.
func (m *methodSeries) observe(r *telemetry.Record) {
	took := r.Duration.Seconds()
	if r.Trace().Sampled {
		last, now := &m.examples[bucketOf(took)], r.Time.Unix()
		if with, ok := m.duration.(prometheus.ExemplarObserver); ok && last.Swap(now) != now {
			with.ObserveWithExemplar(took, prometheus.Labels{"trace_id": r.TraceID})
			return
		}
	}
	m.duration.Observe(took)
}

// bucketOf returns the bucket of a duration in seconds.
func bucketOf(took float64) int {
	for i, bound := range durations() {
		if took <= bound {
			return i
		}
	}
	return bucketCount
}
