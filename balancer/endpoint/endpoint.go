// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DefaultWeight is the weight of an endpoint whose Spec states none.
const DefaultWeight = 1

// MaxWeight is the largest weight: the weights of a hundred thousand endpoints still add up
// without a thought for overflow.
const MaxWeight = 1 << 16

// MaxPriority is the lowest priority that an endpoint may have.
const MaxPriority = 127

// Spec is what an Endpoint is made of. Only Addresses is required.
type Spec struct {
	// Addresses are the ways to reach this one instance, in order of preference: several for an
	// instance with an address in each family. Each is "host:port", "[v6]:port" or "unix:/path".
	Addresses []string
	// Weight is the instance's share of the calls relative to the others', for policies that
	// look at it: 1 to MaxWeight. 0 means DefaultWeight.
	Weight uint32
	// Zone names where the instance runs, such as "eu-west-1a". Empty: unknown.
	Zone string
	// Priority is the group that the instance belongs to: 0 is used first, a higher one only
	// when those before it cannot carry the load. 0 to MaxPriority.
	Priority int
	// ServerName is the name in the instance's certificate, and the ":authority" of calls to it.
	// Empty: the channel's own. It must come from a source that is trusted to say who a server is.
	ServerName string
	// Labels are what else is known, by typed key (see [Key]). A key may occur once.
	Labels []Label
}

// Endpoint is one instance of a backend. It is immutable, as small as a pointer, and safe for
// concurrent use. The zero value is no endpoint: [Endpoint.IsZero] tells it, and its accessors
// answer with zero values.
type Endpoint struct {
	v *value
}

type value struct {
	spec Spec
	key  string
}

var zero value //nolint:gochecknoglobals // what accessors of the zero Endpoint answer from

// New checks spec and returns the endpoint that it describes. The error names everything that is
// wrong with spec, not only the first.
func New(spec Spec) (Endpoint, error) {
	var errs []error
	if len(spec.Addresses) == 0 {
		errs = append(errs, errors.New("endpoint: addresses is empty; it must name at least one address"))
	}
	s := spec
	s.Addresses = make([]string, 0, len(spec.Addresses))
	for _, a := range spec.Addresses {
		n, err := Normalize(a)
		switch {
		case err != nil:
			errs = append(errs, err)
		case slices.Contains(s.Addresses, n):
			errs = append(errs, fmt.Errorf("endpoint: address %q is given twice", a))
		default:
			s.Addresses = append(s.Addresses, n)
		}
	}
	if s.Weight == 0 {
		s.Weight = DefaultWeight
	}
	if s.Weight > MaxWeight {
		errs = append(errs, fmt.Errorf("endpoint: weight is %d; it must be 1 to %d", s.Weight, MaxWeight))
	}
	if s.Priority < 0 || s.Priority > MaxPriority {
		errs = append(errs, fmt.Errorf("endpoint: priority is %d; it must be 0 to %d", s.Priority, MaxPriority))
	}
	labels, err := sortLabels(spec.Labels)
	if err != nil {
		errs = append(errs, err)
	}
	s.Labels = labels
	if len(errs) > 0 {
		return Endpoint{}, errors.Join(errs...)
	}
	return Endpoint{v: &value{spec: s, key: key(s.Addresses, s.ServerName)}}, nil
}

func key(addresses []string, serverName string) string {
	k := strings.Join(addresses, ",")
	if serverName != "" {
		k += "|" + serverName
	}
	return k
}

func (e Endpoint) get() *value {
	if e.v == nil {
		return &zero
	}
	return e.v
}

// IsZero says whether e is no endpoint at all.
func (e Endpoint) IsZero() bool { return e.v == nil }

// Key identifies the instance: its addresses and server name. Two endpoints of the same key are the
// same instance, though what is known of it (weight, zone, labels) may differ.
func (e Endpoint) Key() string { return e.get().key }

// Addresses returns a copy of the addresses, in order of preference.
func (e Endpoint) Addresses() []string { return slices.Clone(e.get().spec.Addresses) }

// Address returns the preferred address.
func (e Endpoint) Address() string {
	if a := e.get().spec.Addresses; len(a) > 0 {
		return a[0]
	}
	return ""
}

// Weight returns the instance's relative share, at least 1 for any endpoint that New made.
func (e Endpoint) Weight() uint32 { return e.get().spec.Weight }

// Zone returns where the instance runs; empty when unknown.
func (e Endpoint) Zone() string { return e.get().spec.Zone }

// Priority returns the instance's group; 0 is used first.
func (e Endpoint) Priority() int { return e.get().spec.Priority }

// ServerName returns the instance's own TLS and authority name; empty for the channel's.
func (e Endpoint) ServerName() string { return e.get().spec.ServerName }

// Equal says whether e and o are the same instance and the same is known of them.
func (e Endpoint) Equal(o Endpoint) bool {
	if e.v == o.v {
		return true
	}
	if e.v == nil || o.v == nil {
		return false
	}
	a, b := &e.v.spec, &o.v.spec
	return e.v.key == o.v.key && a.Weight == b.Weight && a.Zone == b.Zone &&
		a.Priority == b.Priority && slices.Equal(a.Labels, b.Labels)
}

// String returns the addresses, joined by commas.
func (e Endpoint) String() string { return strings.Join(e.get().spec.Addresses, ",") }
