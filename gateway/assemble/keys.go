// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// keyCode is the code of keys that are no field of a method's request.
const keyCode = "DG1302"

// keyers are what finds the keys of calls, of the backends that go by keys: by their name, and the ID of the method.
type keyers map[string][]*backend.Keyer

// forward returns the way to a backend with the keys that it goes by.
func (k keyers) forward(name string, r *backend.Route) backend.Forwarder {
	if own := k[name]; own != nil {
		return r.Keyed(own)
	}
	return r
}

// badKey is a field that methods have not, or not as a key.
type badKey struct {
	backend string
	index   int // in hash_key
	field   string
	message string
	methods []string // their paths
}

// Error implements error.
func (e *badKey) Error() string {
	return fmt.Sprintf("backend %q: hash_key: field %s %s (%s)", e.backend, e.field, e.message, strings.Join(e.methods, ", "))
}

// keyers makes what finds the keys of the methods' calls. The error joins all fields that do not fit, each a *badKey.
func (a *Assembly) keyers(mux *transcoder.Mux) (keyers, error) {
	all := keyers{}
	var bad []*badKey
	backends := a.config.Backends
	if a.parts.Unopened != nil {
		backends = a.parts.Unopened
	}
	for i := range backends {
		cfg := &backends[i]
		if len(cfg.LoadBalancing.HashKeys) == 0 && cfg.LoadBalancing.Sticky == nil {
			continue
		}
		all[cfg.Name] = make([]*backend.Keyer, len(mux.Methods()))
		for _, m := range mux.Methods() {
			if !a.mayServe(cfg.Name, m) {
				continue
			}
			keyer, err := cfg.LoadBalancing.NewKeyer(m.Desc.Input())
			if err != nil {
				bad = addBad(bad, cfg, m, err)
				continue
			}
			all[cfg.Name][m.ID] = keyer
		}
	}
	errs := make([]error, len(bad))
	for i, b := range bad {
		errs[i] = b
	}
	return all, errors.Join(errs...)
}

// mayServe says whether calls of a method may go to a backend. Copies of calls go by no key.
func (a *Assembly) mayServe(name string, m *transcoder.Method) bool {
	to, _, ok := a.Traffic(m.Service, m.Name)
	return ok && slices.Contains(to.Backends(), name)
}

// addBad adds what is wrong with a method to what is wrong in the same way with others.
func addBad(bad []*badKey, cfg *backend.Config, m *transcoder.Method, err error) []*badKey {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
next:
	for _, err := range list {
		e, ok := errors.AsType[*backend.FieldError](err)
		if !ok {
			e = &backend.FieldError{Message: err.Error()}
		}
		for _, b := range bad {
			if b.backend == cfg.Name && b.field == e.Field && b.message == e.Message {
				b.methods = append(b.methods, m.Path)
				continue next
			}
		}
		index := 0
		for i, key := range cfg.LoadBalancing.HashKeys {
			if key.Field == e.Field {
				index = i
			}
		}
		bad = append(bad, &badKey{backend: cfg.Name, index: index, field: e.Field, message: e.Message, methods: []string{m.Path}})
	}
	return bad
}

// diagnostic puts it into the form of the schema's own, with its place in the configuration.
func (e *badKey) diagnostic(c *config.Config) schema.Diagnostic {
	const most = 5
	named := strings.Join(e.methods[:min(most, len(e.methods))], ", ")
	if more := len(e.methods) - most; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	d := schema.Diagnostic{
		Level: schema.Error, Code: keyCode,
		Message: fmt.Sprintf("the key of backend %q does not fit %s: field %s %s", e.backend, named, e.field, e.message),
		Help:    []string{"give the methods that have the field a backend of their own, or take another key"},
	}
	path := fmt.Sprintf("backends[%q].load_balancing.hash_key[%d].field", e.backend, e.index)
	if span := configSpan(c, path, e.field); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d
}

// place puts the way in force in which a snapshot's backends place their calls.
func (a *Assembly) place(backends map[string]*backend.Backend) {
	for _, b := range backends {
		if err := b.Place(); err != nil { // what was opened was checked
			a.parts.Log.Error("a policy could not be put in force", slog.String("backend", b.Name()), slog.Any("error", err))
		}
	}
}
