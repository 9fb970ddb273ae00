// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// RawBody tells whether the body is a google.api.HttpBody, which takes any bytes as they are (T123).
func (p *Plan) RawBody() bool { return p.rawBody != nil }

// TakesBody tells whether the binding has a body.
func (p *Plan) TakesBody() bool { return p.binding.Body != httprule.BodyNone }

func (p *Plan) bindBody(s *state, dst []byte, r *Request) ([]byte, error) {
	switch {
	case len(r.Body) == 0 && p.rawBody == nil:
		return dst, nil // T72: an empty message, or an unset field
	case !p.TakesBody():
		if p.config.IgnoreUnboundBody {
			return dst, nil
		}
		return dst, status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "%s takes no body", p.binding)
	case p.rawBody != nil:
		return p.bindRaw(s, dst, r)
	}
	s.options = p.config.Decode
	if p.watch != nil {
		s.hits = slices.Grow(s.hits[:0], p.watch.Len())[:p.watch.Len()]
		s.options.Watch, s.options.Hits = p.watch, s.hits
	}
	var err error
	before := len(dst)
	if p.body == nil {
		dst, err = p.message.AppendWire(dst, r.Body, &s.options)
	} else {
		dst, err = p.body.AppendWire(dst, r.Body, &s.options)
	}
	if err != nil {
		return dst, bodyError(err)
	}
	if p.watch != nil && !p.config.PathWins {
		if err := p.checkHits(s, r); err != nil {
			return dst, err
		}
	}
	if p.body != nil && len(dst) > before {
		err = s.assignBody(p.body, p.watch == nil)
	}
	return dst, err
}

// assignBody notes that the body sets a field: the whole of it or, where hits decide field by field, a part.
func (s *state) assignBody(f *codec.Field, whole bool) error {
	s.chain = append(s.chain[:0], step{field: f, index: none})
	at, err := s.tree.assign(s.chain, string(f.Descriptor().Name()), fromBody)
	if err == nil {
		s.tree.nodes[at].set = whole
	}
	return err
}

// bindRaw puts the bytes of the body into a google.api.HttpBody.
func (p *Plan) bindRaw(s *state, dst []byte, r *Request) ([]byte, error) {
	const contentTypeField, dataField = 1, 2
	s.record = s.record[:0]
	if r.ContentType != "" {
		s.record = protowire.AppendTag(s.record, contentTypeField, protowire.BytesType)
		s.record = protowire.AppendString(s.record, r.ContentType)
	}
	if len(r.Body) > 0 {
		s.record = protowire.AppendTag(s.record, dataField, protowire.BytesType)
		s.record = protowire.AppendBytes(s.record, r.Body)
	}
	if p.body == nil {
		return append(dst, s.record...), nil
	}
	if err := s.assignBody(p.body, true); err != nil {
		return dst, err
	}
	dst = protowire.AppendTag(dst, p.body.Descriptor().Number(), protowire.BytesType)
	return protowire.AppendBytes(dst, s.record), nil
}

// checkHits refuses a body that sets what the path or a header field sets, unless to the same value (T53, T171).
func (p *Plan) checkHits(s *state, r *Request) error {
	for i, hit := range s.hits {
		if !hit.Seen {
			continue
		}
		g := &p.guarded[i]
		value := r.Body[hit.Start:hit.End]
		switch {
		case g.header != nil && !r.Header.Has(g.header.name):
		case string(value) == "null" && !g.nullable: // unset
		case g.oneof != "":
			return oneofTwice(g.name(), g.by(), g.member, g.oneof)
		default:
			if err := p.checkValue(s, r, g, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkValue refuses a value of the body that is not the one that a variable or a header field has.
func (p *Plan) checkValue(s *state, r *Request, g *guard, value []byte) error {
	var err error
	if s.record, err = p.guardRecord(s, r, g); err != nil {
		return err
	}
	f := leaf(g.chain)
	if s.other, err = f.AppendWire(s.other[:0], value, &p.config.Decode); err != nil {
		return bodyError(err)
	}
	if sameRecord(s.other, s.record) && !f.Descriptor().IsList() {
		return nil
	}
	name, where := g.name(), "in the path"
	e := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON, "%s: the body has another value than the path", name)
	if g.header != nil {
		name, where = string(f.Descriptor().Name()), "in the header "+g.header.name
		e.Message = fmt.Sprintf("%s: the body has another value than the header %q", name, g.header.name)
	}
	e.Violations = []status.Violation{{Field: name, Description: "must be left out of the body or be as " + where}}
	return e
}

// guardRecord encodes what sets a guarded field, as a record of its own message.
func (p *Plan) guardRecord(s *state, r *Request, g *guard) ([]byte, error) {
	if g.header == nil {
		return p.variableRecord(s, r, g.variable)
	}
	record, err := p.appendText(s.record[:0], leaf(g.chain), r.Header.Get(g.header.name))
	if err != nil {
		return record, textError(err, "header", g.header.name, status.ReasonBadHeader)
	}
	return record, nil
}

// sameRecord compares a value from the body with one from the path. A default value of a field
// without presence has no record when it comes from JSON.
func sameRecord(fromBody, fromPath []byte) bool {
	if len(fromBody) > 0 {
		return string(fromBody) == string(fromPath)
	}
	_, kind, n := protowire.ConsumeTag(fromPath)
	if n < 0 {
		return len(fromPath) == 0
	}
	payload := fromPath[n:]
	if kind == protowire.BytesType {
		return len(payload) == 1 && payload[0] == 0
	}
	return !slices.ContainsFunc(payload, func(b byte) bool { return b != 0 })
}

// bodyError says what is wrong with a body.
func bodyError(err error) error {
	if e, ok := errors.AsType[*status.Error](err); ok {
		return e
	}
	e, ok := errors.AsType[*codec.Error](err)
	if !ok {
		return &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: err}
	}
	out := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON, "body: %s", e.Message)
	if path := clipPath(e.Path); path != "" {
		out.Message = "body: " + path + ": " + e.Message
		out.Violations = []status.Violation{{Field: path, Description: e.Message}}
	}
	return out
}

// clipPath cuts the middle out of a field path that a client has made long.
func clipPath(path string) string {
	const end = 100
	if len(path) <= 2*end {
		return path
	}
	return strings.ToValidUTF8(path[:end], "") + "…" + strings.ToValidUTF8(path[len(path)-end:], "")
}

// BindMore appends a later message of a client's stream to dst: what the body says, and nothing of path, query and header (T127,
// T142). The error is as that of Bind.
func (p *Plan) BindMore(dst []byte, r *Request) ([]byte, error) {
	s, _ := states.Get().(*state)
	defer s.release()
	if p.rawBody != nil {
		return p.bindRaw(s, dst, r)
	}
	var err error
	if p.body == nil {
		dst, err = p.message.AppendWire(dst, r.Body, &p.config.Decode)
	} else {
		dst, err = p.body.AppendWire(dst, r.Body, &p.config.Decode)
	}
	if err != nil {
		return dst, bodyError(err)
	}
	return dst, p.checkRequired(dst)
}

// Bound tells whether a request says more than its body: by path, query or header.
func (p *Plan) Bound(r *Request) bool {
	if len(p.vars) > 0 || r.Query != "" {
		return true
	}
	for i := range p.headers {
		if r.Header.Has(p.headers[i].name) {
			return true
		}
	}
	return false
}

// BodyError puts an error of the codec into the words that clients get for a body; nil stays nil.
func BodyError(err error) error {
	if err == nil {
		return nil
	}
	return bodyError(err)
}
