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

// redactionOrigin is where a redaction is from.
type redactionOrigin struct {
	path   string    // in the configuration
	option *declared // nil for the configuration
}

// newRedaction makes the policy that takes fields out of answers; nil where none are.
func (a *Assembly) newRedaction(mux *transcoder.Mux, declared *options) (*redact.Policy, error) {
	var (
		byOwn   = map[*config.Redaction]*redact.Config{}
		froms   = map[*redact.Config]redactionOrigin{}
		methods []redact.Method
	)
	add := func(m *transcoder.Method, at place) error {
		ofService, ofMethod := declared.of(m)
		policy, origins := a.config.PolicyWith(at.service, at.method, ofService.option(), ofMethod.option())
		if policy.Redact == nil {
			return nil
		}
		own, ok := byOwn[policy.Redact]
		if !ok {
			cfg, err := policy.Redact.Config()
			if err != nil {
				return fmt.Errorf("%s.unless: %w", origins["redact"], err)
			}
			own = cfg
			byOwn[policy.Redact], froms[cfg] = own, redactionOrigin{string(origins["redact"]), declared.whose(m, origins["redact"])}
		}
		methods = append(methods, redact.Method{Method: m, Config: own})
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
	return nil, placedRedactions(err, froms)
}

// placedRedactions gives errors that one joins the settings that they are about.
func placedRedactions(err error, froms map[*redact.Config]redactionOrigin) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, placedRedactions(e, froms))
		}
		return errors.Join(all...)
	}
	e, ok := err.(*redact.FieldError) //nolint:errorlint // it is not wrapped: New joins them
	if !ok {
		return err
	}
	from := froms[e.Config]
	field, value := "", ""
	if e.Field >= 0 {
		field, value = fmt.Sprintf(".fields[%d]", e.Field), e.Config.Fields[e.Field]
	}
	if from.option != nil {
		path := "redact" + field
		return &optionError{of: from.option, path: path, err: fmt.Errorf("%s: %w", path, e)}
	}
	return &redactionError{FieldError: e, path: from.path + field, value: value}
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
