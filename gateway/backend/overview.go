// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// Overview is what is known of a backend at one moment, for its operators: it names addresses, which no client is told.
type Overview struct {
	// Name is what the configuration calls the backend.
	Name string `json:"name"`
	// Policy is the policy in force; "xds" where a control plane has its own.
	Policy PolicyName `json:"policy"`
	// TLS says that the connections are secured.
	TLS bool `json:"tls"`
	// Source is where the endpoints come from.
	Source SourceState `json:"source"`
	// Calls is how the calls fare: under way, waiting, refused, tried again, and whether the circuit breaker lets them through.
	Calls State `json:"calls"`
	// Endpoints are all endpoints, those that are leaving but still have calls among them, by address. With xDS nothing is known of
	// them.
	Endpoints []EndpointState `json:"endpoints"`
}

// SourceState is how the source of a backend's endpoints fares.
type SourceState struct {
	// Name is the target, or names the kind of the source and what is looked for.
	Name string `json:"name"`
	// Endpoints is how many are in force.
	Endpoints int `json:"endpoints"`
	// At is when the source last answered or failed, Good when it last answered well, Since when it began to answer, or to fail;
	// zero before the first time.
	At    time.Time `json:"at,omitzero"`
	Good  time.Time `json:"good,omitzero"`
	Since time.Time `json:"since,omitzero"`
	// Error is why it fails; "" when it does not. The endpoints in force are then those of its last good answer.
	Error string `json:"error,omitempty"`
}

// EndpointState is one endpoint of a backend.
type EndpointState struct {
	// Address is the address by which it is known, and of several the preferred one. It is what Drain and SetWeight take.
	Address string `json:"address"`
	// Connected is the address that the connection is to; "" while there is none. Connections is how many there are.
	Connected   string `json:"connected,omitempty"`
	Connections int    `json:"connections"`
	// State is "idle", "connecting", "ready", "transient failure", "draining", "unhealthy" or "ejected"; Reason says why, and Since
	// when it began.
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	// Error is the error of the last attempt to connect, if none has succeeded since; Tries is how many have failed, and NextTry when the
	// next begins, or the next trial of an ejected endpoint.
	Error   string    `json:"error,omitempty"`
	Tries   int       `json:"tries,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"`
	// InFlight is how many calls have not ended. Succeeded and Failed are how many have, as far as the endpoint is concerned.
	InFlight  int64  `json:"in_flight"`
	Succeeded uint64 `json:"succeeded"`
	Failed    uint64 `json:"failed"`
	// Latency is the mean latency, and Success the share of the calls that succeeded, of the last ten seconds or so.
	Latency time.Duration `json:"latency_ns"`
	Success float64       `json:"success"`
	// Weight is the weight in force, Zone and Priority are as the source says, and so are Labels, as "name=value".
	Weight   float64  `json:"weight"`
	Zone     string   `json:"zone,omitempty"`
	Priority int      `json:"priority"`
	Labels   []string `json:"labels,omitempty"`
	// WrongName says that the last attempt to connect failed because the certificate is for another name than the one that was expected.
	WrongName bool `json:"-"`
}

// Source returns what names the source of the endpoints; "" where they are listed.
func (b *Backend) Source() string {
	if len(b.config.Endpoints) > 0 {
		return ""
	}
	return cmp.Or(b.config.Target, b.channel.Source().Name)
}

// Overview returns what is known of the backend now.
func (b *Backend) Overview() Overview {
	o := Overview{Name: b.name, Policy: b.config.LoadBalancing.name(), TLS: b.config.TLS != nil, Calls: b.State(), Endpoints: []EndpointState{}}
	if b.config.XDS() {
		o.Policy, o.Source.Name = xdsScheme, b.config.Target
		return o
	}
	s := b.channel.Source()
	o.Source = SourceState{Name: s.Name, Endpoints: s.Endpoints, At: s.At, Good: s.Good, Since: s.Since, Error: text(s.Err)}
	for _, e := range b.channel.Endpoints() {
		o.Endpoints = append(o.Endpoints, endpointOf(&e))
	}
	return o
}

func endpointOf(s *balancer.State) EndpointState {
	e := EndpointState{
		Address: s.Endpoint.Address(), Connected: s.Address, Connections: s.Connections, State: s.Condition.String(), Reason: s.Reason,
		Since: s.Since, Error: text(s.Err), Tries: s.Tries, NextTry: s.NextTry, InFlight: s.InFlight, Succeeded: s.Succeeded,
		Failed: s.Failed, Latency: s.Latency, Success: s.Success, Weight: s.Weight, Zone: s.Endpoint.Zone(), Priority: s.Endpoint.Priority(),
	}
	var otherName x509.HostnameError
	e.WrongName = errors.As(s.Err, &otherName)
	for _, l := range s.Endpoint.Labels() {
		e.Labels = append(e.Labels, l.String())
	}
	return e
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ErrNoEndpoint is the error of an address that the backend has no endpoint of.
var ErrNoEndpoint = errors.New("the backend has no such endpoint")

// Drain takes the endpoint of an address out of service: it is given no new calls, and those under way go on. It holds until Undrain,
// also when the endpoint goes and returns, and as long as the backend's connections are kept.
func (b *Backend) Drain(address string) error {
	return b.each(address, func(e endpoint.Endpoint) error {
		b.channel.Drain(e)
		return nil
	})
}

// Undrain puts the endpoint of an address back into service.
func (b *Backend) Undrain(address string) error {
	return b.each(address, func(e endpoint.Endpoint) error {
		b.channel.Undrain(e)
		return nil
	})
}

// SetWeight gives the endpoint of an address another weight than its source says, for policies that look at it; 0 puts that of the source
// back in force. It holds as Drain does.
func (b *Backend) SetWeight(address string, weight uint32) error {
	return b.each(address, func(e endpoint.Endpoint) error { return b.channel.SetWeight(e, weight) })
}

// each does something to the endpoints that have an address.
func (b *Backend) each(address string, do func(endpoint.Endpoint) error) error {
	normal, err := endpoint.Normalize(address)
	if err != nil {
		return err
	}
	found := false
	var errs []error
	for _, s := range b.channel.Endpoints() {
		if slices.Contains(s.Endpoint.Addresses(), normal) {
			found = true
			errs = append(errs, do(s.Endpoint))
		}
	}
	if !found {
		return fmt.Errorf("backend %q, address %s: %w", b.name, address, ErrNoEndpoint)
	}
	return errors.Join(errs...)
}

// Overviews returns what is known of the backends of a snapshot, by name.
func Overviews(backends map[string]*Backend) []Overview {
	all := make([]Overview, 0, len(backends))
	for _, b := range backends {
		all = append(all, b.Overview())
	}
	slices.SortFunc(all, func(a, b Overview) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all
}
