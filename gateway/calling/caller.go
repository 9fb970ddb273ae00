// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package calling provides calls of a method as clients make them: in any of the protocols, with messages as JSON, for people who try something out.
package calling

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Via is the protocol of a call.
type Via string

// The protocols.
const (
	ViaREST      Via = "rest"
	ViaGRPC      Via = "grpc"
	ViaGRPCWeb   Via = "grpcweb"
	ViaConnect   Via = "connect"
	ViaWebSocket Via = "websocket"
)

// Vias are all protocols.
func Vias() []Via { return []Via{ViaREST, ViaGRPC, ViaGRPCWeb, ViaConnect, ViaWebSocket} }

// maxMessage is the size in bytes of the largest message that is read.
const maxMessage = 64 << 20

// Config says where calls go, and how.
type Config struct {
	// URL is where the server is: http:// or https://, a host, and perhaps a path before all others.
	URL string
	// Via is the protocol.
	Via Via
	// TLS is for https; nil is what the system trusts.
	TLS *tls.Config
	// Trace is where the heads of the exchange are written; nil for nowhere.
	Trace io.Writer
	// Dial connects; nil does as programs do, by a proxy where the environment names one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Caller makes calls. Close ends its connections.
type Caller struct {
	base  *url.URL
	via   Via
	http1 *http.Transport // for REST and WebSocket
	http2 *http.Transport // for streams both ways, which HTTP/1.1 cannot carry
	trace io.Writer
}

// New returns a Caller, which connects when it calls.
func New(cfg Config) (*Caller, error) {
	base, err := url.Parse(cfg.URL)
	switch {
	case err != nil, base.Host == "", base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("the address is %q; it must be a URL such as http://127.0.0.1:8080", cfg.URL)
	case base.RawQuery != "" || base.Fragment != "" || base.User != nil:
		return nil, fmt.Errorf("the address is %q; it must have no query, fragment or user", cfg.URL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	first, second := &http.Protocols{}, &http.Protocols{}
	first.SetHTTP1(true)
	second.SetHTTP2(true)
	second.SetUnencryptedHTTP2(true)
	c := &Caller{
		base: base, via: cfg.Via, trace: cfg.Trace,
		http1: &http.Transport{TLSClientConfig: cfg.TLS.Clone(), Protocols: first, Proxy: http.ProxyFromEnvironment},
		http2: &http.Transport{TLSClientConfig: cfg.TLS.Clone(), Protocols: second},
	}
	if cfg.Dial != nil {
		c.http1.Proxy, c.http1.DialContext, c.http2.DialContext = nil, cfg.Dial, cfg.Dial
	}
	return c, nil
}

// Close ends the connections.
func (c *Caller) Close() {
	c.http1.CloseIdleConnections()
	c.http2.CloseIdleConnections()
}

// Call is one call.
type Call struct {
	// Method is the method; nil for a plain request of HTTP, which REST alone can make.
	Method *transcoder.Method
	// Binding is the rule by which REST calls the method; nil calls it by its name.
	Binding *httprule.Binding
	// HTTPMethod and Target are the method of HTTP and the path with its query, of a plain request.
	HTTPMethod, Target string
	// Header are further header fields, names in lower case.
	Header wire.Header
	// Timeout is how long the call may take; 0 leaves it to the server.
	Timeout time.Duration
	// Send returns the next message as JSON, and io.EOF behind the last. It may wait, and is called from a goroutine of its own where the client
	// streams.
	Send func() ([]byte, error)
	// Receive is given each message of the answer as JSON, as it comes. raw tells that it is bytes that are no JSON.
	Receive func(message []byte, raw bool) error
}

// Do makes a call and returns when its answer is over. The error is a *Failure where the server refused it, or could not be reached.
func (c *Caller) Do(ctx context.Context, call *Call) error {
	if call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, call.Timeout)
		defer cancel()
	}
	switch c.via {
	case ViaREST:
		return c.rest(ctx, call)
	case ViaWebSocket:
		return c.websocket(ctx, call)
	case ViaGRPC, ViaGRPCWeb, ViaConnect:
		return c.rpc(ctx, call)
	default:
		return fmt.Errorf("the protocol is %q, which is not known", c.via)
	}
}

// client is an HTTP client that tells the heads of what it exchanges. Redirects are answers, not followed.
func (c *Caller) client(transport *http.Transport) *http.Client {
	var t http.RoundTripper = transport
	if c.trace != nil {
		t = &tracer{transport: transport, to: c.trace}
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// only is the one message of a request that does not stream: an empty one where there is none.
func (call *Call) only() ([]byte, error) {
	message, err := call.Send()
	if errors.Is(err, io.EOF) {
		return []byte("{}"), nil
	}
	return message, err
}

// addHeader adds the fields of a call.
func (call *Call) addHeader(h http.Header) {
	for _, f := range call.Header {
		h.Add(f.Name, f.Value)
	}
}
