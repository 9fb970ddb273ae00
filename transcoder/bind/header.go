// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// headerField is a header field that sets a field of the request (T171).
type headerField struct {
	name  string
	chain []*codec.Field
}

// compileHeaders resolves Config.HeaderFields, in the order of their names.
func (p *Plan) compileHeaders() error {
	for _, name := range slices.Sorted(maps.Keys(p.config.HeaderFields)) {
		path := p.config.HeaderFields[name]
		s := &state{what: "field path"}
		chain, err := p.find(s, path)
		if err != nil || chain == nil {
			return fmt.Errorf("header %q: %q is not a field of %s", name, path, p.binding.Method.Input().FullName())
		}
		for i := range p.vars {
			if overlap(p.vars[i].chain, chain) {
				return fmt.Errorf("header %q: %s is set by the path of %s", name, path, p.binding)
			}
		}
		if p.binding.Body == httprule.BodyField && number(p.body) == number(chain[0]) && (len(chain) == 1 || p.rawBody != nil) {
			return fmt.Errorf("header %q: %s is the body of %s", name, path, p.binding)
		}
		if _, err := leaf(chain).AppendText(nil, "0", &p.config.Decode); codecKind(err) == codec.KindUnsupported {
			return fmt.Errorf("header %q: %s is a message, which has no form as a text", name, path)
		}
		p.headers = append(p.headers, headerField{name: name, chain: chain})
	}
	return nil
}

// bindHeaders appends what header fields set. A body must not set the same field to another value: checkHits sees to that.
func (p *Plan) bindHeaders(s *state, dst []byte, header wire.Header) ([]byte, error) {
	for i := range p.headers {
		h := &p.headers[i]
		for _, f := range header {
			if f.Name != h.name {
				continue
			}
			var err error
			if s.record, err = p.appendText(s.record[:0], leaf(h.chain), f.Value); err != nil {
				return dst, textError(err, "header", h.name, status.ReasonBadHeader)
			}
			if err := s.assign(h.chain, h.name, "header"); err != nil {
				return dst, err
			}
			dst = s.wrap(dst, h.chain)
		}
	}
	return dst, nil
}

// checkHeaderHit refuses a body that sets what a header field sets, unless to the same value (T53, T171).
func (p *Plan) checkHeaderHit(s *state, r *Request, h *headerField, sibling string, value []byte) error {
	if !r.Header.Has(h.name) {
		return nil
	}
	f := leaf(h.chain)
	if sibling != "" {
		return oneofTwice(h.name, "header", "a member that the body names", string(realOneof(f.Descriptor()).Name()))
	}
	if !f.Descriptor().IsList() {
		var err error
		if s.record, err = p.appendText(s.record[:0], f, r.Header.Get(h.name)); err != nil {
			return textError(err, "header", h.name, status.ReasonBadHeader)
		}
		if s.outer, err = f.AppendWire(s.outer[:0], value, &p.config.Decode); err != nil {
			return bodyError(err)
		}
		if sameRecord(s.outer, s.record) {
			return nil
		}
	}
	e := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON, "%s: the body has another value than the header %q", f.Descriptor().Name(), h.name)
	e.Violations = []status.Violation{{Field: string(f.Descriptor().Name()), Description: "must be left out of the body or be as in the header " + h.name}}
	return e
}
