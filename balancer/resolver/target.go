// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// knownTargets ends the sentence that refuses a target.
const knownTargets = `a target is "host:port", "dns:///host:port", "dns://server/host:port", ` +
	`"static:///a:1,b:2", "unix:/path", "file:///path", "consul://agent/service" or "kubernetes:///service.namespace:port"`

// ParseTarget returns the source that target describes:
//
//	books.example:50051                  looked up in DNS
//	10.0.0.1:50051, [fd00::1]:50051      that one endpoint
//	dns:///books.example:50051           looked up in DNS
//	dns://10.0.0.53:53/books.example:50051   looked up at that server
//	static:///10.0.0.1:50051,b:50051     these endpoints; a name is looked up at each connect
//	unix:/run/app.sock, unix:///run/app.sock   that socket
//	file:///etc/books.yaml               listed in that file, see File
//	consul:///books, consul://10.0.0.8:8500/books?tag=v2&dc=dc1   known to a Consul agent, by plain HTTP
//	kubernetes:///books.shop:grpc        the service in that namespace, asked from within a pod
//
// Anything else is refused, with the list of what is known.
func ParseTarget(target string) (Source, error) {
	scheme, rest, found := strings.Cut(target, ":")
	switch {
	case found && scheme == "dns":
		return parseDNS(target, rest)
	case found && scheme == "static":
		return parseStatic(target, strings.Split(strings.TrimPrefix(rest, "///"), ","))
	case found && scheme == "file":
		return parseFile(target, rest)
	case found && scheme == "consul":
		return parseConsul(target)
	case found && scheme == "kubernetes":
		return parseKubernetes(target, rest)
	case found && scheme == "unix":
		return parseStatic(target, []string{target})
	case strings.Contains(target, "://"):
		return Source{}, fmt.Errorf("target is %q; scheme %q is not known: %s", target, scheme, knownTargets)
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return Source{}, fmt.Errorf("target is %q; %s", target, knownTargets)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return parseStatic(target, []string{target})
	}
	return parseDNS(target, target)
}

func parseDNS(target, rest string) (Source, error) {
	server := ""
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		server, rest, ok = strings.Cut(after, "/")
		if !ok {
			return Source{}, fmt.Errorf(`target is %q; after "dns://" comes a server or nothing, and "/host:port", as in "dns:///books.example:50051"`, target)
		}
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return Source{}, fmt.Errorf(`target is %q; it must state a port, as in "dns:///books.example:50051"`, target)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Source{}, fmt.Errorf("target is %q; its port must be 1 to 65535", target)
	}
	d, err := NewDNS(DNSConfig{Host: host, Port: uint16(n), Server: server})
	if err != nil {
		return Source{}, fmt.Errorf("target is %q: %w", target, err)
	}
	return Source{Name: target, Authority: rest, Lookup: d}, nil
}

func parseFile(target, rest string) (Source, error) {
	path, ok := strings.CutPrefix(rest, "//")
	if !ok || !strings.HasPrefix(path, "/") {
		return Source{}, fmt.Errorf(`target is %q; after "file://" comes an absolute path, as in "file:///etc/books.yaml"`, target)
	}
	s, err := FromFile(FileConfig{Path: path})
	s.Name = target
	return s, err
}

func parseConsul(target string) (Source, error) {
	u, err := url.Parse(target)
	if err != nil || u.Opaque != "" || len(u.Path) < 2 || strings.Contains(u.Path[1:], "/") {
		return Source{}, fmt.Errorf(`target is %q; it must be as "consul://agent:8500/service" or "consul:///service"`, target)
	}
	cfg := ConsulConfig{Service: u.Path[1:]}
	if u.Host != "" {
		cfg.Server = "http://" + u.Host
	}
	for name, values := range u.Query() {
		switch name {
		case "tag":
			cfg.Tags = values
		case "dc":
			cfg.Datacenter = values[0]
		case "ns":
			cfg.Namespace = values[0]
		default:
			return Source{}, fmt.Errorf(`target is %q; parameter %q is not known: there are tag, dc and ns`, target, name)
		}
	}
	s, err := FromConsul(cfg)
	if err != nil {
		return Source{}, fmt.Errorf("target is %q: %w", target, err)
	}
	s.Name = target
	return s, nil
}

func parseKubernetes(target, rest string) (Source, error) {
	service, ok := strings.CutPrefix(rest, "///")
	if !ok {
		return Source{}, fmt.Errorf(`target is %q; it must be as "kubernetes:///service.namespace:port"`, target)
	}
	service, port, _ := strings.Cut(service, ":")
	service, namespace, _ := strings.Cut(service, ".")
	s, err := FromKubernetes(KubernetesConfig{Service: service, Namespace: namespace, Port: port})
	if err != nil {
		return Source{}, fmt.Errorf("target is %q: %w", target, err)
	}
	s.Name = target
	return s, nil
}

func parseStatic(target string, addresses []string) (Source, error) {
	endpoints := make([]endpoint.Endpoint, len(addresses))
	for i, a := range addresses {
		spec := endpoint.Spec{Addresses: []string{strings.TrimSpace(a)}}
		if len(addresses) > 1 && !strings.HasPrefix(a, "unix:") {
			// Of several hosts each answers by its own name.
			spec.ServerName = strings.TrimSpace(a)
		}
		e, err := endpoint.New(spec)
		if err != nil {
			return Source{}, fmt.Errorf("target is %q: %w", target, err)
		}
		endpoints[i] = e
	}
	s, err := NewStatic(endpoints)
	if err != nil {
		return Source{}, fmt.Errorf("target is %q: %w", target, err)
	}
	return Source{Name: target, Authority: authorityOf(endpoints[0]), Watch: s}, nil
}

// authorityOf returns what calls to e say they are for.
func authorityOf(e endpoint.Endpoint) string {
	if network, address := endpoint.Dialable(e.Address()); network == "tcp" {
		return address
	}
	return "localhost"
}

// FromEndpoints returns the source of a list that never changes. Calls are for the first endpoint's
// address, where an endpoint states no server name.
func FromEndpoints(name string, endpoints []endpoint.Endpoint) (Source, error) {
	s, err := NewStatic(endpoints)
	if err != nil {
		return Source{}, err
	}
	return Source{Name: name, Authority: authorityOf(endpoints[0]), Watch: s}, nil
}
