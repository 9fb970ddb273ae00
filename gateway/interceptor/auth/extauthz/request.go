// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Names of context_extensions: what the gateway has made of the request (threat C14). A service that decides by these decides on what is
// called; http.path is what the client wrote.
const (
	extMethod   = "dragoman.method"   // "/package.Service/Method"
	extProtocol = "dragoman.protocol" // "grpc", "rest"
	extRoute    = "dragoman.route"    // "GET /v1/books/{id}"; not there where the path names the method
	extListener = "dragoman.listener"
)

// request is what the service is told of a call.
func (p *Provider) request(c *transcoder.Call) *authv3.CheckRequest {
	r := c.Request
	path := r.Path
	if r.Query != "" {
		path += "?" + r.Query
	}
	http := &authv3.AttributeContext_HttpRequest{
		Id: c.RequestID, Method: clean(r.Method), Path: clean(path), Host: clean(r.Authority), Scheme: r.Scheme,
		Protocol: "HTTP/" + strconv.Itoa(r.Major), Size: r.ContentLength, Headers: make(map[string]string, len(r.Header)),
	}
	for _, f := range r.Header {
		if p.withheld(f.Name) {
			continue
		}
		if before, ok := http.Headers[f.Name]; ok { // RFC 9110, section 5.3; it sees all of them (threat B10)
			http.Headers[f.Name] = before + "," + clean(f.Value)
			continue
		}
		http.Headers[f.Name] = clean(f.Value)
	}
	source := &authv3.AttributeContext_Peer{Address: address(c.Client, r.Remote.Port())}
	extensions := map[string]string{extMethod: c.Method.Path, extProtocol: c.Protocol, extListener: r.Listener}
	if c.Binding != nil {
		extensions[extRoute] = c.Binding.String()
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: source, Request: &authv3.AttributeContext_Request{Time: timestamppb.New(c.Start), Http: http}, ContextExtensions: extensions,
	}}
}

func address(client netip.Addr, port uint16) *corev3.Address {
	if !client.IsValid() {
		return nil
	}
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: client.String(), PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(port)},
	}}}
}

// clean returns a text that protobuf can carry: bytes that are no UTF-8, and controls, are percent-encoded (threat C13).
func clean(s string) string {
	plain := utf8.ValidString(s)
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] != 0x7f
	}
	if plain {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size <= 1 || r < ' ' || r == 0x7f {
			b.WriteByte('%')
			b.WriteByte(hex[s[0]>>4])
			b.WriteByte(hex[s[0]&15])
			s = s[1:]
			continue
		}
		b.WriteString(s[:size])
		s = s[size:]
	}
	return b.String()
}
