// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// What parameters are called in messages.
const (
	queryParameter = "query parameter"
	formField      = "form field"
)

// bindQuery appends the parameters of a query in their order, and then those of a form.
func (p *Plan) bindQuery(s *state, dst []byte, r *Request) ([]byte, error) {
	count := 0
	query := r.Query
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
			return dst, queryError("", "the query is malformed near %.64q; escape %% as %%25 and ; as %%3B", pair)
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
	return dst, nil
}

// bindParameter appends one parameter.
func (p *Plan) bindParameter(s *state, dst []byte, name, value string) ([]byte, error) {
	if slices.Contains(p.config.IgnoredQuery, name) {
		return dst, nil
	}
	path, key, isEntry := mapEntry(name)
	chain, err := p.find(s, path)
	if err != nil {
		return dst, err
	}
	if chain == nil || (isEntry && !leaf(chain).Descriptor().IsMap()) {
		if p.config.UnknownQuery == IgnoreUnknown {
			return dst, nil
		}
		return dst, queryError(name, "%s %.64q is not a field of %s", s.what, name, p.binding.Method.Input().FullName())
	}
	if p.binding.Body == httprule.BodyWhole { // T52
		if p.config.PathWins {
			return dst, nil
		}
		return dst, queryError(name, "%s %.64q is not allowed: the body is the whole message", s.what, name)
	}
	if err := p.claimed(s, chain, name); err != nil {
		if p.config.PathWins {
			return dst, nil
		}
		return dst, err
	}
	if isEntry {
		s.record, err = leaf(chain).AppendMapEntry(s.record[:0], key, value, &p.config.Decode)
	} else {
		s.record, err = p.appendText(s.record[:0], leaf(chain), value)
	}
	if err != nil {
		return dst, textError(err, s.what, name, status.ReasonBadQuery)
	}
	if isEntry {
		if err := s.assignKey(chain, name, key); err != nil {
			return dst, err
		}
	}
	if err := s.assign(chain, name, "query"); err != nil {
		return dst, err
	}
	return s.wrap(dst, chain), nil
}

// claimed refuses a parameter for a field that the path or the body sets (T49, T51).
func (p *Plan) claimed(s *state, chain []*codec.Field, name string) error {
	for i := range p.vars {
		if overlap(p.vars[i].chain, chain) {
			return queryError(name, "%s %.64q is not allowed: the path sets %s", s.what, name, p.vars[i].name)
		}
	}
	if p.body != nil && number(p.body) == number(chain[0]) {
		return queryError(name, "%s %.64q is not allowed: the body is %s", s.what, name, p.body.Descriptor().Name())
	}
	return nil
}

// overlap tells whether one chain is the other or its beginning.
func overlap(a, b []*codec.Field) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if number(a[i]) != number(b[i]) {
			return false
		}
	}
	return true
}

// find resolves a dotted field path, each element in either of its names (T50, T59). It returns nil if there is no such field.
func (p *Plan) find(s *state, path string) ([]*codec.Field, error) {
	start := len(s.arena)
	at := p.message
	for elements := 1; ; elements++ {
		if elements > p.config.MaxPathElements {
			return nil, queryError(path, "%s %.64q has more than %d names", s.what, path, p.config.MaxPathElements)
		}
		name, rest, more := strings.Cut(path, ".")
		f := at.FieldByName(name)
		if f == nil {
			return nil, nil
		}
		s.arena = append(s.arena, f)
		if !more {
			return s.arena[start:len(s.arena):len(s.arena)], nil
		}
		fd := f.Descriptor()
		if fd.Message() == nil || fd.IsMap() || fd.IsList() {
			return nil, nil
		}
		at, path = p.codec.Message(fd.Message()), rest
	}
}

// mapEntry splits "labels[a]" into the field and the key (T65).
func mapEntry(name string) (path, key string, ok bool) {
	if !strings.HasSuffix(name, "]") {
		return name, "", false
	}
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return name, "", false
	}
	return name[:open], name[open+1 : len(name)-1], true
}

// assignKey refuses a key of a map that was given before.
func (s *state) assignKey(chain []*codec.Field, name, key string) error {
	for i := range s.keys {
		if k := &s.keys[i]; k.key == key && len(k.chain) == len(chain) && overlap(k.chain, chain) {
			return setTwice(name, "query", "query")
		}
	}
	s.keys = append(s.keys, mapKey{chain: chain, key: key})
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
			hi, ok1 := wire.Unhex(raw[i+1])
			lo, ok2 := wire.Unhex(raw[i+2])
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
		e.Violations = []status.Violation{{Field: name, Description: "is not allowed in the query"}}
	}
	return e
}
