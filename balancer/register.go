// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"sync"

	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/serviceconfig"
)

// Name is the name of our balancer in gRPC's registry and in service configs.
const Name = "dragoman"

// serviceConfig selects our balancer for a channel.
const serviceConfig = `{"loadBalancingConfig":[{"` + Name + `":{}}]}`

//nolint:gochecknoglobals // gRPC's registry, which it guards, is global too
var registerOnce sync.Once

// Register makes our balancer known to gRPC under [Name]. gRPC takes a balancer only by name from
// a registry of the process: there is no dial option that takes one by value, as there is for
// resolvers. Registering when the package is imported would surprise who only wants its types, so
// whoever opens a channel does it: [New] and [Options] call Register, further calls do nothing.
//
// gRPC's registry has no lock. A program that opens other gRPC channels from other goroutines calls
// Register first, at its start.
//
// What the registered balancer does for a channel (policy, timeouts) is not in the registry: it
// comes with the channel's own resolver. On a channel that was opened without New or Options it
// works with the defaults, and takes turns.
func Register() {
	registerOnce.Do(func() { grpcbalancer.Register(builder{}) })
}

// builder implements grpc-go's balancer.Builder and balancer.ConfigParser.
type builder struct {
	name string // what the host calls the backend, until it is told; "": what the target says
}

// Name implements balancer.Builder.
func (builder) Name() string { return Name }

// Build implements balancer.Builder.
func (b builder) Build(cc grpcbalancer.ClientConn, opts grpcbalancer.BuildOptions) grpcbalancer.Balancer {
	return newHost(cc, cmp.Or(b.name, opts.Target.Endpoint()))
}

// lbConfig is the configuration in a service config: there is none.
type lbConfig struct {
	serviceconfig.LoadBalancingConfig `json:"-"`
}

// ParseConfig implements balancer.ConfigParser. A service config has nothing to say to our balancer,
// and what is unknown is refused.
func (builder) ParseConfig(js json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	var cfg lbConfig
	d := json.NewDecoder(bytes.NewReader(js))
	d.DisallowUnknownFields()
	if err := d.Decode(&cfg); err != nil {
		return nil, fmt.Errorf("%s: service config is %s; it must be {}: %w", Name, js, err)
	}
	return &cfg, nil
}
