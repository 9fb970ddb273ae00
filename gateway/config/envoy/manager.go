// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	streamlogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	transcoderv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_json_transcoder/v3"
	grpcwebv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_web/v3"
	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
	localv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
)

// Bounds of our settings.
const (
	second      = time.Second
	hour        = time.Hour
	day         = 24 * hour
	millisecond = time.Millisecond
	kib         = uint64(1) << 10
	mib         = uint64(1) << 20
	gib         = uint64(1) << 30
)

// manager converts a connection manager: what it holds its listener to, its filters and its routes.
func (c *conversion) manager(s *source, m *managerv3.HttpConnectionManager, path string, own *settings) {
	c.managers++
	c.rest(s, m, path, "codec_type", "http_filters", "route_config", "rds", "access_log", "common_http_protocol_options", "http2_protocol_options",
		"max_request_headers_kb", "stream_idle_timeout", "request_timeout", "request_headers_timeout", "use_remote_address")
	c.sockets(s, m, path, own)
	filters := c.filters(s, m.GetHttpFilters(), join(path, "http_filters"), own)
	if !m.GetUseRemoteAddress().GetValue() {
		c.once(s, s.where(path), path, Done, "Envoy believed X-Forwarded-For of everybody (use_remote_address); here it is dropped, but for trusted_proxies of the listener")
	}
	if d := m.GetStreamIdleTimeout(); d != nil {
		at := join(path, "stream_idle_timeout")
		if d.AsDuration() <= 0 {
			c.note(s, at, Done, "streams may be silent for a day here, the longest that there is")
			c.defaults.set("stream_idle_timeout", day)
		} else {
			c.defaults.set("stream_idle_timeout", c.within(s, at, d.AsDuration(), millisecond, day))
		}
	}
	c.accessLog(s, m, join(path, "access_log"))
	table, at := m.GetRouteConfig(), join(path, "route_config")
	if rds := m.GetRds(); rds != nil {
		known, ok := c.tables[rds.GetRouteConfigName()]
		if !ok {
			c.note(s, join(path, "rds"), Left, "the routes %q come from a control plane; give their file to the conversion too, or write services by hand", rds.GetRouteConfigName())
			return
		}
		c.note(s, join(path, "rds"), Done, "the routes are those of %q in %s", rds.GetRouteConfigName(), known.source.name)
		s, table, at = known.source, known.message, known.path
	}
	c.table(s, table, at, filters, own)
}

// sockets converts what a listener holds its clients to.
func (c *conversion) sockets(s *source, m *managerv3.HttpConnectionManager, path string, own *settings) {
	at := join(path, "codec_type")
	switch m.GetCodecType() {
	case managerv3.HttpConnectionManager_HTTP1:
		own.set("protocols", []string{"http1"})
	case managerv3.HttpConnectionManager_HTTP2:
		own.set("protocols", []string{map[bool]string{true: "http2", false: "h2c"}[own.has("tls")]})
	case managerv3.HttpConnectionManager_HTTP3:
		c.note(s, at, Left, "add http3 to protocols of the listener, beside http1 or http2")
	case managerv3.HttpConnectionManager_AUTO: // what listeners here speak
	}
	limits, connections := newSettings(), newSettings()
	if v := m.GetMaxRequestHeadersKb(); v != nil {
		limits.set("max_header", c.size(s, join(path, "max_request_headers_kb"), uint64(v.GetValue())*kib, kib, mib))
	}
	c.timeout(s, join(path, "request_timeout"), m.GetRequestTimeout(), limits, "request_timeout")
	c.timeout(s, join(path, "request_headers_timeout"), m.GetRequestHeadersTimeout(), limits, "header_timeout")
	c.common(s, m.GetCommonHttpProtocolOptions(), join(path, "common_http_protocol_options"), limits, connections)
	if h := m.GetHttp2ProtocolOptions(); h != nil {
		at := join(path, "http2_protocol_options")
		c.rest(s, h, at, "max_concurrent_streams", "initial_stream_window_size", "initial_connection_window_size", "connection_keepalive")
		if v := h.GetMaxConcurrentStreams(); v != nil {
			const most = 100000
			connections.set("max_concurrent_streams", c.number(s, join(at, "max_concurrent_streams"), v.GetValue(), 1, most))
		}
		const least = 64
		stream := least * kib
		if v := h.GetInitialStreamWindowSize(); v != nil {
			stream = min(max(uint64(v.GetValue()), least*kib), least*mib)
			connections.set("stream_window", c.size(s, join(at, "initial_stream_window_size"), uint64(v.GetValue()), least*kib, least*mib))
		}
		if v := h.GetInitialConnectionWindowSize(); v != nil || stream > mib {
			const most = 256
			connections.set("connection_window", c.size(s, join(at, "initial_connection_window_size"), max(uint64(v.GetValue()), stream), stream, most*mib))
		}
		c.keepalive(s, h.GetConnectionKeepalive(), join(at, "connection_keepalive"), own)
	}
	own.set("limits", limits)
	own.set("connections", connections)
}

// timeout converts a time of a listener, in which 0 is none.
func (c *conversion) timeout(s *source, path string, d interface{ AsDuration() time.Duration }, own *settings, name string) {
	if d == nil || !s.set(path) {
		return
	}
	if d.AsDuration() <= 0 {
		c.note(s, path, Done, "Envoy waited for ever; here it is a day, the longest that there is")
		own.set(name, day)
		return
	}
	own.set(name, c.within(s, path, d.AsDuration(), millisecond, day))
}

// set says whether the file has something at a path.
func (s *source) set(path string) bool { _, ok := s.places[path]; return ok }

