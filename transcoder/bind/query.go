// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/internal/percent"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// What parameters are called in messages.
const (
	queryParameter = "query parameter"
	formField      = "form field"
)

// bindQuery appends the parameters of a query in their order, and then those of a form.
func (p *Plan) bindQuery(s *state, dst []byte, r *Request) ([]byte, error) {
	query := r.Query
	s.tree.hint = min(strings.Count(query, "&")+1+len(r.Form), p.config.MaxParameters)
	dst = roomy(dst, len(query))
	count := 0
	s.what = queryParameter
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		if count++; count > p.config.MaxParameters {
			return dst, queryError("", "the query has more than %d parameters", p.config.MaxParameters)
		}
		rawName, rawValue, _ := strings.Cut(pair, "=") // T62: ?flag is ?flag=
		name, ok1 := unescape(s, rawName, p.config.LiteralPlus)
		value, ok2 := unescape(s, rawValue, p.config.LiteralPlus)
		if !ok1 || !ok2 {
			return dst, queryError(rawName, "the query is malformed near %.64q; escape %% as %%25 and ; as %%3B", pair)
		}
		var err error
		if dst, err = p.bindParameter(s, dst, name, value); err != nil {
			return dst, err
		}
	}
	if count+len(r.Form) > p.config.MaxParameters {
		return dst, queryError("", "query and form have more than %d parameters", p.config.MaxParameters)
	}
	s.what = formField
	for i := range r.Form {
		var err error
		if dst, err = p.bindParameter(s, dst, r.Form[i].Name, r.Form[i].Value); err != nil {
			return dst, err
		}
	}
	return s.appendElements(dst)
}

// bindParameter appends one parameter, or keeps it with the others of its list.
func (p *Plan) bindParameter(s *state, dst []byte, name, value string) ([]byte, error) {
	if slices.Contains(p.config.IgnoredQuery, name) {
		return dst, nil
	}
	to, err := p.find(s, name)
	if err != nil {
		return dst, err
	}
	if to.chain == nil {
		return p.bindUnknown(s, dst, name, value)
	}
	if p.binding.Body == httprule.BodyWhole { // T52
		if p.config.PathWins {
			return dst, nil
		}
		return dst, queryError(name, "%s %.64q is not allowed: the body is the whole message", s.what, name)
	}
	if err := p.claimed(s, to.chain, name); err != nil {
		if p.config.PathWins {
			return dst, nil
		}
		return dst, err
	}
	if s.record, err = p.parameterRecord(s.record[:0], &to, value); err != nil {
		return dst, textError(err, s.what, name, status.ReasonBadQuery)
	}
	at, err := s.tree.assign(to.chain, name, fromQuery)
	if err != nil {
		return dst, err
	}
	if to.entry {
		if err := s.tree.assignKey(at, name, to.key); err != nil {
			return dst, err
		}
	}
	switch {
	case to.element:
		s.addToElement(to.chain, name)
		return dst, nil
	case len(s.record) == 0: // a null, of which nothing is made present (T68)
		return dst, nil
	}
	return appendRecord(dst, to.chain, s.record), nil
}

// parameterRecord appends the record of a parameter in its own message.
func (p *Plan) parameterRecord(dst []byte, to *target, value string) ([]byte, error) {
	f := leaf(to.chain)
	switch {
	case to.entry:
		return p.appendEntry(dst, f, &to.key, value)
	case p.config.JSONParameters && isFreeJSON(f.Descriptor()): // T67
		return f.AppendWire(dst, []byte(value), &p.config.Decode)
	}
	return p.appendText(dst, f, value)
}

// isFreeJSON tells whether a field is one message that holds any JSON object, array or value.
func isFreeJSON(fd protoreflect.FieldDescriptor) bool {
	if fd.Message() == nil || fd.IsList() || fd.IsMap() {
		return false
	}
	switch fd.Message().FullName() {
	case structName, "google.protobuf.Value", "google.protobuf.ListValue":
		return true
	}
	return false
}

// claimed refuses a parameter for a field that the path or the body sets (T49, T51).
func (p *Plan) claimed(s *state, chain []step, name string) error {
	for i := range p.vars {
		if overlap(p.vars[i].chain, chain) {
			return queryError(name, "%s %.64q is not allowed: the path sets %s", s.what, name, p.vars[i].name)
		}
	}
	if p.body != nil && number(p.body) == number(chain[0].field) {
		return queryError(name, "%s %.64q is not allowed: the body is %s", s.what, name, p.body.Descriptor().Name())
	}
	return nil
}

// unescape decodes a name or value of a query: once, with "+" as a space unless it is to stay (T60, T61). A raw ";" is
// refused.
func unescape(s *state, raw string, literalPlus bool) (string, bool) {
	if !strings.ContainsAny(raw, "%+;") {
		return raw, true
	}
	s.text = s.text[:0]
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case ';':
			return "", false
		case '+':
			if !literalPlus {
				c = ' '
			}
			s.text = append(s.text, c)
		case '%':
			if i+2 >= len(raw) {
				return "", false
			}
			hi, ok1 := percent.Unhex(raw[i+1])
			lo, ok2 := percent.Unhex(raw[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			s.text = append(s.text, hi<<4|lo)
			i += 2
		default:
			s.text = append(s.text, c)
		}
	}
	return string(s.text), true
}

func queryError(name, format string, args ...any) error {
	e := status.Errorf(codes.InvalidArgument, status.ReasonBadQuery, format, args...)
	if name != "" {
		e.Violations = []status.Violation{{Field: clipPath(name), Description: "is not allowed in the query"}}
	}
	return e
}
