// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"cmp"
	"fmt"
	"net"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
)

// bootstrap takes what is around listeners and clusters.
func (c *conversion) bootstrap(s *source) {
	c.rest(s, s.bootstrap, s.prefix, "static_resources", "admin")
	c.rest(s, s.bootstrap.GetStaticResources(), join(s.prefix, "static_resources"), "listeners", "clusters")
	admin, path := s.bootstrap.GetAdmin(), join(s.prefix, "admin")
	if admin == nil {
		return
	}
	c.rest(s, admin, path, "address")
	host, port, ok := c.address(s, admin.GetAddress(), join(path, "address"))
	if !ok {
		return
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		c.note(s, join(path, "address"), Left, "the admin listener is on 127.0.0.1 here; for another address it needs a token (admin.token)")
		host = "127.0.0.1"
	}
	c.out.in("admin").set("address", net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10)))
}

// address returns the host and the port of a socket.
func (c *conversion) address(s *source, a *corev3.Address, path string) (host string, port uint32, ok bool) {
	socket := a.GetSocketAddress()
	c.rest(s, a, path, "socket_address", "pipe")
	if socket == nil {
		return "", 0, false
	}
	own := join(path, "socket_address")
	c.rest(s, socket, own, "address", "port_value", "named_port", "protocol")
	if socket.GetNamedPort() != "" {
		c.note(s, join(own, "named_port"), Left, "has no number here; name the port in the address")
		return "", 0, false
	}
	const most = 65535
	if socket.GetPortValue() > most {
		c.note(s, join(own, "port_value"), Left, "is no port")
		return "", 0, false
	}
	return socket.GetAddress(), socket.GetPortValue(), true
}

// listener converts a listener and what is behind it.
func (c *conversion) listener(l found[*listenerv3.Listener]) {
	m, s, path := l.message, l.source, l.path
	c.rest(s, m, path, "name", "address", "filter_chains")
	at := join(path, "address")
	host, port, ok := c.address(s, m.GetAddress(), at)
	if !ok {
		c.note(s, at, Left, "a listener here has an address of host and port; this one is left out")
		return
	}
	if m.GetAddress().GetSocketAddress().GetProtocol() == corev3.SocketAddress_UDP {
		c.note(s, at, Left, "HTTP/3 has no listener of its own here: add http3 to protocols of the listener that has the same port for TCP")
		return
	}
	if host == "0.0.0.0" || host == "::" {
		host = ""
	}
	if host != "" && net.ParseIP(host) == nil {
		c.note(s, at, Left, "is no address of IP; this listener is left out")
		return
	}
	own := newSettings()
	own.set("name", c.listenerName(m.GetName()))
	own.set("address", net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10)))
	served := false
	for i, chain := range m.GetFilterChains() {
		if at := item(join(path, "filter_chains"), i); served {
			c.note(s, at, Left, "a listener here has one certificate and one way; put this chain on a listener of its own")
		} else {
			served = c.chain(s, chain, at, own)
		}
	}
	if served {
		c.listeners = append(c.listeners, own)
	}
}

// listenerName is a name that a listener here can have.
func (c *conversion) listenerName(name string) string {
	const longest = 60
	own := cmp.Or(unfit.ReplaceAllString(name, "-"), fmt.Sprintf("listener-%d", len(c.listeners)+1))
	for own[0] == '-' || own[0] == '_' || own[0] == '.' {
		if own = own[1:]; own == "" {
			own = "listener"
		}
	}
	own = own[:min(len(own), longest)]
	for base, i := own, 2; c.told["listener "+own]; i++ {
		own = fmt.Sprintf("%s-%d", base, i)
	}
	c.told["listener "+own] = true
	return own
}

// chain converts a filter chain, and says whether it serves HTTP.
func (c *conversion) chain(s *source, chain *listenerv3.FilterChain, path string, own *settings) bool {
	c.rest(s, chain, path, "filters", "transport_socket", "name")
	if socket := chain.GetTransportSocket(); socket != nil {
		at := join(path, "transport_socket")
		c.rest(s, socket, at, "name", "typed_config")
		switch m := opened(socket.GetTypedConfig()).(type) {
		case *tlsv3.DownstreamTlsContext:
			c.serverTLS(s, m, join(at, "typed_config"), own)
		default:
			c.note(s, at, Guard, "the listener would be in clear text, for its transport has no place here; give it tls")
			return false
		}
	}
	served := false
	for i, f := range chain.GetFilters() {
		at := item(join(path, "filters"), i)
		c.rest(s, f, at, "name", "typed_config")
		m, ok := opened(f.GetTypedConfig()).(*managerv3.HttpConnectionManager)
		switch {
		case !ok:
			c.note(s, at, Guard, "what this filter of connections does is done by nobody here")
		case served:
			c.note(s, at, Left, "a second connection manager of a chain has no place")
		default:
			served = true
			c.manager(s, m, join(at, "typed_config"), own)
		}
	}
	return served
}

