// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of backends that cannot have the calls that they would get.
const (
	methodMissingCode = "DG2002"
	notMirroredCode   = "DG2003"
)

// traffic makes what forwards calls. Methods whose traffic is written at the same place share it.
type traffic struct {
	assembly *Assembly
	backends map[string]*backend.Backend
	asked    map[string][]*schema.Schema // what backends say of themselves, by reflection
	ways     *ways
	keyers   keyers
	cached   *cache.Generation // nil where nothing is stored
	made     map[path]gateway.Backend
	told     map[string]bool
	wrong    []schema.Diagnostic
}

// path is what calls have in common that are forwarded alike: where their choice and their mirror are written, and their policy.
type path struct {
	choice, mirror string
	way            way
}

func (a *Assembly) newTraffic(backends map[string]*backend.Backend, keyers keyers, policies *policies, cached *cache.Generation, loads []Loaded) *traffic {
	t := &traffic{
		assembly: a, backends: backends, asked: map[string][]*schema.Schema{}, ways: newWays(policies), keyers: keyers, cached: cached,
		made: map[path]gateway.Backend{}, told: map[string]bool{},
	}
	for i := range min(len(loads), len(a.config.Schemas.Sources)) {
		if r := a.config.Schemas.Sources[i].Reflection; r != nil && loads[i].Schema != nil {
			t.asked[r.Backend] = append(t.asked[r.Backend], loads[i].Schema)
		}
	}
	return t
}

// of returns what forwards the calls of a method; nil where its backends are not there, as while only looking at a configuration.
func (t *traffic) of(m *transcoder.Method, to *config.Traffic) (gateway.Backend, error) {
	t.fits(m, to)
	key := path{choice: to.Path, mirror: to.MirrorPath, way: t.ways.of(m)}
	if b, ok := t.made[key]; ok {
		return b, nil
	}
	b, err := t.make(m, to)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to.Path, err)
	}
	t.made[key] = b
	return b, nil
}

func (t *traffic) make(m *transcoder.Method, to *config.Traffic) (gateway.Backend, error) {
	names := to.Backends()
	if to.Mirror != nil {
		names = append(names, to.Mirror.Backend)
	}
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return t.backends[name] == nil }) {
		return nil, nil
	}
	var forwarder backend.Forwarder
	if len(to.Rules) > 0 {
		sides := map[string]split.Backend{}
		for _, name := range to.Backends() {
			sides[name] = t.to(name, m)
		}
		s, err := split.New(to.Config, sides, t.assembly.parts.Log)
		if err != nil {
			return nil, err
		}
		forwarder = s
	} else {
		forwarder = t.to(to.Backend, m)
	}
	if to.Mirror == nil {
		return forwarder, nil
	}
	return backend.NewMirror(to.Mirror.MirrorConfig, forwarder, t.backends[to.Mirror.Backend])
}

// to returns what forwards the calls of a method to a backend, or answers them by what it has answered before. A split is before that, so
// that each of its backends has answers of its own; a mirror is as well, and copies calls that are answered so.
func (t *traffic) to(name string, m *transcoder.Method) backend.Forwarder {
	f := t.keyers.forward(name, t.ways.to(t.backends[name], m))
	if t.cached == nil || !t.ways.policies.of(m).Caches() {
		return f
	}
	return t.cached.Route(name, f)
}

// fits notes a backend that certainly does not serve a method of which it would get some calls, where there is another that may: a
// call's fate must not hang on a weight. A backend that is asked by reflection says what it serves. That what it says is the same
// everywhere is seen to by the Mux.
func (t *traffic) fits(m *transcoder.Method, to *config.Traffic) {
	if m.Rule != "" {
		return // no schema has it
	}
	if names := to.Backends(); len(names) > 1 || to.Mirror != nil {
		for _, name := range names {
			t.serves(m, name, placeOf(to, name))
		}
	}
	if to.Mirror == nil {
		return
	}
	if m.ClientStreams && strings.Contains(to.MirrorPath, ".methods[") {
		t.add(m.Path, to.MirrorPath, schema.Diagnostic{
			Level: schema.Error, Code: notMirroredCode, Message: fmt.Sprintf("%s cannot be mirrored: its clients stream", m.Path),
			Help: []string{"remove the mirror; one of the whole service leaves such methods out"},
		})
	}
	if !m.ClientStreams {
		t.serves(m, to.Mirror.Backend, to.MirrorPath+".backend")
	}
}

// serves notes a backend that says that it does not have a method, the first of each service.
func (t *traffic) serves(m *transcoder.Method, name, path string) {
	schemas := t.asked[name]
	if len(schemas) == 0 || slices.ContainsFunc(schemas, func(s *schema.Schema) bool {
		_, err := s.FindDescriptorByName(protoreflect.FullName(m.Service + "." + m.Name))
		return err == nil
	}) {
		return
	}
	t.add(name+" "+m.Service, path, schema.Diagnostic{
		Level: schema.Error, Code: methodMissingCode, Message: fmt.Sprintf("backend %s does not serve %s, of which it would get calls", name, m.Path),
		Help: []string{"leave the backend out for this method, with an entry in methods, or bring the backend up to date"},
	})
}

// add notes a diagnostic of a setting, once of whatever about names.
func (t *traffic) add(about, path string, d schema.Diagnostic) {
	if t.told[about] {
		return
	}
	t.told[about] = true
	if span := configSpan(t.assembly.config, path, ""); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	t.wrong = append(t.wrong, d)
}

// placeOf returns the path of the setting by which a backend gets calls.
func placeOf(to *config.Traffic, name string) string {
	for i := range to.Rules {
		if to.Rules[i].Backend == name {
			return fmt.Sprintf("%s.split[%d].backend", to.Path, i)
		}
	}
	return to.Path + ".backend"
}
