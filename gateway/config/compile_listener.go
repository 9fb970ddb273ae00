// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/admin"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// Bounds of sizes; they stand in the comments of the schema, too.
const (
	mostMessage = 1 << 30
	leastHeader = 1 << 10
	mostHeader  = 1 << 20
	leastWindow = 64 << 10
	leastPath   = 256
	mostPath    = 60 << 10
	mostStream  = 64 << 20
	mostWindow  = 256 << 20

	mostCompressFrom = 64 << 20
)

// socket is an address that we listen on, and the setting that says so.
type socket struct{ host, port, path string }

// admin compiles the operators' listener.
func (k *compiler) admin(m *configv1.Admin) {
	const path = "admin.address"
	k.cfg.Admin = Admin{Address: m.GetAddress(), Token: m.GetToken(), TokenFile: k.file(m.GetTokenFile()), ReadOnly: m.GetReadOnly(), DataDir: k.file(m.GetDataDir())}
	k.capture(m.GetCapture(), "admin.capture")
	if m.GetToken() != "" {
		if m.GetTokenFile() != "" {
			k.on("admin.token_file", "keep one of them", "excludes token, which is set")
		}
		if err := admin.CheckToken(m.GetToken()); err != nil {
			k.on("admin.token", "", "%s", k.detail("admin.token", err))
		}
	}
	if m.GetAddress() == "" {
		return
	}
	if s, ok := k.socket(m.GetAddress(), path); ok && !loopback(s.host) && m.GetToken() == "" && m.GetTokenFile() == "" {
		k.on(path, "set admin.token, or write 127.0.0.1:"+s.port, "must be loopback where there is no token: who reaches it is not asked who they are")
	}
}

// listeners compiles the clients' sockets.
func (k *compiler) listeners(list []*configv1.Listener) {
	names := map[string]string{}
	var sockets []socket
	address := k.cfg.Admin.Address
	if address == "" {
		address = DefaultAdminAddress
	}
	if host, port, err := net.SplitHostPort(address); err == nil {
		sockets = append(sockets, socket{host: host, port: port, path: "admin.address"})
	}
	for i, m := range list {
		path := item("listeners", i)
		unique(k.collector, names, m.GetName(), path+".name", "give one of them another name")
		if s, ok := k.socket(m.GetAddress(), path+".address"); ok {
			for _, o := range sockets {
				if s.overlaps(o) {
					k.on(path+".address", "", "is taken by %s", k.taken(o))
				}
			}
			sockets = append(sockets, s)
		}
		k.cfg.Listeners = append(k.cfg.Listeners, k.listener(m, path))
		if own := (Local{Reflection: m.GetReflection(), Health: m.GetHealth()}); own != (Local{}) {
			if k.cfg.Local == nil {
				k.cfg.Local = map[string]Local{}
			}
			k.cfg.Local[m.GetName()] = own
		}
	}
	k.reachable(list)
}

