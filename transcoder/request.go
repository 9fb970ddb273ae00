// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Request is the head of one HTTP request, as it stood on the wire. Nothing
// in it is decoded or cleaned: that happens once, in the protocol that opens the call.
type Request struct {
	// Method is the HTTP method, in the case in which it was sent.
	Method string
	// Path is the path in its escaped form, never empty; no query.
	Path string
	// Query is the raw query, without the question mark.
	Query string
	// Authority is the Host or :authority.
	Authority string
	// Scheme is "http" or "https".
	Scheme string
	// Major is the HTTP version: 1, 2 or 3.
	Major int
	// Header holds the fields, names in lower case, without pseudo fields.
	Header wire.Header
	// ContentLength is the length of the body, 0 for none, -1 for unknown.
	ContentLength int64
	// Remote is the peer of the socket.
	Remote netip.AddrPort
	// TLS is the state of the connection, nil in clear text. It is not to be changed.
	TLS *tls.ConnectionState
	// Listener is the name of the listener that the request came in by.
	Listener string
	// Probe says that an operator makes the request, to try something: it is served as all are, and kept out of what is counted.
	Probe bool
	// Limits are the listener's; nil means the zero value.
	Limits *Limits
}

// Limits bound a request and its answer. A zero field means its default. They are shared by all requests of a
// listener and do not change.
type Limits struct {
	// MaxFields is how many header fields a request may have; 0 means DefaultMaxFields.
	MaxFields int
	// AllowUnderscores accepts header names with "_", which are refused because servers behind may take "x_user" for
	// "x-user" (threat B3).
	AllowUnderscores bool
	// DropInvalidHeaders drops fields whose value has bytes that are not printable ASCII, which are refused else (T165).
	DropInvalidHeaders bool
	// TrustedProxies are the peers whose X-Forwarded-* fields are believed; those of others are dropped (T170).
	TrustedProxies []netip.Prefix
	// MaxMessage is the size in bytes of the largest message of a request, decompressed; 0 means DefaultMaxMessage.
	MaxMessage int64
	// MaxAnswer is the size in bytes of the largest message of an answer; 0 means DefaultMaxAnswer.
	MaxAnswer int
	// Heartbeat is how long an answer that streams may be silent before clients that can be are told that it goes on; 0 means
	// DefaultHeartbeat.
	Heartbeat time.Duration
	// BodyTimeout is how long a body may take to come when it is not a stream of messages; 0 for no bound.
	BodyTimeout time.Duration
}

// Defaults of Limits.
const (
	DefaultMaxFields  = 100
	DefaultMaxMessage = 4 << 20
	DefaultMaxAnswer  = 16 << 20
	DefaultHeartbeat  = 25 * time.Second
)

// Fields is how many header fields a request may have.
func (l *Limits) Fields() int {
	if l.MaxFields <= 0 {
		return DefaultMaxFields
	}
	return l.MaxFields
}

// Heartbeat is how long an answer that streams may be silent.
func (r *Request) Heartbeat() time.Duration {
	if r.Limits == nil || r.Limits.Heartbeat <= 0 {
		return DefaultHeartbeat
	}
	return r.Limits.Heartbeat
}

// MaxMessage is the size in bytes of the largest message that the request may have.
func (r *Request) MaxMessage() int64 {
	if r.Limits == nil || r.Limits.MaxMessage <= 0 {
		return DefaultMaxMessage
	}
	return r.Limits.MaxMessage
}

// MaxAnswer is the size in bytes of the largest message that the answer may have.
func (r *Request) MaxAnswer() int {
	if r.Limits == nil || r.Limits.MaxAnswer <= 0 {
		return DefaultMaxAnswer
	}
	return r.Limits.MaxAnswer
}

func (r *Request) bodyTimeout() time.Duration {
	if r.Limits == nil {
		return 0
	}
	return r.Limits.BodyTimeout
}

// AddrPort returns a socket's address as a value; the zero value for sockets without one.
func AddrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort()
	case *net.UDPAddr:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}
