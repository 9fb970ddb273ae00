// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Local are services that the server itself answers, and where it does.
type Local struct {
	// Schema has the services.
	Schema *schema.Schema
	// At are the full names of the services that requests of a listener find, by the name of the listener. There they stand in the
	// place of services of the same name in other schemas, all of their methods.
	At map[string][]string
}

// addLocal adds the methods of local services, and a view for each set of them that some listener has.
func (x *Mux) addLocal(l *Local, limits codec.Config) error {
	c, err := codec.New(l.Schema.Types(), limits)
	if err != nil {
		return fmt.Errorf("%s: %w", l.Schema.Source(), err)
	}
	x.local = l.Schema
	used := map[string]bool{}
	for _, services := range l.At {
		for _, name := range services {
			used[name] = true
		}
	}
	local := map[string][]*Method{}
	for _, sd := range l.Schema.Services() {
		name := string(sd.FullName())
		for i := range sd.Methods().Len() {
			if !used[name] {
				break
			}
			m := newMethod(len(x.methods), l.Schema, c, sd.Methods().Get(i))
			m.Local = true
			x.methods = append(x.methods, m)
			local[name] = append(local[name], m)
		}
	}
	x.listeners = map[string]*Mux{}
	sets := map[string]*Mux{}
	for _, listener := range slices.Sorted(maps.Keys(l.At)) {
		services := slices.Compact(slices.Sorted(slices.Values(l.At[listener])))
		if len(services) == 0 {
			continue
		}
		set := strings.Join(services, " ")
		if sets[set] == nil {
			if sets[set], err = x.view(services, local, l.Schema); err != nil {
				return err
			}
			x.views = append(x.views, sets[set])
		}
		x.listeners[listener] = sets[set]
	}
	for _, v := range x.views {
		v.methods = x.methods
	}
	return nil
}

// view returns what requests find where these local services are.
func (x *Mux) view(services []string, local map[string][]*Method, s *schema.Schema) (*Mux, error) {
	v := &Mux{schemas: x.schemas, byPath: maps.Clone(x.byPath), services: maps.Clone(x.services), local: s}
	v.files = sync.OnceValue(v.findFiles)
	for _, name := range services {
		if len(local[name]) == 0 {
			return nil, fmt.Errorf("%s has no service %q with methods", s.Source(), name)
		}
		maps.DeleteFunc(v.byPath, func(_ string, m *Method) bool { return m.Service == name })
		for _, m := range local[name] {
			v.byPath[m.Path] = m
		}
		v.services[name] = s
	}
	return v, nil
}

// At returns what requests of a listener find: the Mux itself, or one of its Views.
func (x *Mux) At(listener string) *Mux {
	if v := x.listeners[listener]; v != nil {
		return v
	}
	return x
}

// Views returns what requests of listeners with local services find, one Mux for each set of those. Their methods are those of the
// Mux, under the same IDs. The slice is not to be changed.
func (x *Mux) Views() []*Mux { return x.views }
