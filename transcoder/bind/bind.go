// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"errors"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
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
	what     string // what the parameter at hand is called in messages
	assigned []assignment
	arena    []*codec.Field // the chains of assigned, and of the parameter at hand
	record   []byte         // the record at hand
	outer    []byte         // the record that is wrapped around it
	text     []byte         // decoded text
	hits     []codec.Hit
	keys     []mapKey
}

// mapKey is a key of a map that the query has set.
type mapKey struct {
	chain []*codec.Field
	key   string
}

// assignment is a field that was set, and what set it.
type assignment struct {
	chain []*codec.Field
	from  string // "path", "body" or "query"
}

var states = sync.Pool{New: func() any { return new(state) }}

func (s *state) release() {
	clear(s.arena)
	clear(s.assigned)
	clear(s.keys)
	s.arena, s.assigned, s.keys = s.arena[:0], s.assigned[:0], s.keys[:0]
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
	if err := s.assign(v.chain, v.name, "path"); err != nil {
		return dst, err
	}
	return s.wrap(dst, v.chain), nil
}

// variableRecord encodes the value of a path variable as a record of its own message.
func (p *Plan) variableRecord(s *state, r *Request, i int) ([]byte, error) {
	v := &p.vars[i]
	var err error
	if s.text, err = r.Match.AppendValue(s.text[:0], i); err != nil {
		return s.record, status.Errorf(codes.InvalidArgument, status.ReasonBadPathParam, "path variable %q: %s", v.name, err)
	}
	record, err := p.appendText(s.record[:0], leaf(v.chain), string(s.text))
	if err != nil {
		return record, textError(err, "path variable", v.name, status.ReasonBadPathParam)
	}
	return record, nil
}

// wrap appends s.record to dst, inside the messages that the chain leads through (T68).
func (s *state) wrap(dst []byte, chain []*codec.Field) []byte {
	for i := len(chain) - 2; i >= 0; i-- {
		fd := chain[i].Descriptor()
		s.outer = s.outer[:0]
		if fd.Kind() == protoreflect.GroupKind {
			s.outer = protowire.AppendTag(s.outer, fd.Number(), protowire.StartGroupType)
			s.outer = append(s.outer, s.record...)
			s.outer = protowire.AppendTag(s.outer, fd.Number(), protowire.EndGroupType)
		} else {
			s.outer = protowire.AppendTag(s.outer, fd.Number(), protowire.BytesType)
			s.outer = protowire.AppendBytes(s.outer, s.record)
		}
		s.record, s.outer = s.outer, s.record
	}
	return append(dst, s.record...)
}

// assign notes that a field is set and refuses it if that was done before: the same field, one inside the other, or two members of a
// oneof (T49, T51, T55, T56). Repeated fields may be set again by the same source, and so may maps.
func (s *state) assign(chain []*codec.Field, name, from string) error {
	for i := range s.assigned {
		other := &s.assigned[i]
		level := 0
		for level < len(chain) && level < len(other.chain) && number(chain[level]) == number(other.chain[level]) {
			level++
		}
		if level == len(chain) || level == len(other.chain) {
			fd := leaf(chain).Descriptor()
			if level == len(chain) && level == len(other.chain) && from == other.from && (fd.IsList() || fd.IsMap()) {
				continue
			}
			return setTwice(name, from, other.from)
		}
		a, b := realOneof(chain[level].Descriptor()), realOneof(other.chain[level].Descriptor())
		if a != nil && b != nil && a.Index() == b.Index() {
			return oneofTwice(name, from, string(other.chain[level].Descriptor().Name()), string(a.Name()))
		}
	}
	s.assigned = append(s.assigned, assignment{chain: chain, from: from})
	return nil
}

func leaf(chain []*codec.Field) *codec.Field { return chain[len(chain)-1] }

func number(f *codec.Field) protoreflect.FieldNumber { return f.Descriptor().Number() }

func setTwice(name, from, before string) error {
	e := status.Errorf(codes.InvalidArgument, reasonOf(from), "%s: the %s sets it, and the %s has set it already", name, from, before)
	if from == before {
		e.Message = name + ": it is set twice"
	}
	e.Violations = []status.Violation{{Field: name, Description: "is set more than once"}}
	return e
}

func oneofTwice(name, from, member, oneof string) error {
	e := status.Errorf(codes.InvalidArgument, reasonOf(from), "%s: %s is set as well, and both are in the oneof %s", name, member, oneof)
	e.Violations = []status.Violation{{Field: name, Description: "another member of the oneof " + oneof + " is set as well"}}
	return e
}

func reasonOf(source string) status.Reason {
	switch source {
	case "path":
		return status.ReasonBadPathParam
	case "query":
		return status.ReasonBadQuery
	case "header":
		return status.ReasonBadHeader
	default:
		return status.ReasonBadJSON
	}
}

// textError says what is wrong with the text of a variable or parameter (T88, T89).
func textError(err error, what, name string, reason status.Reason) error {
	description := err.Error()
	if e, ok := errors.AsType[*codec.Error](err); ok {
		description = e.Message
	}
	e := status.Errorf(codes.InvalidArgument, reason, "%s %q: %s", what, name, description)
	e.Violations = []status.Violation{{Field: name, Description: description}}
	return e
}
