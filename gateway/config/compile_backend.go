// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// policies are the values of load_balancing.policy.
var policies = []picker.Policy{picker.RoundRobin{}, picker.Random{}}

func (k *compiler) backends(m map[string]*configv1.Backend) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		k.cfg.Backends = append(k.cfg.Backends, k.backend(m[name], name, entry("backends", name)))
	}
}

func (k *compiler) backend(m *configv1.Backend, name, path string) backend.Config {
	b := backend.Config{
		Name:           name,
		Target:         m.GetTarget(),
		Endpoints:      k.endpoints(m.GetEndpoints(), path+".endpoints"),
		ConnectTimeout: m.GetConnectTimeout().AsDuration(),
		PingInterval:   m.GetKeepalive().GetTime().AsDuration(),
		DeadAfter:      m.GetKeepalive().GetTimeout().AsDuration(),
		Gzip:           m.GetGzip(),
		MaxHeader:      int(k.size(m.GetMaxHeader(), path+".max_header", leastHeader, mostHeader)),
	}
	k.resilience(m, &b, path)
	for _, p := range policies {
		if p.Name() == m.GetLoadBalancing().GetPolicy() {
			b.Policy = p
		}
	}
	if b.Target != "" {
		k.target(b.Target, path+".target")
	}
	if m.GetTls() != nil {
		b.TLS = k.backendTLS(m.GetTls(), path+".tls")
	}
	return b
}

// target checks where a backend is.
func (k *compiler) target(target, path string) {
	if _, err := resolver.ParseTarget(target); err != nil {
		k.on(path, "", "%s", k.detail(path, err))
		return
	}
	_, addresses, authority := strings.Cut(target, "://")
	if authority { // "dns://server/host:port", "static:///a:1,b:2"
		_, addresses, _ = strings.Cut(addresses, "/")
	} else {
		addresses = target
	}
	for address := range strings.SplitSeq(addresses, ",") {
		k.notAdmin(address, path)
	}
}

// notAdmin refuses a backend that is the gateway's own admin address: clients could reach through it what only operators
// may (threat H8).
func (k *compiler) notAdmin(address, path string) {
	_, admin, err := net.SplitHostPort(cmp.Or(k.cfg.Admin.Address, DefaultAdminAddress))
	if err != nil {
		return
	}
	host, port, err := net.SplitHostPort(strings.TrimSpace(address))
	if err == nil && port == admin && loopback(strings.ToLower(host)) {
		k.on(path, "", "is the gateway's own admin address, which clients must not reach")
	}
}

func (k *compiler) endpoints(list []*configv1.Endpoint, path string) []endpoint.Endpoint {
	var endpoints []endpoint.Endpoint
	seen := map[string]string{}
	for i, m := range list {
		at := item(path, i) + ".address"
		if m.GetAddress() == "" {
			continue // refused by the schema's rules
		}
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{m.GetAddress()}, Weight: m.GetWeight(), Zone: m.GetZone()})
		if err != nil {
			k.on(at, "", "%s", strings.TrimPrefix(k.detail(at, err), "endpoint: "))
			continue
		}
		unique(k.collector, seen, e.Key(), at, "a weight sends it more calls")
		k.notAdmin(m.GetAddress(), at)
		endpoints = append(endpoints, e)
	}
	return endpoints
}

func (k *compiler) backendTLS(m *configv1.BackendTls, path string) *backend.TLS {
	if (m.GetCert() == "") != (m.GetKey() == "") {
		set, other := ".cert", "key"
		if m.GetCert() == "" {
			set, other = ".key", "cert"
		}
		k.missing(path, path+set, "", "needs %s, too", other)
	}
	if m.GetInsecureSkipVerify() {
		k.warn(path+".insecure_skip_verify", "use ca with the certificate of who signed the backend's",
			"any certificate is accepted: whoever is between the gateway and the backend can read and change calls")
	}
	return &backend.TLS{
		CA: k.file(m.GetCa()), Cert: k.file(m.GetCert()), Key: k.file(m.GetKey()),
		ServerName: m.GetServerName(), InsecureSkipVerify: m.GetInsecureSkipVerify(),
	}
}
