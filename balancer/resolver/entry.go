// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"errors"
	"maps"
	"slices"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// Entry is one endpoint as files and registries state it. One of Address and Addresses is required.
type Entry struct {
	// Address is "host:port", "[v6]:port" or "unix:/path".
	Address string `json:"address,omitempty" yaml:"address"`
	// Addresses are several ways to reach the same instance, in order of preference.
	Addresses []string `json:"addresses,omitempty" yaml:"addresses"`
	// Weight is the share of the calls relative to the others'; 0: 1.
	Weight uint32 `json:"weight,omitempty" yaml:"weight"`
	// Zone is where the instance runs.
	Zone string `json:"zone,omitempty" yaml:"zone"`
	// Priority is the group that is used first, second, …, from 0.
	Priority int `json:"priority,omitempty" yaml:"priority"`
	// ServerName is the name in the instance's certificate.
	ServerName string `json:"server_name,omitempty" yaml:"server_name"`
	// Labels are what else is known; policies read them with endpoint.NewKey[string].
	Labels map[string]string `json:"labels,omitempty" yaml:"labels"`
}

// Endpoint returns the endpoint.
func (e Entry) Endpoint() (endpoint.Endpoint, error) {
	addresses := e.Addresses
	if e.Address != "" {
		if addresses != nil {
			return endpoint.Endpoint{}, errors.New("endpoint: both address and addresses are given; one must be")
		}
		addresses = []string{e.Address}
	}
	s := endpoint.Spec{Addresses: addresses, Weight: e.Weight, Zone: e.Zone, Priority: e.Priority, ServerName: e.ServerName}
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		s.Labels = append(s.Labels, endpoint.NewKey[string](name).With(e.Labels[name]))
	}
	return endpoint.New(s)
}
