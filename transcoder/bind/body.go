// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"errors"
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
	options := p.config.Decode
	if p.watch != nil {
		s.hits = slices.Grow(s.hits[:0], p.watch.Len())[:p.watch.Len()]
		options.Watch, options.Hits = p.watch, s.hits
	}
	var err error
	before := len(dst)
	if p.body == nil {
		dst, err = p.message.AppendWire(dst, r.Body, &options)
	} else {
		dst, err = p.body.AppendWire(dst, r.Body, &options)
	}
	if err != nil {
		return dst, bodyError(err)
	}
	if p.watch != nil && !p.config.PathWins {
		if err := p.checkHits(s, r); err != nil {
			return dst, err
		}
	}
	if p.body != nil && len(dst) > before && !p.guardsBody() {
		err = s.assignBody(p.body)
	}
	return dst, err
}

// guardsBody tells whether a variable sets a field inside the body field: then hits decide, field by field.
func (p *Plan) guardsBody() bool { return p.body != nil && p.watch != nil }

func (s *state) assignBody(f *codec.Field) error {
	s.arena = append(s.arena, f)
	return s.assign(s.arena[len(s.arena)-1:], string(f.Descriptor().Name()), "body")
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
	if err := s.assignBody(p.body); err != nil {
		return dst, err
	}
	dst = protowire.AppendTag(dst, p.body.Descriptor().Number(), protowire.BytesType)
	return protowire.AppendBytes(dst, s.record), nil
}

// checkHits refuses a body that sets what the path sets, unless to the same value (T53).
func (p *Plan) checkHits(s *state, r *Request) error {
	for i, hit := range s.hits {
		if !hit.Seen {
			continue
		}
		value := r.Body[hit.Start:hit.End]
		if string(value) == "null" {
			continue // unset
		}
		g := p.guarded[i]
		if g.header != 0 {
			if err := p.checkHeaderHit(s, r, &p.headers[g.header-1], g.sibling, value); err != nil {
				return err
			}
			continue
		}
		v := &p.vars[g.variable]
		if g.sibling != "" {
			return oneofTwice(v.name, "path", "a member that the body names", string(realOneof(leaf(v.chain).Descriptor()).Name()))
		}
		record, err := p.variableRecord(s, r, g.variable)
		s.record = record
		if err != nil {
			return err
		}
		if s.outer, err = leaf(v.chain).AppendWire(s.outer[:0], value, &p.config.Decode); err != nil {
			return bodyError(err)
		}
		if !sameRecord(s.outer, record) {
			e := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON, "%s: the body has another value than the path", v.name)
			e.Violations = []status.Violation{{Field: v.name, Description: "must be left out of the body or be as in the path"}}
			return e
		}
	}
	return nil
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

// BindMore appends a later message of an upload to dst: the bytes of the body, and nothing of path and query (T127).
func (p *Plan) BindMore(dst []byte, r *Request) ([]byte, error) {
	s, _ := states.Get().(*state)
	defer s.release()
	return p.bindRaw(s, dst, r)
}
