// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/redact"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// badRedactionCode is that of a field that no answer has.
const badRedactionCode = "DG1311"

// redactionError is a *redact.FieldError with the setting that is wrong.
type redactionError struct {
	*redact.FieldError
	path, value string
}

// newRedaction makes the policy that takes fields out of answers; nil where none are.
func (a *Assembly) newRedaction(mux *transcoder.Mux) (*redact.Policy, error) {
	type made struct {
		config *redact.Config
		path   string
	}
	var (
		byOwn   = map[*config.Redaction]made{}
		paths   = map[*redact.Config]string{}
		methods []redact.Method
	)
	add := func(m *transcoder.Method, at place) error {
		policy, origins := a.config.PolicyAt(at.service, at.method)
		if policy.Redact == nil {
			return nil
		}
		own, ok := byOwn[policy.Redact]
		if !ok {
			cfg, err := policy.Redact.Config()
			if err != nil {
				return fmt.Errorf("%s.unless: %w", origins["redact"], err)
			}
			own = made{cfg, string(origins["redact"])}
			byOwn[policy.Redact], paths[cfg] = own, own.path
		}
		methods = append(methods, redact.Method{Method: m, Config: own.config})
		return nil
	}
	for _, m := range mux.Methods() {
		if err := add(m, a.placeOf(m)); err != nil {
			return nil, err
		}
	}
	for i, m := range mux.Passed() {
		if err := add(m, a.passed[i]); err != nil {
			return nil, err
		}
	}
	p, err := redact.New(methods)
	if err == nil {
		return p, nil
	}
	return nil, placedRedactions(err, paths)
}

// placedRedactions gives errors that one joins the settings that they are about.
func placedRedactions(err error, paths map[*redact.Config]string) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, placedRedactions(e, paths))
		}
		return errors.Join(all...)
	}
	e, ok := err.(*redact.FieldError) //nolint:errorlint // it is not wrapped: New joins them
	if !ok {
		return err
	}
	if e.Field < 0 {
		return &redactionError{FieldError: e, path: paths[e.Config]}
	}
	return &redactionError{FieldError: e, path: fmt.Sprintf("%s.fields[%d]", paths[e.Config], e.Field), value: e.Config.Fields[e.Field]}
}

// badRedaction is the diagnostic of a field that no answer has, with its place in the configuration.
func (a *Assembly) badRedaction(e *redactionError) schema.Diagnostic {
	d := schema.Diagnostic{
		Level: schema.Error, Code: badRedactionCode, Message: e.path + ": " + e.Message,
		Help: []string{"write paths from the message of the answer, or the full name of a field behind a dot, with names as in the .proto file"},
	}
	if span := configSpan(a.config, e.path, e.value); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d
}
