// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package websocket provides calls of every kind over WebSocket, for browsers, which have no other way to stream in both directions.
//
// A client connects to the URL of a method: to /package.Service/Method, or to a path of REST, whose variables and query are then in the
// first message. Each frame is a message: text is JSON, binary is protobuf. The subprotocol says in which form the answers come.
//
//   - An empty text frame ends the client's stream; the answer goes on. A method that takes one message does not wait for it, and one
//     whose rule has no body waits for no message at all.
//   - The end is the close frame: 1000 where all went well, else 4000 and the gRPC code, with the message as far as it fits.
//   - Who was refused before the connection became a WebSocket gets an HTTP status and a google.rpc.Status, as with REST.
//   - Header and trailer metadata of the backend do not reach the client: a WebSocket has no place for them.
//
// https://www.rfc-editor.org/rfc/rfc6455.html
package websocket

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// The subprotocols. A client that offers none gets JSON.
const (
	// JSON sends answers as text frames.
	JSON = "dragoman.json"
	// Proto sends them as binary frames.
	Proto = "dragoman.proto"
	// bearer begins a subprotocol that is none: what follows is a token, for browsers cannot set the Authorization field (T144).
	bearer = "bearer."
)

// Config says how the calls of a method are served.
type Config struct {
	// Bind says how path and query are bound, and how JSON is read.
	Bind bind.Config
	// Encode says how JSON is written.
	Encode codec.EncodeOptions
	// BindEvery binds path and query into every message of a client's stream; else only into the first (T142).
	BindEvery bool
}

// Protocol is WebSocket. It stands before REST in a Mux.
type Protocol struct {
	of     func(*transcoder.Method) *Config
	errors *codec.Codec // for errors of calls without a method
	plans  sync.Map     // *httprule.Binding → *plan
}

// plan is how the messages of one binding are bound.
type plan struct {
	bind *bind.Plan
	err  error
}

var _ transcoder.Protocol = (*Protocol)(nil)

// New returns the protocol; of says how each method is served, and nil serves all by the zero Config.
func New(of func(*transcoder.Method) *Config) (*Protocol, error) {
	fallback, err := codec.New(protoregistry.GlobalTypes, codec.Config{})
	if err != nil {
		return nil, err
	}
	if of == nil {
		of = func(*transcoder.Method) *Config { return &Config{} }
	}
	return &Protocol{of: of, errors: fallback}, nil
}

// Name returns "websocket".
func (*Protocol) Name() string { return "websocket" }

// Accepts takes what asks for an upgrade to WebSocket, which only HTTP/1.1 has.
func (*Protocol) Accepts(r *transcoder.Request) bool {
	return r.Major == 1 && r.Method == http.MethodGet && hasToken(r.Header, "connection", "upgrade") && hasToken(r.Header, "upgrade", "websocket")
}

// hasToken tells whether a field, which is a list, has a token in any case.
func hasToken(h wire.Header, name, token string) bool {
	for _, f := range h {
		if f.Name != name {
			continue
		}
		for item := range strings.SplitSeq(f.Value, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// Open resolves the method, the form of the answers, the token and the metadata.
func (p *Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	s := &session{protocol: p, config: &Config{}}
	if err := s.resolve(m, c); err != nil {
		return s, err
	}
	s.config = p.of(c.Method)
	if err := errors.Join(c.Method.Codec.Message(c.Method.Desc.Input()).Err(), c.Method.Codec.Message(c.Method.Desc.Output()).Err()); err != nil {
		return s, unsupported(err)
	}
	if c.Binding != nil {
		made := p.plan(c, s.config)
		if made.err != nil {
			return s, unsupported(made.err)
		}
		s.plan = made.bind
	} else if c.Request.Query != "" {
		return s, status.Errorf(codes.InvalidArgument, status.ReasonBadQuery, "this path takes no query; send all of the message in a frame")
	}
	if err := s.negotiate(c); err != nil {
		return s, err
	}
	timeout, has, err := wire.ClientTimeout(c.Request.Header) // of clients that are no browsers
	if err != nil {
		return s, status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	c.Timeout, c.HasTimeout = timeout, has
	md, err := wire.AppendMetadata(c.Metadata, c.Request.Header, wire.NotFromBrowser)
	c.Metadata = md
	if err != nil {
		return s, status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	return s, nil
}

// resolve finds the method: by its own path or by a route of GET, or, since browsers cannot connect by any other method, of POST.
func (s *session) resolve(m *transcoder.Mux, c *transcoder.Call) error {
	if c.Method = m.Method(c.Request.Path); c.Method != nil {
		return nil
	}
	if m.Routes() != nil {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			switch m.Routes().Match(&s.match, method, c.Request.Path) {
			case httprule.Found:
				b := s.match.Binding()
				c.Binding = b
				c.Method = m.Method("/" + string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name()))
			case httprule.BadPath, httprule.PathTooLong:
				return status.Errorf(codes.InvalidArgument, status.ReasonBadPathParam, "%s", s.match.Fault())
			case httprule.NotFound, httprule.MethodNotAllowed, httprule.OptionsOnly, httprule.Redirect:
			}
			if c.Method != nil {
				return nil
			}
		}
	}
	c.Binding = nil
	return status.Errorf(codes.NotFound, status.ReasonNoRoute, "no method is served at this path")
}

func unsupported(err error) error {
	return &status.Error{
		Code: codes.Unimplemented, Reason: status.ReasonUnsupported, Cause: err, Message: "the messages of this method have no JSON form",
	}
}

// plan returns how the messages of a call's binding are bound.
func (p *Protocol) plan(c *transcoder.Call, cfg *Config) *plan {
	if known, ok := p.plans.Load(c.Binding); ok {
		made, _ := known.(*plan)
		return made
	}
	made := &plan{}
	made.bind, made.err = bind.Compile(c.Binding, c.Method.Codec, cfg.Bind)
	p.plans.Store(c.Binding, made)
	return made
}

// negotiate chooses the form of the answers, and takes the token out of the list.
func (s *session) negotiate(c *transcoder.Call) error {
	offered := false
	for _, f := range c.Request.Header {
		if f.Name != "sec-websocket-protocol" {
			continue
		}
		for item := range strings.SplitSeq(f.Value, ",") {
			item = strings.TrimSpace(item)
			if token, ok := strings.CutPrefix(item, bearer); ok {
				if err := s.authorize(c, token); err != nil {
					return err
				}
				continue
			}
			offered = true
			if s.subprotocol == "" && (item == JSON || item == Proto) {
				s.subprotocol = item
			}
		}
	}
	if offered && s.subprotocol == "" {
		return status.Errorf(codes.InvalidArgument, status.ReasonUnsupported, "no subprotocol that is offered is known; known are %s and %s", JSON, Proto)
	}
	if !offered && s.token {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "a subprotocol must be offered beside the token: %s or %s", JSON, Proto)
	}
	return nil
}

// authorize makes a token the Authorization of the call, as if the browser could have set it.
func (s *session) authorize(c *transcoder.Call, token string) error {
	if s.token || token == "" || c.Request.Header.Has("authorization") {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "the subprotocols and the Authorization have more than one token, or an empty one")
	}
	s.token = true
	r := *c.Request // the head as it came belongs to the exchange
	r.Header = append(r.Header[:len(r.Header):len(r.Header)], wire.Field{Name: "authorization", Value: "Bearer " + token})
	c.Request = &r
	return nil
}