func (k *compiler) listener(m *configv1.Listener, path string) transport.Config {
	limits, connections := m.GetLimits(), m.GetConnections()
	t := transport.Config{
		Name:                 m.GetName(),
		Address:              m.GetAddress(),
		Protocols:            m.GetProtocols(),
		AltSvc:               transport.AltSvc{Off: m.GetAltSvc().GetDisabled(), MaxAge: m.GetAltSvc().GetMaxAge().AsDuration(), Port: int(m.GetAltSvc().GetPort())},
		MaxHeader:            int(k.size(limits.GetMaxHeader(), path+".limits.max_header", leastHeader, mostHeader)),
		MaxHeaderFields:      int(limits.GetMaxHeaderFields()),
		MaxMessage:           k.size(limits.GetMaxMessage(), path+".limits.max_message", 1, mostMessage),
		MaxAnswer:            int(k.size(limits.GetMaxResponseMessage(), path+".limits.max_response_message", 1, mostMessage)),
		HeaderTimeout:        limits.GetHeaderTimeout().AsDuration(),
		RequestTimeout:       limits.GetRequestTimeout().AsDuration(),
		WriteStall:           limits.GetWriteStall().AsDuration(),
		IdleTimeout:          connections.GetMaxIdle().AsDuration(),
		MaxAge:               connections.GetMaxAge().AsDuration(),
		PingAfter:            m.GetKeepalive().GetPingAfter().AsDuration(),
		PingTimeout:          m.GetKeepalive().GetPingTimeout().AsDuration(),
		MaxConnections:       int(limits.GetMaxConnections()),
		MaxConcurrentStreams: int(connections.GetMaxConcurrentStreams()),
		AllowUnderscores:     limits.GetAllowUnderscores(),
		DropInvalidHeaders:   limits.GetDropInvalidHeaders(),
		TrustedProxies:       k.prefixes(m.GetTrustedProxies(), path+".trusted_proxies"),
		Heartbeat:            connections.GetStreamHeartbeat().AsDuration(),
		StreamWindow:         int(k.size(connections.GetStreamWindow(), path+".connections.stream_window", leastWindow, mostStream)),
		ConnectionWindow:     int(k.size(connections.GetConnectionWindow(), path+".connections.connection_window", leastWindow, mostWindow)),
	}
	if s, c := cmp.Or(t.StreamWindow, transport.DefaultStreamWindow), cmp.Or(t.ConnectionWindow, transport.DefaultConnectionWindow); s > c {
		k.on(path+".connections.stream_window", "", "is more than the window of the connection, %d bytes", c)
	}
	t.TLS = k.tls(m.GetTls(), path+".tls")
	t.ProxyProtocol = k.proxyProtocol(m, t.TrustedProxies, path)
	k.distinct(m.GetProtocols(), path+".protocols")
	if k.uncertain[path] || k.isRefused(path+".tls") {
		return t // whether there is tls is not certain
	}
	for i, p := range m.GetProtocols() {
		switch {
		case p == transport.HTTP2 && t.TLS == nil:
			k.on(item(path+".protocols", i), "did you mean h2c?", "http2 needs tls; in clear text it is h2c")
		case p == transport.H2C && t.TLS != nil:
			k.on(item(path+".protocols", i), "did you mean http2?", "h2c is clear text; with tls it is http2")
		case p == transport.HTTP3 && t.TLS == nil:
			k.on(item(path+".protocols", i), "", "http3 needs tls")
		case p == transport.HTTP3 && len(m.GetProtocols()) == 1:
			k.on(item(path+".protocols", i), "write [http1, http2, http3]", "http3 cannot be alone: clients learn of it from answers over http1 or http2, and go back to them where UDP does not pass")
		}
	}
	if m.GetAltSvc() != nil && !slices.Contains(m.GetProtocols(), transport.HTTP3) {
		k.on(path+".alt_svc", "", "is about http3, which protocols does not have")
	}
	return t
}

// socket reads an address to listen on.
func (k *compiler) socket(address, path string) (socket, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsAny(host, "/ ,@") {
		k.on(path, "", "must be host:port, such as 127.0.0.1:8080, [::1]:8080 or :8080")
		return socket{}, false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		k.on(path, "", "must have a port of 0 to 65535")
		return socket{}, false
	}
	return socket{host: strings.ToLower(host), port: port, path: path}, true
}

// taken says where a socket is set.
func (k *compiler) taken(s socket) string {
	if p, ok := k.places[s.path]; ok {
		return fmt.Sprintf("%s, in line %d, column %d", s.path, p.line, p.column)
	}
	return fmt.Sprintf("%s, which is %s unless it is set", s.path, DefaultAdminAddress)
}

// overlaps says whether two sockets cannot be open together.
func (s socket) overlaps(o socket) bool {
	if s.port != o.port || s.port == "0" {
		return false
	}
	a, errA := netip.ParseAddr(s.host)
	b, errB := netip.ParseAddr(o.host)
	switch {
	case s.host == o.host, s.host == "", o.host == "": // nothing is every address
		return true
	case errA != nil || errB != nil: // a name; of those we only know localhost
		return s.host == "localhost" && errB == nil && (b.IsUnspecified() || b.IsLoopback()) ||
			o.host == "localhost" && errA == nil && (a.IsUnspecified() || a.IsLoopback())
	}
	a, b = a.Unmap(), b.Unmap()
	// :: is every address of both families.
	return a == b || a.IsUnspecified() && (a.Is6() || b.Is4()) || b.IsUnspecified() && (b.Is6() || a.Is4())
}

// loopback says whether a host can only be this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || slices.Contains([]string{"localhost", "ip6-localhost"}, host)
}

// prefixes returns the prefixes of a list; an address alone is a prefix of all its bits.
func (k *compiler) prefixes(list []string, path string) []netip.Prefix {
	seen := map[string]string{}
	var prefixes []netip.Prefix
	for i, s := range list {
		at := item(path, i)
		prefix, err := netip.ParsePrefix(s)
		if address, errAddress := netip.ParseAddr(s); errAddress == nil && address.Zone() == "" {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			k.on(at, "", "must be an address or a prefix, such as 10.0.0.0/8")
			continue
		}
		if prefix != prefix.Masked() {
			k.on(at, "", "has bits behind its prefix; they must be 0")
			continue
		}
		if unique(k.collector, seen, prefix.String(), at, "remove one of them") {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}
