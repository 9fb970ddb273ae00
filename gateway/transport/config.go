// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http3"
)

// maxPort is the highest port there is.
const maxPort = 65535

// Defaults of Config (spec/security.md section 3).
const (
	DefaultMaxHeader            = 32 << 10
	DefaultMaxHeaderFields      = 100
	DefaultHeaderTimeout        = 10 * time.Second
	DefaultRequestTimeout       = 300 * time.Second
	DefaultWriteStall           = 30 * time.Second
	DefaultIdleTimeout          = 300 * time.Second
	DefaultMaxAge               = 30 * time.Minute
	DefaultPingAfter            = 30 * time.Second
	DefaultPingTimeout          = 10 * time.Second
	DefaultMaxConnections       = 10_000
	DefaultMaxConcurrentStreams = 100
	DefaultStreamWindow         = 64 << 10
	DefaultConnectionWindow     = 1 << 20
	DefaultMinTLSVersion        = "1.2"
	DefaultAltSvcMaxAge         = 24 * time.Hour
)

// Names of what a listener can speak.
const (
	HTTP1 = "http1"
	HTTP2 = "http2"
	H2C   = "h2c"
	HTTP3 = "http3"
)

// protocols are all of them, in the order in which they are listed.
var protocols = []string{HTTP1, HTTP2, H2C, HTTP3}

// What ClientCertificates can be.
const (
	RequestCertificates = "request"
	RequireCertificates = "require"
)

// Config is one listener. A zero field means its default.
type Config struct {
	// Name labels the listener in logs; unique, not empty.
	Name string
	// Address is where it listens: "host:port". Port 0 takes a free one.
	Address string
	// Protocols are what it speaks: "http1", "http2" (over TLS), "h2c" (HTTP/2 with prior knowledge in clear text) and "http3" (over
	// QUIC, on the port of UDP with the same number, beside http1 or http2). Empty means http1 and http2 with TLS, http1 and h2c without.
	Protocols []string
	// AltSvc is how clients learn of http3.
	AltSvc AltSvc
	// TLS is the certificate; nil serves clear text.
	TLS *TLS
	// MaxHeader is the size in bytes of the largest request head.
	MaxHeader int
	// MaxHeaderFields is how many fields a request may have.
	MaxHeaderFields int
	// MaxMessage is the size in bytes of the largest message of a request, decompressed; MaxAnswer that of the largest message
	// of an answer. Zero means the defaults of transcoder.Limits.
	MaxMessage int64
	MaxAnswer  int
	// HeaderTimeout is how long the head of a request may take to come, the TLS handshake and the preface of HTTP/2 included.
	HeaderTimeout time.Duration
	// RequestTimeout is how long the body of a request that does not stream may take to come.
	RequestTimeout time.Duration
	// WriteStall is how long a client may take nothing of an answer.
	WriteStall time.Duration
	// IdleTimeout closes a connection on which nothing happened for so long.
	IdleTimeout time.Duration
	// MaxAge is how old a connection may be, give or take a tenth, before its next answer is its last (gRFC A9). What is under way goes on.
	MaxAge time.Duration
	// PingAfter is how long a connection may be silent before its client is asked whether it is there, by PING in HTTP/2 and HTTP/3 and by
	// TCP otherwise; PingTimeout how long the answer may take before the connection is closed. HTTP/3 asks at half of both together
	// when that is earlier.
	PingAfter, PingTimeout time.Duration
	// MaxConnections is how many connections may be open, those of HTTP/3 among them. More wait to be accepted; over HTTP/3, which has
	// no queue, they are refused.
	MaxConnections int
	// MaxConcurrentStreams is how many calls one connection of HTTP/2 or HTTP/3 may have open.
	MaxConcurrentStreams int
	// StreamWindow and ConnectionWindow are how many bytes of a request, and of all requests of a connection, may be under way
	// in HTTP/2 and HTTP/3 before they are taken.
	StreamWindow, ConnectionWindow int
	// AllowUnderscores accepts header names with "_" (threat B3).
	AllowUnderscores bool
	// Heartbeat is how long an answer that streams may be silent; zero means transcoder.DefaultHeartbeat.
	Heartbeat time.Duration
	// DropInvalidHeaders drops fields whose value cannot be passed on, instead of refusing the request (T165).
	DropInvalidHeaders bool
	// TrustedProxies are the peers whose X-Forwarded-* fields are believed (T170).
	TrustedProxies []netip.Prefix
	// ProxyProtocol reads from the first bytes of connections whose they are; nil does not. Not with http3.
	ProxyProtocol *proxyprotocol.Config
}

