// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"cmp"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// Ways in which a backend says where its servers are.
const (
	byName = "target"
	byList = "endpoints"
)

// placement says how a backend says where the servers of a cluster are; "" for one that cannot.
func placement(k *clusterv3.Cluster) string {
	members := addresses(k)
	switch {
	case len(members) == 0 || k.GetClusterType() != nil:
		return ""
	case k.GetType() == clusterv3.Cluster_STATIC:
		return byList
	case k.GetType() != clusterv3.Cluster_STRICT_DNS && k.GetType() != clusterv3.Cluster_LOGICAL_DNS:
		return ""
	case len(members) == 1 && !strings.HasPrefix(members[0], "unix:"):
		return byName
	default:
		return byList
	}
}

var hostOrIP = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)

// addresses returns where the servers of a cluster are, host:port or unix:path; none where one of them cannot be said.
func addresses(k *clusterv3.Cluster) []string {
	var all []string
	for _, l := range k.GetLoadAssignment().GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			a := address(e)
			if a == "" {
				return nil
			}
			all = append(all, a)
		}
	}
	return all
}

func address(e *endpointv3.LbEndpoint) string {
	a := e.GetEndpoint().GetAddress()
	if p := a.GetPipe().GetPath(); strings.HasPrefix(p, "/") {
		return "unix:" + p
	}
	s := a.GetSocketAddress()
	const most = 65535
	host := s.GetAddress()
	if s.GetPortValue() < 1 || s.GetPortValue() > most || s.GetNamedPort() != "" || s.GetProtocol() != corev3.SocketAddress_TCP ||
		net.ParseIP(host) == nil && !hostOrIP.MatchString(host) {
		return ""
	}
	return net.JoinHostPort(host, strconv.FormatUint(uint64(s.GetPortValue()), 10))
}

