// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/health"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

type grpcEndpoint = grpcresolver.Endpoint

// member is one endpoint of a host: its connections, or its attempts to get one. Everything in it but
// stats and what says otherwise is guarded by the host's lock.
//
// Its life: idle → connecting → ready; from ready, when the connection is lost, to connecting; from
// connecting, when all addresses have failed, to failing. A failing member tries again after a pause
// and stays failing until an attempt succeeds, so that calls do not wait for each hopeless attempt.
type member struct {
	host      *host
	endpoint  endpoint.Endpoint
	addresses []grpcresolver.Address // in the order in which they are tried
	stats     *picker.Stats
	candidate *picker.Candidate // made anew when what it is made of changes
	override  override          // what an operator has set

	condition Condition
	since     time.Time     // of condition
	serving   time.Duration // since when calls come, on since's clock
	left      bool

	links *links // the connections that calls use; nil when there is none
	race  *race  // the attempt under way, to the first or one more; nil when there is none

	growing atomic.Bool // one more connection is coming; set by picks, else guarded as the rest
	grown   atomic.Bool // there is no getting more now; read by picks
	shrink  func()      // cancels the alarm that closes unused connections; nil when there is none

	check   *check          // nil when none runs
	verdict *health.Verdict // of the check; nil before its first

	began time.Time // the last attempt
	tries int       // attempts that failed since the last connection
	err   error     // of the last failed attempt; nil when none has failed since the last connection
	next  time.Time // when the pause ends; zero outside one
	wake  func()    // cancels the alarm that ends the pause; nil outside one
}

// describeLocked takes over what the resolver says.
func (m *member) describeLocked(e endpoint.Endpoint, g grpcEndpoint) {
	m.endpoint = e
	m.addresses = interleave(g.Addresses)
	m.candidateLocked()
}

func (m *member) candidateLocked() {
	m.candidate = &picker.Candidate{
		Endpoint: m.endpoint, Stats: m.stats, Handle: m.links, Weight: m.weightLocked(), Since: m.serving,
	}
	if m.verdict != nil && !m.verdict.Healthy {
		m.candidate.Unhealthy = "health check: " + m.verdict.Reason
	}
}

// weightLocked returns the weight in force.
func (m *member) weightLocked() float64 {
	if m.override.weight > 0 {
		return m.override.weight
	}
	return float64(m.endpoint.Weight())
}

// overrideLocked takes over what an operator has set. An endpoint that returns from a drain begins
// to serve anew.
func (m *member) overrideLocked(o override) {
	if o == m.override {
		return
	}
	if m.override.drained && !o.drained {
		m.serving = since()
	}
	m.override = o
	m.candidateLocked()
}

// hopefulLocked says whether calls should wait for m rather than fail.
func (m *member) hopefulLocked() bool { return m.condition == Idle || m.condition == Connecting }

func (m *member) becomeLocked(c Condition) {
	if m.condition == c {
		return
	}
	m.condition, m.since = c, time.Now()
	log := m.host.hub.cfg.Logger.With(slog.String("backend", m.host.hub.cfg.Name), slog.String("endpoint", m.endpoint.String()))
	switch c {
	case Ready:
		log.Info("endpoint is ready", slog.String("address", m.links.all[0].address))
	case Failing:
		log.Warn("endpoint cannot be reached", slog.String("reason", reason(m.err)))
	case Unhealthy:
		log.Warn("endpoint is unhealthy", slog.String("reason", m.verdict.Reason))
	case Idle, Connecting, Draining, Ejected:
	}
}

// connectLocked begins an attempt.
func (m *member) connectLocked() {
	m.wake, m.next = nil, time.Time{}
	m.began = time.Now()
	if m.condition != Failing {
		m.becomeLocked(Connecting)
	}
	m.race = startRaceLocked(m)
}