func (c *conversion) common(s *source, m *corev3.HttpProtocolOptions, path string, limits, connections *settings) {
	if m == nil {
		return
	}
	c.rest(s, m, path, "idle_timeout", "max_connection_duration", "max_headers_count", "headers_with_underscores_action")
	c.timeout(s, join(path, "idle_timeout"), m.GetIdleTimeout(), connections, "max_idle")
	if d := m.GetMaxConnectionDuration(); d != nil {
		connections.set("max_age", c.within(s, join(path, "max_connection_duration"), d.AsDuration(), second, day))
	}
	if v := m.GetMaxHeadersCount(); v != nil {
		const most = 10000
		limits.set("max_header_fields", c.number(s, join(path, "max_headers_count"), v.GetValue(), 1, most))
	}
	at := join(path, "headers_with_underscores_action")
	switch m.GetHeadersWithUnderscoresAction() {
	case corev3.HttpProtocolOptions_ALLOW:
		if s.set(at) {
			limits.set("allow_underscores", true)
		}
	case corev3.HttpProtocolOptions_REJECT_REQUEST:
		c.note(s, at, Done, "such requests are refused here without a setting")
	case corev3.HttpProtocolOptions_DROP_HEADER:
		c.note(s, at, Done, "requests with such fields are refused here, and not only the fields dropped")
	}
}

func (c *conversion) keepalive(s *source, k *corev3.KeepaliveSettings, path string, own *settings) {
	if k == nil {
		return
	}
	c.rest(s, k, path, "interval", "timeout")
	if d := k.GetInterval(); d != nil {
		own.in("keepalive").set("ping_after", c.within(s, join(path, "interval"), d.AsDuration(), second, day))
	}
	if d := k.GetTimeout(); d != nil {
		own.in("keepalive").set("ping_timeout", c.within(s, join(path, "timeout"), d.AsDuration(), second, hour))
	}
}

// accessLog converts where the access log goes.
func (c *conversion) accessLog(s *source, m *managerv3.HttpConnectionManager, path string) {
	for i, l := range m.GetAccessLog() {
		at := item(path, i)
		c.rest(s, l, at, "name", "typed_config")
		output := ""
		switch m := opened(l.GetTypedConfig()).(type) {
		case *accesslogv3.FileAccessLog:
			c.rest(s, m, join(at, "typed_config"), "path")
			switch output = m.GetPath(); output {
			case "/dev/stdout":
				output = "stdout"
			case "/dev/stderr":
				output = "stderr"
			}
		case *streamlogv3.StdoutAccessLog:
			c.rest(s, m, join(at, "typed_config"))
			output = "stdout"
		case *streamlogv3.StderrAccessLog:
			c.rest(s, m, join(at, "typed_config"))
			output = "stderr"
		default:
			if l.GetTypedConfig() == nil {
				c.note(s, at, Left, "has no typed_config, and is left out")
			}
			continue // there is a note
		}
		if log := c.accessOutput; log != "" && log != output {
			c.note(s, at, Left, "there is one access log here, which goes to %s", log)
			continue
		}
		c.accessOutput = output
		c.once(s, s.where(at), at, Done, "the access log has fields of its own here, one JSON object a line; docs/telemetry.md lists them")
	}
}

// filtered is what the filters of a connection manager say that counts for its routes.
type filtered struct {
	cors        bool
	transcodes  bool
	matchesREST bool     // routes are matched by the path as it came
	services    []string // that are transcoded
}

// filters converts the chain of filters.
func (c *conversion) filters(s *source, list []*managerv3.HttpFilter, path string, own *settings) *filtered {
	f := &filtered{}
	for i, filter := range list {
		at := item(path, i)
		c.rest(s, filter, at, "name", "typed_config", "disabled")
		if filter.GetDisabled() {
			c.note(s, join(at, "disabled"), Left, "the filter is off unless a route turns it on, and is left out here")
			continue
		}
		typed := join(at, "typed_config")
		switch m := opened(filter.GetTypedConfig()).(type) {
		case *transcoderv3.GrpcJsonTranscoder:
			c.transcoder(s, m, typed, own, f)
		case *corsv3.Cors:
			f.cors = true
		case *grpcwebv3.GrpcWeb:
			c.note(s, at, Done, "gRPC-Web is served without a setting")
		case *routerv3.Router:
			c.rest(s, m, typed)
			c.note(s, at, Done, "needs no setting")
		case *localv3.LocalRateLimit:
			c.localLimit(s, m, typed, "**")
		case *jwtv3.JwtAuthentication:
			c.jwt(s, m, typed, f)
		case *extauthzv3.ExtAuthz:
			c.extAuthz(s, m, typed)
		case nil:
			if filter.GetTypedConfig() == nil {
				c.note(s, at, Guard, "the filter %q has no typed_config, and is left out", filter.GetName())
			}
		default:
			c.note(s, at, Left, "is no filter of HTTP, and is left out")
		}
	}
	return f
}

// table converts the routes of a connection manager.
func (c *conversion) table(s *source, t *routev3.RouteConfiguration, path string, f *filtered, own *settings) {
	if t == nil {
		c.note(s, path, Left, "there are no routes; write services by hand")
		return
	}
	c.rest(s, t, path, "name", "virtual_hosts", "ignore_port_in_host_matching")
	if t.GetIgnorePortInHostMatching() {
		c.note(s, join(path, "ignore_port_in_host_matching"), Done, "ports of hosts are never looked at here")
	}
	listener := ""
	if c.managers > 1 {
		listener = own.node.Content[1].Value // the name stands first
	}
	before := len(c.rules)
	c.hosts(s, t, join(path, "virtual_hosts"), f)
	for _, r := range c.rules[before:] {
		r.listener = own.node.Content[1].Value
	}
	if listener != "" {
		c.once(s, s.where(path), path, Done, "several listeners have routes of their own; a rule that is for one of them says so by when")
	}
}