// cluster converts a cluster.
func (c *conversion) cluster(k found[*clusterv3.Cluster], backends *settings) {
	m, s, path := k.message, k.source, k.path
	how := placement(m)
	if how == "" {
		c.note(s, path, Left, "the cluster %q is left out: where its servers are does not stand in the file, or cannot be said; a backend has a target, endpoints, or is found by etcd, Consul, Kubernetes or xDS",
			m.GetName())
		return
	}
	c.rest(s, m, path, "name", "type", "load_assignment", "connect_timeout", "lb_policy", "http2_protocol_options", "typed_extension_protocol_options", "transport_socket", "health_checks",
		"outlier_detection", "circuit_breakers", "dns_refresh_rate", "dns_lookup_family", "ring_hash_lb_config", "maglev_lb_config", "least_request_lb_config", "round_robin_lb_config",
		"common_lb_config", "alt_stat_name")
	own := newSettings()
	c.members(s, m, join(path, "load_assignment"), how, own)
	if d := m.GetConnectTimeout(); d != nil {
		own.set("connect_timeout", c.within(s, join(path, "connect_timeout"), d.AsDuration(), millisecond, 5*time.Minute)) //nolint:mnd // the bound of the setting
	}
	if d := m.GetDnsRefreshRate(); d != nil { //nolint:staticcheck // people have it
		if at := join(path, "dns_refresh_rate"); how == byName && net.ParseIP(strings.Trim(hostOf(addresses(m)[0]), "[]")) == nil {
			own.set("resolve_interval", c.within(s, at, d.AsDuration(), 10*millisecond, hour)) //nolint:mnd // the bound of the setting
		} else {
			c.note(s, at, Done, "names in a list of endpoints are looked up with each connection")
		}
	}
	if m.GetDnsLookupFamily() != clusterv3.Cluster_AUTO {
		c.note(s, join(path, "dns_lookup_family"), Done, "all addresses of a name are used here")
	}
	c.balancing(s, m, path, own)
	c.transport(s, m, path, own)
	c.health(s, m, path, own)
	c.breakers(s, m.GetCircuitBreakers(), join(path, "circuit_breakers"), own)
	backends.set(c.backends[m.GetName()], own)
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// members converts where the servers are.
func (c *conversion) members(s *source, m *clusterv3.Cluster, path, how string, own *settings) {
	c.rest(s, m.GetLoadAssignment(), path, "cluster_name", "endpoints")
	var list []*settings
	var seen []string
	for i, l := range m.GetLoadAssignment().GetEndpoints() {
		at := item(join(path, "endpoints"), i)
		c.rest(s, l, at, "lb_endpoints", "locality", "priority")
		c.rest(s, l.GetLocality(), join(at, "locality"), "zone")
		for j, e := range l.GetLbEndpoints() {
			each := item(join(at, "lb_endpoints"), j)
			c.rest(s, e, each, "endpoint", "load_balancing_weight")
			c.rest(s, e.GetEndpoint(), join(each, "endpoint"), "address")
			where, a := join(each, "endpoint.address"), e.GetEndpoint().GetAddress()
			c.rest(s, a, where, "socket_address", "pipe")
			c.rest(s, a.GetSocketAddress(), join(where, "socket_address"), "address", "port_value")
			c.rest(s, a.GetPipe(), join(where, "pipe"), "path")
			server := newSettings()
			if slices.Contains(seen, address(e)) {
				c.note(s, each, Left, "the server is there already; a weight sends it more calls")
				continue
			}
			seen = append(seen, address(e))
			server.set("address", address(e))
			if w := e.GetLoadBalancingWeight(); w != nil {
				const most = 65536
				server.set("weight", c.number(s, join(each, "load_balancing_weight"), w.GetValue(), 1, most))
			}
			const longest = 128
			if z := l.GetLocality().GetZone(); len(z) <= longest {
				server.set("zone", z)
			}
			if p := l.GetPriority(); p > 0 {
				const most = 127
				server.set("priority", c.number(s, join(at, "priority"), p, 1, most))
			}
			list = append(list, server)
		}
	}
	if how == byName && len(list[0].node.Content) == 2 {
		own.set("target", address(m.GetLoadAssignment().GetEndpoints()[slices.IndexFunc(m.GetLoadAssignment().GetEndpoints(), func(l *endpointv3.LocalityLbEndpoints) bool {
			return len(l.GetLbEndpoints()) > 0
		})].GetLbEndpoints()[0]))
		return
	}
	if how == byName {
		c.note(s, path, Done, "the name is looked up with each connection, for the server has a weight, a zone or a priority")
	}
	own.set("endpoints", list)
}

// balancing converts how a server is chosen.
func (c *conversion) balancing(s *source, m *clusterv3.Cluster, path string, own *settings) {
	b := newSettings()
	at := join(path, "lb_policy")
	policy, known := map[clusterv3.Cluster_LbPolicy]string{
		clusterv3.Cluster_ROUND_ROBIN: "round_robin", clusterv3.Cluster_LEAST_REQUEST: "least_request", clusterv3.Cluster_RING_HASH: "ring_hash",
		clusterv3.Cluster_RANDOM: "random", clusterv3.Cluster_MAGLEV: "maglev",
	}[m.GetLbPolicy()]
	switch {
	case !known:
		c.note(s, at, Left, "has no equal; the backend is balanced by the policy that is there without a setting, adaptive")
		policy = ""
	case !s.set(at):
		c.once(s, s.where(path), path, Done, "without an lb_policy Envoy takes turns; here the server of the least expected cost is chosen (adaptive)")
		policy = ""
	case policy == "round_robin" && weighted(m):
		policy = "weighted_round_robin"
	}
	if h := c.hashKeys[c.backends[m.GetName()]]; h != nil && (policy == "ring_hash" || policy == "maglev") {
		b.set("policy", policy)
		b.set("hash_key", h.keys)
	} else if policy == "ring_hash" || policy == "maglev" {
		c.note(s, at, Left, "no route to the cluster has a hash_policy that can be said here, so the backend is balanced at random; write hash_key by hand")
		policy = "random"
		b.set("policy", policy)
	} else {
		b.set("policy", policy)
		if h != nil {
			c.note(h.source, h.path, Done, "counts only with ring_hash and maglev")
		}
	}
	c.parameters(s, m, path, policy, b)
	own.set("load_balancing", b)
}

func weighted(m *clusterv3.Cluster) bool {
	for _, l := range m.GetLoadAssignment().GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			if e.GetLoadBalancingWeight().GetValue() > 1 {
				return true
			}
		}
	}
	return false
}

