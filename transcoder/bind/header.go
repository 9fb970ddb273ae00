// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// headerField is a header field that sets a field of the request (T171).
type headerField struct {
	name  string
	chain []step
}

// HeaderError says what is wrong with an entry of Config.HeaderFields for a binding.
type HeaderError struct {
	// Header is the name of the header field.
	Header string
	// Message says what is wrong.
	Message string
}

// Error gives the name and the message.
func (e *HeaderError) Error() string { return fmt.Sprintf("header %q: %s", e.Header, e.Message) }

// compileHeaders resolves Config.HeaderFields, in the order of their names. The error joins a *HeaderError for each that is wrong.
func (p *Plan) compileHeaders() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.config.HeaderFields)) {
		chain, fault := p.headerChain(p.config.HeaderFields[name])
		if fault != "" {
			errs = append(errs, &HeaderError{Header: name, Message: fault})
			continue
		}
		p.headers = append(p.headers, headerField{name: name, chain: chain})
	}
	return errors.Join(errs...)
}

// headerChain returns the field at a path, or says why a header field cannot set it.
func (p *Plan) headerChain(path string) (chain []step, fault string) {
	to, err := p.find(&state{what: "field path"}, path)
	if err != nil || to.chain == nil || to.entry || to.element {
		return nil, fmt.Sprintf("%q is not a field of %s", path, p.binding.Method.Input().FullName())
	}
	for i := range p.vars {
		if overlap(p.vars[i].chain, to.chain) {
			return nil, fmt.Sprintf("%s is set by the path of %s", path, p.binding)
		}
	}
	if p.binding.Body == httprule.BodyField && number(p.body) == number(to.chain[0].field) && (len(to.chain) == 1 || p.rawBody != nil) {
		return nil, fmt.Sprintf("%s is the body of %s", path, p.binding)
	}
	if _, err := leaf(to.chain).AppendText(nil, "0", &p.config.Decode); codecKind(err) == codec.KindUnsupported {
		return nil, path + " is a message, which has no form as a text"
	}
	return to.chain, ""
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
			if _, err := s.tree.assign(h.chain, h.name, fromHeader); err != nil {
				return dst, err
			}
			dst = appendRecord(dst, h.chain, s.record)
		}
	}
	return dst, nil
}