// AltSvc is what answers over HTTP/1.1 and HTTP/2 say of a listener's http3.
type AltSvc struct {
	// Off says nothing: clients must know otherwise.
	Off bool
	// MaxAge is how long clients may remember it.
	MaxAge time.Duration
	// Port is the port that clients reach it by; 0 means the listener's own.
	Port int
}

// TLS says which certificates a listener shows: one from files, those that an authority gives by ACME, or both.
type TLS struct {
	// Cert and Key are PEM files: the chain, leaf first, and its private key. They are read again when they change. Beside ACME they are for
	// clients that ask for a name which is not one of its domains, or has no certificate yet.
	Cert, Key string
	// ACME says whose certificates an authority gives; nil where it gives none.
	ACME *acme.Config
	// MinVersion is "1.2" or "1.3".
	MinVersion string
	// ClientCertificates is "request" or "require" where clients are asked for a certificate; "" asks for none. Who signed one is
	// not checked here.
	ClientCertificates string
}

// Check tells everything that is wrong with a configuration, the files of its certificate included, without opening a
// socket.
func (c Config) Check() error {
	c, err := c.withDefaults()
	if err != nil || c.TLS == nil {
		return err
	}
	if c.TLS.Cert != "" {
		_, err = readPair(*c.TLS)
	}
	if c.TLS.ACME != nil {
		if _, wrong := acme.Read(*c.TLS.ACME); wrong != nil {
			err = errors.Join(err, fmt.Errorf("acme: %w", wrong))
		}
	}
	return err
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		bad("name is empty; give the listener a name")
	}
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		bad("address is %q; it must be host:port, such as 127.0.0.1:8080 or :8080", c.Address)
	}
	if len(c.Protocols) == 0 {
		if c.Protocols = []string{HTTP1, H2C}; c.TLS != nil {
			c.Protocols = []string{HTTP1, HTTP2}
		}
	}
	for _, p := range c.Protocols {
		switch {
		case !slices.Contains(protocols, p):
			bad("protocols has %q; known are %s", p, strings.Join(protocols, ", "))
		case p == HTTP2 && c.TLS == nil:
			bad("protocols has http2, which needs tls; in clear text it is h2c")
		case p == H2C && c.TLS != nil:
			bad("protocols has h2c, which is clear text; with tls it is http2")
		case p == HTTP3 && c.TLS == nil:
			bad("protocols has http3, which needs tls")
		case p == HTTP3 && len(c.Protocols) == 1:
			bad("protocols has http3 alone; clients learn of it from answers over http1 or http2, and go back to them where UDP does not pass")
		}
	}
	if c.AltSvc != (AltSvc{}) && !c.speaks(HTTP3) {
		bad("alt_svc is about http3, which protocols does not have")
	}
	if c.AltSvc.MaxAge < 0 {
		bad("alt_svc.max_age is %s; it must not be negative", c.AltSvc.MaxAge)
	} else if c.speaks(HTTP3) {
		c.AltSvc.MaxAge = cmp.Or(c.AltSvc.MaxAge, DefaultAltSvcMaxAge)
	}
	if c.AltSvc.Port < 0 || c.AltSvc.Port > maxPort {
		bad("alt_svc.port is %d; it must be 1 to %d, or 0 for the listener's own", c.AltSvc.Port, maxPort)
	}
	if c.ProxyProtocol != nil {
		if err := c.ProxyProtocol.Check(); err != nil {
			bad("proxy_protocol: %w", err)
		}
		if c.speaks(HTTP3) {
			bad("proxy_protocol is set, and protocols has http3, over which there is no such header")
		}
	}
	if c.TLS != nil {
		t := *c.TLS
		c.TLS = &t
		if (t.Cert == "" || t.Key == "") && (t.ACME == nil || t.Cert != t.Key) {
			bad("tls needs both cert and key, or acme")
		}
		if t.ACME != nil {
			for _, w := range t.ACME.Check() {
				bad("tls.acme.%w", w)
			}
		}
		if t.MinVersion == "" {
			c.TLS.MinVersion = DefaultMinTLSVersion
		} else if t.MinVersion != "1.2" && t.MinVersion != "1.3" {
			bad("tls.min_version is %q; it must be 1.2 or 1.3", t.MinVersion)
		}
		if !slices.Contains([]string{"", RequestCertificates, RequireCertificates}, t.ClientCertificates) {
			bad("tls.client_certificates is %q; it must be %s or %s", t.ClientCertificates, RequestCertificates, RequireCertificates)
		}
	}
	for _, d := range []struct {
		name      string
		value     *time.Duration
		otherwise time.Duration
	}{
		{"header_timeout", &c.HeaderTimeout, DefaultHeaderTimeout},
		{"request_timeout", &c.RequestTimeout, DefaultRequestTimeout},
		{"write_stall", &c.WriteStall, DefaultWriteStall},
		{"idle_timeout", &c.IdleTimeout, DefaultIdleTimeout},
		{"max_age", &c.MaxAge, DefaultMaxAge},
		{"ping_after", &c.PingAfter, DefaultPingAfter},
		{"ping_timeout", &c.PingTimeout, DefaultPingTimeout},
	} {
		if *d.value < 0 {
			bad("%s is %s; it must not be negative", d.name, *d.value)
		} else if *d.value == 0 {
			*d.value = d.otherwise
		}
	}
	if c.MaxMessage < 0 || c.MaxAnswer < 0 {
		bad("max_message is %d and max_response_message %d; neither may be negative", c.MaxMessage, c.MaxAnswer)
	}
	for _, n := range []struct {
		name      string
		value     *int
		otherwise int
	}{
		{"max_header", &c.MaxHeader, DefaultMaxHeader},
		{"max_header_fields", &c.MaxHeaderFields, DefaultMaxHeaderFields},
		{"max_connections", &c.MaxConnections, DefaultMaxConnections},
		{"max_concurrent_streams", &c.MaxConcurrentStreams, DefaultMaxConcurrentStreams},
		{"stream_window", &c.StreamWindow, DefaultStreamWindow},
		{"connection_window", &c.ConnectionWindow, DefaultConnectionWindow},
	} {
		if *n.value < 0 {
			bad("%s is %d; it must not be negative", n.name, *n.value)
		} else if *n.value == 0 {
			*n.value = n.otherwise
		}
	}
	return c, errors.Join(errs...)
}

// speaks tells whether the listener has a protocol.
func (c *Config) speaks(protocol string) bool { return slices.Contains(c.Protocols, protocol) }

// Limits returns what every request is held to.
func (c *Config) Limits() transcoder.Limits { return c.limits() }

// limits are what every request is held to.
func (c *Config) limits() transcoder.Limits {
	return transcoder.Limits{
		MaxFields: c.MaxHeaderFields, AllowUnderscores: c.AllowUnderscores, DropInvalidHeaders: c.DropInvalidHeaders, Heartbeat: c.Heartbeat,
		TrustedProxies: c.TrustedProxies, MaxMessage: c.MaxMessage, MaxAnswer: c.MaxAnswer, BodyTimeout: c.RequestTimeout,
	}
}

// altSvc is the field that tells clients of HTTP/3 on a port, or "" (RFC 7838 section 3).
func (c *Config) altSvc(port int) string {
	if !c.speaks(HTTP3) || c.AltSvc.Off {
		return ""
	}
	return fmt.Sprintf(`%s=":%d"; ma=%d`, http3.NextProto, cmp.Or(c.AltSvc.Port, port), int64(c.AltSvc.MaxAge.Seconds()))
}