// parameters converts what policies are tuned by.
func (c *conversion) parameters(s *source, m *clusterv3.Cluster, path, policy string, b *settings) {
	if p := m.GetMaglevLbConfig(); p != nil {
		at := join(path, "maglev_lb_config")
		c.rest(s, p, at, "table_size")
		if v := p.GetTableSize(); v != nil && policy == "maglev" {
			const most = 8388608
			b.in("maglev").set("table", uint32(min(max(v.GetValue(), 1), most))) //nolint:gosec // within the bound
		} else if v != nil {
			c.note(s, join(at, "table_size"), Done, "counts only with maglev")
		}
	}
	if p := m.GetLeastRequestLbConfig(); p != nil {
		at := join(path, "least_request_lb_config")
		c.rest(s, p, at, "choice_count")
		if v := p.GetChoiceCount(); v != nil && policy == "least_request" {
			const least, most = 2, 1024
			b.in("least_request").set("choices", c.number(s, join(at, "choice_count"), v.GetValue(), least, most))
		} else if v != nil {
			c.note(s, join(at, "choice_count"), Done, "counts only with least_request")
		}
	}
	if p := m.GetRingHashLbConfig(); p != nil {
		c.rest(s, p, join(path, "ring_hash_lb_config"))
	}
	if p := m.GetRoundRobinLbConfig(); p != nil {
		c.rest(s, p, join(path, "round_robin_lb_config"))
	}
	if p := m.GetCommonLbConfig(); p != nil {
		at := join(path, "common_lb_config")
		c.rest(s, p, at, "healthy_panic_threshold")
		if v := p.GetHealthyPanicThreshold(); v != nil {
			const hundred = 100
			b.set("panic_percent", c.number(s, join(at, "healthy_panic_threshold"), uint32(min(max(v.GetValue(), 0), hundred)), 1, hundred))
		}
	}
}

// hashing is what routes say of which server a call goes to.
type hashing struct {
	keys   []*settings
	source *source
	path   string
}

// hashing converts by what a call is hashed; that is the backend's here.
func (c *conversion) hashing(s *source, a *routev3.RouteAction, path string, targets []target) {
	if len(a.GetHashPolicy()) == 0 {
		return
	}
	h := &hashing{source: s, path: path}
	for i, p := range a.GetHashPolicy() {
		at := item(path, i)
		c.rest(s, p, at, "header", "cookie", "connection_properties")
		key := newSettings()
		switch p := p.GetPolicySpecifier().(type) {
		case *routev3.RouteAction_HashPolicy_Header_:
			c.rest(s, p.Header, join(at, "header"), "header_name")
			if name := strings.ToLower(p.Header.GetHeaderName()); fieldName.MatchString(name) {
				key.set("header", name)
			}
		case *routev3.RouteAction_HashPolicy_Cookie_:
			c.rest(s, p.Cookie, join(at, "cookie"), "name")
			if cookieName.MatchString(p.Cookie.GetName()) {
				key.set("cookie", p.Cookie.GetName())
			}
		case *routev3.RouteAction_HashPolicy_ConnectionProperties_:
			if p.ConnectionProperties.GetSourceIp() {
				key.set("client_address", true)
			}
		}
		const most = 4
		if key.empty() || len(h.keys) == most {
			c.note(s, at, Left, "has no equal in load_balancing.hash_key, which has %d entries at most", most)
			continue
		}
		h.keys = append(h.keys, key)
	}
	if len(h.keys) == 0 {
		return
	}
	for _, t := range targets {
		before := c.hashKeys[t.backend]
		if before == nil {
			c.hashKeys[t.backend] = h
			continue
		}
		a, b := newSettings(), newSettings()
		a.set("keys", before.keys)
		b.set("keys", h.keys)
		if a.String() != b.String() {
			c.note(s, path, Left, "the backend has the hash_key of the first route to it, %s", before.path)
		}
	}
}