// serverTLS converts how a listener shows who it is.
func (c *conversion) serverTLS(s *source, m *tlsv3.DownstreamTlsContext, path string, own *settings) {
	c.rest(s, m, path, "common_tls_context", "require_client_certificate")
	common, at := m.GetCommonTlsContext(), join(path, "common_tls_context")
	c.rest(s, common, at, "tls_certificates", "alpn_protocols", "tls_params", "validation_context")
	tls := newSettings()
	cert, key := c.keyPair(s, common.GetTlsCertificates(), join(at, "tls_certificates"))
	tls.set("cert", cmp.Or(cert, "tls.crt"))
	tls.set("key", cmp.Or(key, "tls.key"))
	if cert == "" || key == "" {
		c.note(s, at, Guard, "the certificate is not in files; put it into tls.crt and tls.key beside the configuration")
	}
	if params := common.GetTlsParams(); params != nil {
		own := join(at, "tls_params")
		c.rest(s, params, own, "tls_minimum_protocol_version")
		switch v := params.GetTlsMinimumProtocolVersion(); v {
		case tlsv3.TlsParameters_TLSv1_3:
			tls.set("min_version", "1.3")
		case tlsv3.TlsParameters_TLS_AUTO, tlsv3.TlsParameters_TLSv1_2:
			c.note(s, own, Done, "the lowest version is TLS 1.2, as it is here without a setting")
		default:
			c.note(s, own, Done, "%s is not spoken here; the lowest version is TLS 1.2", v)
		}
	}
	if len(common.GetAlpnProtocols()) > 0 {
		c.note(s, join(at, "alpn_protocols"), Done, "follows from protocols of the listener, which are http1 and http2 without a setting; Envoy had %q", common.GetAlpnProtocols())
	}
	c.clientCertificates(s, m, join(path, "require_client_certificate"), at, tls)
	own.set("tls", tls)
}

// clientCertificates converts what a listener wants of clients.
func (c *conversion) clientCertificates(s *source, m *tlsv3.DownstreamTlsContext, required, common string, tls *settings) {
	v, at := m.GetCommonTlsContext().GetValidationContext(), join(common, "validation_context")
	if !m.GetRequireClientCertificate().GetValue() && v == nil {
		if m.GetRequireClientCertificate() != nil {
			c.note(s, required, Done, "clients are not asked for a certificate, as here without a setting")
		}
		return
	}
	how := "request"
	if m.GetRequireClientCertificate().GetValue() {
		how = "require"
	}
	tls.set("client_certificates", how)
	ca := v.GetTrustedCa().GetFilename()
	if ca == "" {
		c.note(s, at, Guard, "who signs certificates of clients is in no file; give auth.providers an mtls with a ca, and policies its name")
		return
	}
	c.rest(s, v, at, "trusted_ca", "match_typed_subject_alt_names")
	c.rest(s, v.GetTrustedCa(), join(at, "trusted_ca"), "filename")
	provider := newSettings()
	provider.in("mtls").set("ca", ca)
	var allow []string
	for i, san := range v.GetMatchTypedSubjectAltNames() {
		kind := map[tlsv3.SubjectAltNameMatcher_SanType]string{
			tlsv3.SubjectAltNameMatcher_DNS: "dns:", tlsv3.SubjectAltNameMatcher_URI: "uri:", tlsv3.SubjectAltNameMatcher_EMAIL: "email:", tlsv3.SubjectAltNameMatcher_IP_ADDRESS: "ip:",
		}[san.GetSanType()]
		own := item(join(at, "match_typed_subject_alt_names"), i)
		c.rest(s, san, own, "san_type", "matcher")
		if exact, ok := exactly(san.GetMatcher()); ok && kind != "" {
			allow = append(allow, kind+exact)
			continue
		}
		c.note(s, own, Guard, "only exact names, and dns:*. and uri:…/* are there for certificates; write allow of the provider by hand")
	}
	if len(allow) < len(v.GetMatchTypedSubjectAltNames()) {
		return // with fewer names fewer get in, with none all
	}
	provider.in("mtls").set("allow", unique(allow))
	c.provider("mtls", provider)
	c.require("mtls")
}

// keyPair returns the files of a certificate and its key.
func (c *conversion) keyPair(s *source, list []*tlsv3.TlsCertificate, path string) (cert, key string) {
	for i, p := range list {
		at := item(path, i)
		if i > 0 {
			c.note(s, at, Left, "one certificate is shown here; put the others on listeners of their own")
			continue
		}
		c.rest(s, p, at, "certificate_chain", "private_key")
		for name, d := range map[string]*corev3.DataSource{"certificate_chain": p.GetCertificateChain(), "private_key": p.GetPrivateKey()} {
			if d != nil {
				c.rest(s, d, join(at, name), "filename")
			}
		}
		cert, key = p.GetCertificateChain().GetFilename(), p.GetPrivateKey().GetFilename()
	}
	return cert, key
}
