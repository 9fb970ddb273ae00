// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"errors"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Request is what a message is bound from.
type Request struct {
	// Match holds the values of the path variables.
	Match *httprule.Match
	// Query is the raw query, without the question mark.
	Query string
	// Body is the whole body; empty for none.
	Body []byte
	// ContentType is the Content-Type as it was sent; it goes into a google.api.HttpBody.
	ContentType string
	// Form are the fields of a form, which count as the query does; names and values are decoded.
	Form []Parameter
	// Header are the fields of the head, for those that Config.HeaderFields names.
	Header wire.Header
}

// Parameter is a field of a form.
type Parameter struct{ Name, Value string }

// state is what one Bind needs; it is pooled.
type state struct {
	tree     tree
	elements elements
	what     string // what the parameter at hand is called in messages
	chain    []step // of the parameter at hand
	record   []byte // the record at hand
	other    []byte // the record that it is compared with
	text     []byte // decoded text
	hits     []codec.Hit
	options  codec.DecodeOptions // for the body
	captured int32               // node of the field that takes unknown parameters, or none before the first
}

// step is one name of a field path.
type step struct {
	field *codec.Field
	index int32 // of the element of a list that the path goes through, or none
}

var states = sync.Pool{New: func() any { return &state{captured: none} }}

func (s *state) release() {
	s.tree.reset()
	s.elements.reset()
	clear(s.chain)
	s.chain, s.captured, s.options = s.chain[:0], none, codec.DecodeOptions{}
	states.Put(s)
}

// Bind appends the message of a request to dst. The error is a *status.Error with code INVALID_ARGUMENT that
// names the field; dst is then of no use.
//
// The parts are appended one after the other, body, query, path, for in protobuf merging is concatenation; that one part
// never overrides another is seen to by refusing what is set twice (T49).
func (p *Plan) Bind(dst []byte, r *Request) ([]byte, error) {
	s, _ := states.Get().(*state)
	defer s.release()
	var err error
	if dst, err = p.bindBody(s, dst, r); err != nil {
		return dst, err
	}
	if len(p.headers) > 0 {
		if dst, err = p.bindHeaders(s, dst, r.Header); err != nil {
			return dst, err
		}
	}
	if r.Query != "" || len(r.Form) > 0 {
		if dst, err = p.bindQuery(s, dst, r); err != nil {
			return dst, err
		}
	}
	if p.mask != nil {
		if dst, err = p.fillMask(s, dst, r.Body); err != nil {
			return dst, err
		}
	}
	for i := range p.vars {
		if dst, err = p.bindVariable(s, dst, r, i); err != nil {
			return dst, err
		}
	}
	return dst, p.checkRequired(dst)
}

// checkRequired refuses a message without its required fields before a backend sees it (T73).
func (p *Plan) checkRequired(message []byte) error {
	missing, err := p.message.MissingRequired(message)
	if err != nil {
		return bodyError(err)
	}
	if len(missing) == 0 {
		return nil
	}
	e := status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "required fields are missing")
	for _, path := range missing {
		e.Violations = append(e.Violations, status.Violation{Field: path, Description: "is required"})
	}
	return e
}

func (p *Plan) bindVariable(s *state, dst []byte, r *Request, i int) ([]byte, error) {
	v := &p.vars[i]
	var err error
	if s.record, err = p.variableRecord(s, r, i); err != nil {
		return dst, err
	}
	if !s.tree.empty() { // of variables alone, the rule was checked when it was loaded
		if _, err := s.tree.assign(v.chain, v.name, fromPath); err != nil {
			return dst, err
		}
	}
	return appendRecord(dst, v.chain, s.record), nil
}

// variableRecord encodes the value of a path variable as a record of its own message.
func (p *Plan) variableRecord(s *state, r *Request, i int) ([]byte, error) {
	v := &p.vars[i]
	text := r.Match.Raw(i)
	if strings.IndexByte(text, '%') >= 0 {
		var err error
		if s.text, err = r.Match.AppendValue(s.text[:0], i); err != nil {
			return s.record, textError(err, "path variable", v.name, status.ReasonBadPathParam)
		}
		text = string(s.text)
	}
	record, err := p.appendText(s.record[:0], leaf(v.chain), text)
	if err != nil {
		return record, textError(err, "path variable", v.name, status.ReasonBadPathParam)
	}
	return record, nil
}

func leaf(chain []step) *codec.Field { return chain[len(chain)-1].field }

func number(f *codec.Field) protoreflect.FieldNumber { return f.Descriptor().Number() }

func setTwice(name string, by, before source) error {
	name = clipPath(name)
	e := status.Errorf(codes.InvalidArgument, by.reason(), "%s: the %s sets it, and the %s has set it already", name, by, before)
	if by == before {
		e.Message = name + ": it is set twice"
	}
	e.Violations = []status.Violation{{Field: name, Description: "is set more than once"}}
	return e
}

func oneofTwice(name string, by source, member, oneof string) error {
	name = clipPath(name)
	e := status.Errorf(codes.InvalidArgument, by.reason(), "%s: %s is set as well, and both are in the oneof %s", name, member, oneof)
	e.Violations = []status.Violation{{Field: name, Description: "another member of the oneof " + oneof + " is set as well"}}
	return e
}

// textError says what is wrong with the text of a variable or parameter (T88, T89).
func textError(err error, what, name string, reason status.Reason) error {
	description := err.Error()
	if e, ok := errors.AsType[*codec.Error](err); ok {
		description = e.Message
	} else if errors.Is(err, httprule.ErrInvalidUTF8) {
		description = "it is " + httprule.ErrInvalidUTF8.Error()
	}
	name = clipPath(name)
	e := status.Errorf(codes.InvalidArgument, reason, "%s %q: %s", what, name, description)
	e.Violations = []status.Violation{{Field: name, Description: description}}
	return e
}