var cookieName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// transport converts how connections are made.
func (c *conversion) transport(s *source, m *clusterv3.Cluster, path string, own *settings) {
	http2 := m.GetHttp2ProtocolOptions() //nolint:staticcheck // people have it
	at := join(path, "http2_protocol_options")
	for _, name := range sorted(m.GetTypedExtensionProtocolOptions()) {
		each := entry(join(path, "typed_extension_protocol_options"), name)
		o, ok := opened(m.GetTypedExtensionProtocolOptions()[name]).(*httpv3.HttpProtocolOptions)
		if !ok {
			continue // there is a note
		}
		c.rest(s, o, each, "explicit_http_config")
		e := o.GetExplicitHttpConfig()
		c.rest(s, e, join(each, "explicit_http_config"), "http2_protocol_options")
		if e.GetHttp2ProtocolOptions() != nil {
			http2, at = e.GetHttp2ProtocolOptions(), join(each, "explicit_http_config.http2_protocol_options")
		}
	}
	if http2 == nil {
		c.note(s, path, Left, "the cluster speaks HTTP/1.1 in Envoy; backends here are servers of gRPC, and are spoken to by HTTP/2")
	}
	c.rest(s, http2, at, "connection_keepalive")
	if k := http2.GetConnectionKeepalive(); k != nil {
		keepalive := newSettings()
		own2 := join(at, "connection_keepalive")
		c.rest(s, k, own2, "interval", "timeout")
		if d := k.GetInterval(); d != nil {
			keepalive.set("time", c.within(s, join(own2, "interval"), d.AsDuration(), 10*second, day)) //nolint:mnd // the bound of the setting
		}
		if d := k.GetTimeout(); d != nil {
			keepalive.set("timeout", c.within(s, join(own2, "timeout"), d.AsDuration(), 2*second, 5*time.Minute)) //nolint:mnd // likewise
		}
		own.set("keepalive", keepalive)
	}
	socket := m.GetTransportSocket()
	if socket == nil {
		return
	}
	at = join(path, "transport_socket")
	c.rest(s, socket, at, "name", "typed_config")
	t, ok := opened(socket.GetTypedConfig()).(*tlsv3.UpstreamTlsContext)
	if !ok {
		c.note(s, at, Guard, "connections would be in clear text, for the transport has no place here; give the backend tls")
		return
	}
	c.clientTLS(s, t, join(at, "typed_config"), own)
}

// clientTLS converts how a backend proves who it is.
func (c *conversion) clientTLS(s *source, t *tlsv3.UpstreamTlsContext, path string, own *settings) {
	c.rest(s, t, path, "common_tls_context", "sni")
	common, at := t.GetCommonTlsContext(), join(path, "common_tls_context")
	c.rest(s, common, at, "tls_certificates", "alpn_protocols", "validation_context")
	if len(common.GetAlpnProtocols()) > 0 {
		c.note(s, join(at, "alpn_protocols"), Done, "is always h2 here; Envoy had %q", common.GetAlpnProtocols())
	}
	tls := own.in("tls")
	cert, key := c.keyPair(s, common.GetTlsCertificates(), join(at, "tls_certificates"))
	if (cert == "") != (key == "") {
		c.note(s, at, Left, "the certificate and its key are not both in files; write cert and key of the backend's tls by hand")
		cert, key = "", ""
	}
	v, at := common.GetValidationContext(), join(at, "validation_context")
	c.rest(s, v, at, "trusted_ca", "match_typed_subject_alt_names")
	c.rest(s, v.GetTrustedCa(), join(at, "trusted_ca"), "filename")
	ca := v.GetTrustedCa().GetFilename()
	if ca == "" {
		c.note(s, at, Done, "the backend's certificate is held to the CAs of the system here, where Envoy names none; name another in tls.ca")
	}
	name := t.GetSni()
	for i, san := range v.GetMatchTypedSubjectAltNames() {
		own := item(join(at, "match_typed_subject_alt_names"), i)
		exact, ok := exactly(san.GetMatcher())
		switch {
		case i == 0 && ok && san.GetSanType() == tlsv3.SubjectAltNameMatcher_DNS && exact != "":
			if name != "" && name != exact {
				c.note(s, own, Left, "the certificate must have the name that is asked for, which is that here and not %q", name)
			}
			name = exact
		default:
			c.note(s, own, Left, "the certificate must have one name here, tls.server_name")
		}
	}
	tls.set("ca", ca)
	tls.set("cert", cert)
	tls.set("key", key)
	tls.set("server_name", name)
	if tls.empty() {
		tls.set("server_name", cmp.Or(name, hostOf(own.target())))
	}
}

// target is the target of a backend, or the address of its first endpoint.
func (s *settings) target() string {
	if s.has("target") {
		return s.in("target").node.Value
	}
	if list := s.in("endpoints").node.Content; len(list) > 0 {
		return (&settings{list[0]}).in("address").node.Value
	}
	return ""
}
