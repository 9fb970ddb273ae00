// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package rest provides REST: JSON over HTTP/1.1 and HTTP/2, by the rules of google.api.http.
package rest

import (
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

// Config says how REST is served. The zero value is the strict profile.
type Config struct {
	// Bind says how requests are bound.
	Bind bind.Config
	// Encode says how JSON is written.
	Encode codec.EncodeOptions
	// AnyContentType accepts bodies of any Content-Type, or none, as JSON (T91, T92).
	AnyContentType bool
}

// Protocol is REST. It takes every request that no other protocol accepts, so it is the last in a Mux.
type Protocol struct {
	config Config
	errors *codec.Codec // for errors of calls without a method
	routes map[*httprule.Binding]*route
}

var _ transcoder.Protocol = (*Protocol)(nil)

// route is a binding with what serving it needs. The plan is compiled when it is first used: a reload of thousands of rules
// would else pay for all of them.
type route struct {
	binding *httprule.Binding
	method  *transcoder.Method
	once    sync.Once
	plan    *bind.Plan
	answer  *codec.Message
	err     error
}

// New returns the protocol for the routes of a Mux.
func New(cfg Config, m *transcoder.Mux) (*Protocol, error) {
	fallback, err := codec.New(protoregistry.GlobalTypes, codec.Config{})
	if err != nil {
		return nil, err
	}
	p := &Protocol{config: cfg, errors: fallback, routes: map[*httprule.Binding]*route{}}
	if m.Routes() == nil {
		return p, nil
	}
	for _, b := range m.Routes().Bindings() {
		method := m.Method("/" + string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name()))
		if method == nil {
			continue // not exposed
		}
		p.routes[b] = &route{binding: b, method: method}
	}
	return p, nil
}

// Name returns "rest".
func (*Protocol) Name() string { return "rest" }

// Accepts takes everything.
func (*Protocol) Accepts(*transcoder.Request) bool { return true }

// Open matches the route and reads timeout and metadata.
func (p *Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	f := &framer{protocol: p, limit: c.Request.MaxMessage()}
	if err := p.match(m, c, f); err != nil {
		return f, err
	}
	c.Method, c.Binding = f.route.method, f.route.binding
	if err := f.route.compile(&p.config); err != nil {
		return f, err
	}
	if err := p.readable(c, f); err != nil {
		return f, err
	}
	return f, head(c)
}

// match finds the route, or says what is there instead.
func (p *Protocol) match(m *transcoder.Mux, c *transcoder.Call, f *framer) error {
	r := c.Request
	if m.Routes() == nil {
		return noRoute(r)
	}
	switch m.Routes().Match(&f.match, r.Method, r.Path) {
	case httprule.Found:
		if f.route = p.routes[f.match.Binding()]; f.route == nil {
			return noRoute(r)
		}
		return nil
	case httprule.MethodNotAllowed:
		f.extra.Add("allow", strings.Join(f.match.Allowed(), ", "))
		return &status.Error{
			Code: codes.Unimplemented, Reason: status.ReasonMethodNotAllowed, HTTP: http.StatusMethodNotAllowed,
			Message: "this path does not take the method; see the Allow header",
		}
	case httprule.OptionsOnly:
		f.extra.Add("allow", strings.Join(f.match.Allowed(), ", "))
		f.bare = http.StatusNoContent
		return &status.Error{Code: codes.OK, Reason: status.ReasonOK, Message: "options"}
	case httprule.Redirect:
		location := f.match.RedirectPath()
		if r.Query != "" {
			location += "?" + r.Query
		}
		f.extra.Add("location", location)
		f.bare = http.StatusPermanentRedirect
		return &status.Error{Code: codes.OK, Reason: status.ReasonOK, Message: "redirect"}
	case httprule.BadPath:
		return status.Errorf(codes.InvalidArgument, status.ReasonBadPathParam, "%s", f.match.Fault())
	case httprule.PathTooLong:
		return &status.Error{
			Code: codes.InvalidArgument, Reason: status.ReasonBadPathParam, HTTP: http.StatusRequestURITooLong, Message: f.match.Fault().String(),
		}
	default:
		return noRoute(r)
	}
}

// noRoute says that nothing is served here, in the same words whether or not something hidden is (threat H6).
func noRoute(r *transcoder.Request) error {
	const most = 256
	path := r.Path
	if len(path) > most {
		path = path[:most] + "…"
	}
	return status.Errorf(codes.NotFound, status.ReasonNoRoute, "no route for %.16s %s", r.Method, path)
}

func (r *route) compile(cfg *Config) error {
	r.once.Do(func() {
		if r.plan, r.err = bind.Compile(r.binding, r.method.Codec, cfg.Bind); r.err == nil {
			r.answer = r.method.Codec.Message(r.method.Desc.Output())
			r.err = r.answer.Err()
		}
	})
	if r.err != nil {
		return &status.Error{
			Code: codes.Unimplemented, Reason: status.ReasonUnsupported, Cause: r.err,
			Message: "the messages of this method have no JSON form",
		}
	}
	return nil
}

// readable checks what can be known of the body before it is read.
func (p *Protocol) readable(c *transcoder.Call, f *framer) error {
	if c.Method.ClientStreams && (c.Method.ServerStreams || !f.route.plan.RawBody()) {
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported,
			"%s methods cannot be called over plain REST; use gRPC", strings.ReplaceAll(c.Method.Kind(), "_", " "))
	}
	if c.Request.ContentLength > f.limit && !c.Method.ClientStreams {
		return tooLarge(f.limit)
	}
	if c.Request.ContentLength > 0 {
		return p.checkContentType(c, f)
	}
	return nil
}

// checkContentType refuses a body where there is none to be, or that does not say that it is JSON (T90-T92, threat F3).
func (p *Protocol) checkContentType(c *transcoder.Call, f *framer) error {
	if !f.route.plan.TakesBody() {
		if p.config.Bind.IgnoreUnboundBody {
			return nil
		}
		return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "%s takes no body", f.route.binding) // T71, before it is read
	}
	if f.route.plan.RawBody() || p.config.AnyContentType {
		return nil
	}
	contentType := c.Request.Header.Get("content-type")
	t := wire.MediaType(contentType)
	charset := wire.Charset(contentType)
	if (t == "application/json" || (strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json"))) &&
		(charset == "" || charset == "utf-8" || charset == "utf8") {
		return nil
	}
	message := "content-type is missing; send application/json"
	if contentType != "" {
		message = "content-type is not supported; send application/json in UTF-8"
	}
	return &status.Error{
		Code: codes.InvalidArgument, Reason: status.ReasonUnsupportedMediaType, HTTP: http.StatusUnsupportedMediaType, Message: message,
	}
}

func tooLarge(limit int64) error {
	return &status.Error{
		Code: codes.ResourceExhausted, Reason: status.ReasonMessageTooLarge, HTTP: http.StatusRequestEntityTooLarge,
		Message: (&wire.TooLargeError{Limit: limit}).Bound(),
	}
}