// wonLocked takes a new connection into use.
func (m *member) wonLocked(l *link) {
	m.race = nil
	if m.links == nil {
		m.serving = since()
		m.tries, m.err = 0, nil
	}
	m.addLocked(l)
	m.candidateLocked()
	m.checkLocked()
	m.becomeLocked(m.standingLocked())
	m.host.publishLocked()
}

// failedLocked is told that every address of an attempt has failed.
func (m *member) failedLocked(err error) {
	m.race = nil
	if m.links != nil {
		m.stuntedLocked()
		return
	}
	m.growing.Store(false)
	m.tries++
	m.err = err
	m.becomeLocked(Failing)
	m.pauseLocked(pause(m.host.hub.cfg.Backoff, m.tries))
	m.host.publishLocked()
}

// lostLocked is told that a connection is gone, or takes no more calls (GOAWAY). After the last there is hope that the
// next attempt succeeds, so calls wait for it, but attempts keep their distance.
func (m *member) lostLocked(l *link) {
	m.removeLocked(l)
	if m.links != nil {
		m.candidateLocked()
		m.checkLocked()
		m.host.publishLocked()
		if time.Since(l.opened) < m.host.hub.cfg.Backoff.Base {
			m.stuntedLocked()
		} else {
			m.minLocked()
		}
		return
	}
	m.verdict = nil
	m.checkLocked()
	m.candidateLocked()
	if m.race != nil {
		// One more connection was on its way, and is the first now.
		m.becomeLocked(Connecting)
		m.host.publishLocked()
		return
	}
	m.becomeLocked(Connecting)
	if rest := m.host.hub.cfg.Backoff.Base - time.Since(m.began); rest > 0 {
		m.pauseLocked(rest)
	} else {
		m.connectLocked()
	}
	m.host.publishLocked()
}

// pauseLocked begins the next attempt after d.
func (m *member) pauseLocked(d time.Duration) {
	m.next = time.Now().Add(d)
	m.wake = m.host.alarms.after(d, func() {
		m.host.mu.Lock()
		defer m.host.mu.Unlock()
		if !m.left && !m.host.closed {
			m.connectLocked()
		}
	})
}

// leaveLocked takes m out for good. Calls on its connection go on; the connection closes after the last.
func (m *member) leaveLocked() {
	m.left = true
	if m.wake != nil {
		m.wake()
		m.wake = nil
	}
	if m.race != nil {
		m.race.stopLocked(nil)
		m.race = nil
	}
	if m.shrink != nil {
		m.shrink()
		m.shrink = nil
	}
	m.uncheckLocked()
	if m.links != nil {
		for _, l := range m.links.all {
			l.closeLocked()
		}
	}
	m.condition, m.since = Draining, time.Now()
	if m.stats.InFlight() > 0 {
		m.host.leaving[m] = struct{}{}
	}
}

// pause returns how long to wait after so many failed attempts.
func pause(b Backoff, tries int) time.Duration {
	d := float64(b.Base)
	for range tries - 1 {
		d *= 1.6
		if d >= float64(b.Max) {
			d = float64(b.Max)
			break
		}
	}
	return time.Duration(d * (1 + rand.Float64()/4))
}

// interleave orders addresses so that families alternate, beginning with the first address's
// (RFC 8305 section 4), and drops repetitions.
func interleave(in []grpcresolver.Address) []grpcresolver.Address {
	var first, other []grpcresolver.Address
	seen := make(map[string]bool, len(in))
	for _, a := range in {
		switch {
		case seen[a.Addr]:
		case v6(a.Addr) == v6(in[0].Addr):
			first = append(first, a)
		default:
			other = append(other, a)
		}
		seen[a.Addr] = true
	}
	out := make([]grpcresolver.Address, 0, len(in))
	for i := range max(len(first), len(other)) {
		if i < len(first) {
			out = append(out, first[i])
		}
		if i < len(other) {
			out = append(out, other[i])
		}
	}
	return out
}

func v6(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && !ip.Is4In6()
}
