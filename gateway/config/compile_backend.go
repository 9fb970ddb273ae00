// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

func (k *compiler) backends(m map[string]*configv1.Backend) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		k.cfg.Backends = append(k.cfg.Backends, k.backend(m[name], name, entry("backends", name)))
	}
}

func (k *compiler) backend(m *configv1.Backend, name, path string) backend.Config {
	b := backend.Config{
		Name:            name,
		Target:          m.GetTarget(),
		Endpoints:       k.endpoints(m.GetEndpoints(), path+".endpoints"),
		File:            k.file(m.GetFile()),
		Etcd:            k.etcd(m.GetEtcd(), path+".etcd"),
		Consul:          k.consul(m.GetConsul(), path+".consul"),
		Kubernetes:      k.kubernetes(m.GetKubernetes(), path+".kubernetes"),
		ResolveInterval: m.GetResolveInterval().AsDuration(),
		MinConnections:  int(m.GetConnections().GetMin()),
		MaxConnections:  int(m.GetConnections().GetMax()),
		MaxStreams:      int(m.GetConnections().GetMaxStreams()),
		ConnectTimeout:  m.GetConnectTimeout().AsDuration(),
		ReconnectFirst:  m.GetReconnect().GetFirst().AsDuration(),
		ReconnectMax:    m.GetReconnect().GetMax().AsDuration(),
		PingInterval:    m.GetKeepalive().GetTime().AsDuration(),
		DeadAfter:       m.GetKeepalive().GetTimeout().AsDuration(),
		MaxHeader:       int(k.size(m.GetMaxHeader(), path+".max_header", leastHeader, mostHeader)),
		Gzip:            m.GetGzip(),
	}
	k.resilience(m, &b, path)
	b.LoadBalancing = k.loadBalancing(m.GetLoadBalancing(), path+".load_balancing")
	b.Health = k.health(m.GetHealth(), path+".health")
	if m.GetTls() != nil {
		b.TLS = k.backendTLS(m.GetTls(), path+".tls")
	}
	if m.GetSubset() != nil {
		b.Subset = &backend.Subset{Size: int(m.GetSubset().GetSize()), ID: m.GetSubset().GetId()}
	}
	if b.XDS() {
		k.xds(m, path)
		return b
	}
	if b.Target != "" {
		k.target(b.Target, path+".target")
	}
	if m.GetResolveInterval() != nil && !lookedUp(b.Target) {
		k.on(path+".resolve_interval", "", "is for a target that is looked up in DNS; this source tells of a change")
	}
	if b.MaxConnections > 0 && b.MinConnections > b.MaxConnections {
		k.on(path+".connections.min", "", "is %d, more than max, %d", b.MinConnections, b.MaxConnections)
	}
	if b.ReconnectMax > 0 && b.ReconnectMax < cmp.Or(b.ReconnectFirst, balancer.DefaultBackoffBase) {
		k.on(path+".reconnect.max", "", "is %s, less than first, %s", formatDuration(b.ReconnectMax), formatDuration(cmp.Or(b.ReconnectFirst, balancer.DefaultBackoffBase)))
	}
	if b.TLS != nil && b.TLS.ServerName == "" && !b.TLS.InsecureSkipVerify && (b.File != "" || b.Etcd != nil || hasAnyScheme(b.Target, "file")) {
		k.warn(path+".tls", "say server_name here, or in what is listed", "has no server_name: servers of which the source states none must have a certificate for localhost")
	}
	k.fits(m, &b, path)
	return b
}

// xds refuses what a control plane decides, and the target itself where the build has no xDS.
func (k *compiler) xds(m *configv1.Backend, path string) {
	if !backend.WithXDS {
		k.on(path+".target", "", "is of xDS, and %s", backend.NoXDS)
	}
	for setting, set := range map[string]bool{
		"resolve_interval": m.GetResolveInterval() != nil, "subset": m.GetSubset() != nil, "load_balancing": m.GetLoadBalancing() != nil,
		"health": m.GetHealth() != nil, "connections": m.GetConnections() != nil, "reconnect": m.GetReconnect() != nil,
		"connect_timeout": m.GetConnectTimeout() != nil, "keepalive": m.GetKeepalive() != nil,
	} {
		if set {
			k.on(name(path, protoreflect.Name(setting)), "", "is what the control plane of xDS says; it cannot be set here")
		}
	}
}

// lookedUp says whether a target is looked up in DNS.
func lookedUp(target string) bool {
	if strings.HasPrefix(target, "dns:") {
		return true
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil || strings.Contains(target, "://") {
		return false
	}
	_, err = netip.ParseAddr(host)
	return err != nil
}

// target checks where a backend is.
func (k *compiler) target(target, path string) {
	if _, err := resolver.ParseTarget(target); err != nil {
		k.on(path, "", "%s", k.detail(path, err))
		return
	}
	addresses := target
	if scheme, rest, ok := strings.Cut(target, ":"); ok {
		switch scheme {
		case "dns": // "dns:///host:port", "dns://server/host:port", "dns:host:port"
			if addresses = rest; strings.HasPrefix(rest, "//") {
				_, addresses, _ = strings.Cut(rest[2:], "/")
			}
		case "static": // "static:///a:1,b:2", "static:a:1"
			addresses = strings.TrimPrefix(rest, "///")
		}
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
	if err == nil && port == admin && ownHost(host) {
		k.on(path, "", "is the gateway's own admin address, which clients must not reach")
	}
}

// ownHost tells whether a host is this machine: loopback, and what the kernel takes for it when it connects.
func ownHost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback() || ip.Unmap().IsUnspecified()
	}
	return host == "" || loopback(host) || strings.HasSuffix(host, ".localhost")
}

func (k *compiler) endpoints(list []*configv1.Endpoint, path string) []endpoint.Endpoint {
	var endpoints []endpoint.Endpoint
	seen := map[string]string{}
	for i, m := range list {
		at := item(path, i) + ".address"
		if m.GetAddress() == "" {
			continue // refused by the schema's rules
		}
		spec := endpoint.Spec{Addresses: []string{m.GetAddress()}, Weight: m.GetWeight(), Zone: m.GetZone(), Priority: int(m.GetPriority())}
		for _, label := range slices.Sorted(maps.Keys(m.GetLabels())) {
			if label == "" {
				continue // likewise
			}
			spec.Labels = append(spec.Labels, endpoint.NewKey[string](label).With(m.GetLabels()[label]))
		}
		e, err := endpoint.New(spec)
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
	k.pair(path, "cert", m.GetCert(), "key", m.GetKey())
	if m.GetInsecureSkipVerify() {
		k.warn(path+".insecure_skip_verify", "use ca with the certificate of who signed the backend's",
			"any certificate is accepted: whoever is between the gateway and the backend can read and change calls")
	}
	return &backend.TLS{
		CA: k.file(m.GetCa()), Cert: k.file(m.GetCert()), Key: k.file(m.GetKey()),
		ServerName: m.GetServerName(), InsecureSkipVerify: m.GetInsecureSkipVerify(),
	}
}

// pair refuses one of two settings without the other.
func (k *compiler) pair(path, a, valueA, b, valueB string) {
	switch {
	case valueA != "" && valueB == "":
		k.missing(path, path+"."+a, "", "needs %s, too", b)
	case valueA == "" && valueB != "":
		k.missing(path, path+"."+b, "", "needs %s, too", a)
	}
}

// hasAnyScheme says whether a target is of one of some schemes.
func hasAnyScheme(target string, schemes ...string) bool {
	scheme, _, ok := strings.Cut(target, ":")
	return ok && slices.Contains(schemes, scheme)
}
