// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package rest provides REST: JSON over HTTP/1.1 and HTTP/2, by the rules of google.api.http.
package rest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Protocol is REST. It takes every request that no other protocol accepts, so it is the last in a Mux.
type Protocol struct {
	config   *compiled    // for what belongs to no method
	fallback *codec.Codec // for errors of calls without a method
	routes   map[*httprule.Binding]*route
}

var _ transcoder.Protocol = (*Protocol)(nil)

// New returns the protocol for the routes of a Mux. The error joins what is wrong with the configurations, each a *SettingError.
func New(cfg Configs, m *transcoder.Mux) (*Protocol, error) {
	fallback, err := codec.New(protoregistry.GlobalTypes, codec.Config{})
	if err != nil {
		return nil, err
	}
	p := &Protocol{fallback: fallback, routes: map[*httprule.Binding]*route{}}
	if p.config, err = compileConfig(&cfg.Default); err != nil {
		return nil, err
	}
	var errs []error
	seen := map[*Config]*compiled{nil: p.config}
	for _, m := range append([]*transcoder.Mux{m}, m.Views()...) {
		if m.Routes() != nil {
			errs = append(errs, p.addRoutes(cfg, m, seen)...)
		}
	}
	return p, errors.Join(errs...)
}

func (p *Protocol) addRoutes(cfg Configs, m *transcoder.Mux, seen map[*Config]*compiled) []error {
	var errs []error
	for _, b := range m.Routes().Bindings() {
		if p.routes[b] != nil {
			continue // another view has it, too
		}
		method := m.Method("/" + string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name()))
		if method == nil {
			continue // not exposed
		}
		var own *Config
		if cfg.Of != nil {
			own = cfg.Of(method)
		}
		c, ok := seen[own]
		if !ok {
			var err error
			if c, err = compileConfig(own); err != nil {
				errs = append(errs, err)
			}
			seen[own] = c
		}
		if c == nil {
			continue // told of already
		}
		r := &route{binding: b, method: method, config: c}
		p.routes[b] = r
		if r.eager() {
			if err := r.compile(); err != nil {
				errs = append(errs, settingsOf(err, method)...)
			}
		}
	}
	return errs
}

// settingsOf says which settings make it that a route cannot be compiled.
func settingsOf(err error, method *transcoder.Method) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, settingsOf(e, method)...)
		}
		return all
	}
	if e, ok := errors.AsType[*SettingError](err); ok {
		e.Method = method.Path
		return []error{e}
	}
	if e, ok := errors.AsType[*bind.HeaderError](err); ok {
		return []error{&SettingError{Setting: "request_headers", Key: e.Header, Method: method.Path, Message: e.Message}}
	}
	return []error{fmt.Errorf("%s: %w", method.Path, err)}
}

// Name returns "rest".
func (*Protocol) Name() string { return "rest" }

// Accepts takes everything.
func (*Protocol) Accepts(*transcoder.Request) bool { return true }

// Open matches the route and reads timeout and metadata.
func (p *Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	f := &framer{protocol: p, config: p.config, limit: c.Request.MaxMessage()}
	f.pieces, f.extra = f.room.piece[:0], f.room.extra[:0]
	if p.config.MethodOverride {
		if err := override(c); err != nil {
			return f, err
		}
	}
	if err := p.match(m, c, f); err != nil {
		return f, err
	}
	c.Method, c.Binding, f.config = f.route.method, f.route.binding, f.route.config
	if err := f.route.ready(); err != nil {
		return f, err
	}
	if err := f.readable(c); err != nil {
		return f, err
	}
	if err := f.chooseRecords(c); err != nil {
		return f, err
	}
	return f, head(c, f.config.PrefixedMetadata)
}

// chooseRecords chooses the form of a stream's answer (T130).
func (f *framer) chooseRecords(c *transcoder.Call) error {
	if !c.Method.ServerStreams || f.route.rawBody {
		return nil
	}
	s := &f.config.Streams
	if s.Format == StreamWrapped {
		f.records = &records{format: StreamWrapped}
		return nil
	}
	format, ok := chooseFormat(c.Request.Header, cmp.Or(s.Format, StreamNDJSON), f.route.streamsAs)
	if !ok {
		return &status.Error{
			Code: codes.InvalidArgument, Reason: status.ReasonNotAcceptable, HTTP: http.StatusNotAcceptable,
			Message: "the answer cannot be had in any form that Accept names; there are application/x-ndjson, text/event-stream, " +
				"application/json, application/json-seq and application/x-protobuf; delimited=true",
		}
	}
	f.records = &records{format: format, id: f.route.eventID, retry: s.SSERetry}
	if format == StreamSSE {
		lastEventID(c)
	}
	return nil
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
		return p.methodNotAllowed(f, strings.Join(f.match.Allowed(), ", "))
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

// readable checks what can be known of the body before it is read.
func (f *framer) readable(c *transcoder.Call) error {
	if c.Method.ClientStreams && c.Method.ServerStreams {
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported,
			"both sides of this method stream, which plain REST cannot carry; use gRPC or Connect") // T19
	}
	if c.Method.ClientStreams && !f.route.plan.RawBody() {
		t := wire.MediaType(c.Request.Header.Get("content-type"))
		f.stream = &elements{array: !lineType(t) && t != "application/json-seq", values: f.config.Streams.ValuesInBody, limit: f.limit}
	}
	if c.Request.ContentLength > f.limit && !c.Method.ClientStreams {
		return tooLarge(f.limit)
	}
	if c.Request.ContentLength > 0 {
		if err := f.checkContentType(c); err != nil {
			return err
		}
	}
	if err := errors.Join(f.negotiateEncoding(c), f.decoding(c)); err != nil {
		first, _ := errors.AsType[*status.Error](err)
		return first
	}
	if f.config.Multipart && f.route.plan.RawBody() {
		var err error
		f.form, err = newForm(c.Request.Header.Get("content-type"), !c.Method.ClientStreams)
		if f.form != nil && f.decoder != nil {
			return undecodable("content-encoding is not supported for forms")
		}
		return err
	}
	return nil
}

// checkContentType refuses a body where there is none to be, or that does not say that it is JSON (T90-T92, threat F3).
func (f *framer) checkContentType(c *transcoder.Call) error {
	if !f.route.plan.TakesBody() {
		if f.config.Bind.IgnoreUnboundBody {
			return nil
		}
		return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "%s takes no body", f.route.binding) // T71, before it is read
	}
	if f.route.plan.RawBody() || f.config.AnyContentType {
		return nil
	}
	contentType := c.Request.Header.Get("content-type")
	t := wire.MediaType(contentType)
	charset := wire.Charset(contentType)
	if f.stream != nil && (lineType(t) || t == "application/json-seq") && (charset == "" || charset == "utf-8" || charset == "utf8") {
		return nil
	}
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

// lineType tells whether a media type is one of JSON lines.
func lineType(t string) bool {
	return t == "application/x-ndjson" || t == "application/ndjson" || t == "application/jsonl"
}

func tooLarge(limit int64) error {
	return &status.Error{
		Code: codes.ResourceExhausted, Reason: status.ReasonMessageTooLarge, HTTP: http.StatusRequestEntityTooLarge,
		Message: (&wire.TooLargeError{Limit: limit}).Bound(),
	}
}
