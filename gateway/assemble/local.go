// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/local"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// overriddenCode is the code of services of schemas that are not reached at some listeners.
const overriddenCode = "DG2004"

// local says which services the gateway itself answers, and where; nil for none.
func (a *Assembly) local() *transcoder.Local {
	if a.parts.Local == nil {
		return nil
	}
	l := &transcoder.Local{Schema: a.parts.Local.Schema(), At: map[string][]string{}}
	for listener, own := range a.config.Local {
		if own.Reflection {
			l.At[listener] = append(l.At[listener], local.Reflection...)
		}
		if own.Health {
			l.At[listener] = append(l.At[listener], local.Health)
		}
	}
	return l
}

// overridden warns of services of schemas in whose place the gateway itself answers.
func (a *Assembly) overridden(mux *transcoder.Mux) []schema.Diagnostic {
	listeners := map[string][]string{}
	for _, listener := range slices.Sorted(maps.Keys(a.config.Local)) {
		view := mux.At(listener)
		for _, service := range view.Services() {
			if s := mux.SchemaOf(service); s != nil && s != view.SchemaOf(service) {
				listeners[service] = append(listeners[service], listener)
			}
		}
	}
	var warnings []schema.Diagnostic
	for _, service := range slices.Sorted(maps.Keys(listeners)) {
		warnings = append(warnings, schema.Diagnostic{
			Level: schema.Warning, Code: overriddenCode,
			Message: fmt.Sprintf("%s is in %s, and the gateway itself answers it at the listener %s", service, mux.SchemaOf(service).Source(), strings.Join(listeners[service], ", ")),
			Help:    []string{"hide it with schemas.hide, or turn reflection or health of the listener off to reach that of the backend"},
		})
	}
	return warnings
}

// shadowed returns the methods of local services that a schema has, too.
func shadowed(mux *transcoder.Mux) []candidate {
	var all []candidate
	for _, m := range mux.Methods() {
		if m.Local && mux.Method(m.Path) != nil {
			all = append(all, candidate{m.Desc, true})
		}
	}
	return all
}

// found returns the bindings whose methods requests of a Mux find.
func found(mux *transcoder.Mux, bindings []*httprule.Binding) []*httprule.Binding {
	return slices.DeleteFunc(slices.Clone(bindings), func(b *httprule.Binding) bool {
		m := mux.Method("/" + string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name()))
		return m == nil || m.Desc != b.Method
	})
}

// setRoutes gives the views of a Mux their tables.
func setRoutes(mux *transcoder.Mux, bindings []*httprule.Binding, cfg httprule.Config) []httprule.Problem {
	for _, view := range mux.Views() {
		table, problems := httprule.NewTable(found(view, bindings), cfg)
		if table == nil {
			return problems
		}
		view.SetRoutes(table)
	}
	return nil
}
