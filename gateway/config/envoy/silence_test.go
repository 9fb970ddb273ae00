// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/gateway/config/envoy"
	"github.com/dragoman-gateway/dragoman/internal/race"
)

// saysNothing are fields that say nothing to clients and backends, in Envoy either, and others whose effect an example cannot show.
var saysNothing = map[protoreflect.FullName]string{
	"envoy.config.core.v3.TransportSocket.name":                                   "the type decides",
	"envoy.config.listener.v3.Filter.name":                                        "the type decides",
	"envoy.config.listener.v3.FilterChain.name":                                   "for logs",
	"envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.name": "the type decides",
	"envoy.config.accesslog.v3.AccessLog.name":                                    "the type decides",
	"envoy.config.route.v3.RouteConfiguration.name":                               "names what a control plane sends",
	"envoy.config.route.v3.VirtualHost.name":                                      "for statistics",
	"envoy.config.route.v3.Route.name":                                            "for logs",
	"envoy.config.route.v3.Route.stat_prefix":                                     "for statistics",
	"envoy.config.cluster.v3.Cluster.alt_stat_name":                               "for statistics",
	"envoy.config.endpoint.v3.ClusterLoadAssignment.cluster_name":                 "the cluster that it stands in decides",
	"envoy.config.core.v3.HttpUri.cluster":                                        "that keys are fetched from their host is said",
	"envoy.extensions.filters.http.ext_authz.v3.ExtAuthz.transport_api_version":   "there is version 3 alone",
	"envoy.extensions.filters.http.ext_authz.v3.ExtAuthz.stat_prefix":             "for statistics",
	"envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication.stat_prefix":    "for statistics",
	"envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit.stat_prefix": "for statistics",
}

// Nothing of a configuration is dropped in silence: whatever field is set or changed, the settings change, or there is a note of it, or it
// is refused.
func TestNothingIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	results := &tries{told: map[string]bool{}, silent: map[string]string{}}
	t.Run("examples", func(t *testing.T) {
		t.Parallel()
		for _, file := range examples(t) {
			if file.Name == "mesh.json" {
				continue // what it has is left
			}
			t.Run(file.Name, func(t *testing.T) {
				t.Parallel()
				var root map[string]any
				if err := yaml.Unmarshal(file.Data, &root); err != nil {
					t.Fatal(err)
				}
				m := &mutator{t: t, root: root, tries: results, done: map[string]bool{}}
				if m.before, m.paths = m.outcome(); strings.HasPrefix(m.before, "refused") {
					t.Fatal(m.before)
				}
				m.message(root, (&bootstrapv3.Bootstrap{}).ProtoReflect().Descriptor(), "", "")
			})
		}
	})
	t.Cleanup(func() {
		for _, key := range slices.Sorted(maps.Keys(results.silent)) {
			if !results.told[key] {
				t.Errorf("%s: %s changes nothing, and there is no note of it", key, results.silent[key])
			}
		}
		if len(results.told) < 400 && !race.Enabled {
			t.Errorf("only %d fields were tried", len(results.told))
		}
	})
}

// tries are the fields that were tried, by their name and that of the field that they stand in.
type tries struct {
	mu     sync.Mutex
	told   map[string]bool   // guarded by mu; whose change was noticed
	silent map[string]string // guarded by mu; whose change was not, and what it was
}

// mutator changes one field after the other.
type mutator struct {
	t      *testing.T
	root   map[string]any
	before string
	paths  map[string]bool // that there are notes of
	tries  *tries
	done   map[string]bool
	fields int
}

// outcome is what a configuration leads to, without places, and the paths of which there are notes.
func (m *mutator) outcome() (string, map[string]bool) {
	data, err := json.Marshal(m.root)
	if err != nil {
		m.t.Fatal(err)
	}
	r, err := envoy.Convert(envoy.File{Name: "x", Data: data})
	if err != nil {
		return "refused: " + err.Error(), nil
	}
	var b strings.Builder
	for line := range strings.Lines(r.YAML) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	var notes []string
	paths := map[string]bool{}
	for _, n := range r.Notes {
		notes = append(notes, fmt.Sprintln(n.Kind, n.Path, n.Message))
		paths[n.Path] = true
	}
	slices.Sort(notes)
	return b.String() + strings.Join(notes, ""), paths
}

// message tries every field of a message, and goes on to those below.
func (m *mutator) message(object map[string]any, d protoreflect.MessageDescriptor, path, at string) {
	if d.FullName() == "google.protobuf.Any" {
		name, _ := object["@type"].(string)
		known, err := protoregistry.GlobalTypes.FindMessageByURL(name)
		if err != nil || !strings.HasPrefix(string(known.Descriptor().FullName()), "envoy.") {
			return
		}
		d = known.Descriptor()
	} else if strings.HasPrefix(string(d.FullName()), "google.protobuf.") {
		return
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		name := string(f.Name())
		if m.fields++; race.Enabled && m.fields%8 != 0 {
			continue // the whole is for go test without it: make allocs does that
		}
		if _, known := saysNothing[f.FullName()]; known || strings.HasPrefix(name, "hidden_envoy_") {
			continue
		}
		own := name
		if path != "" {
			own = path + "." + name
		}
		if key := string(f.FullName()) + " in " + at; !m.done[key] {
			m.done[key] = true
			m.try(object, f, own, key)
		}
		if f.Message() != nil {
			m.below(object[name], f, own)
		}
	}
}

// below goes on to the messages of a field.
func (m *mutator) below(value any, f protoreflect.FieldDescriptor, path string) {
	name := string(f.Name())
	switch value := value.(type) {
	case map[string]any:
		if !f.IsMap() {
			m.message(value, f.Message(), path, name)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(value)) {
			if inner, ok := value[k].(map[string]any); ok && f.MapValue().Message() != nil {
				m.message(inner, f.MapValue().Message(), fmt.Sprintf("%s[%q]", path, k), name)
			}
		}
	case []any:
		for i, e := range value {
			if inner, ok := e.(map[string]any); ok {
				m.message(inner, f.Message(), fmt.Sprintf("%s[%d]", path, i), name)
			}
		}
	}
}

// try changes a field in several ways, until one is noticed.
func (m *mutator) try(object map[string]any, f protoreflect.FieldDescriptor, path, key string) {
	name := string(f.Name())
	old, had := object[name]
	defer func() {
		if had {
			object[name] = old
		} else {
			delete(object, name)
		}
	}()
	silent := ""
	for _, value := range others(old, f) {
		object[name] = value
		outcome, paths := m.outcome()
		parent := path[:max(strings.LastIndexByte(path, '.'), 0)]
		if outcome != m.before || paths[path] || paths[parent] && !strings.HasSuffix(parent, "typed_config") && !strings.HasSuffix(parent, "]") {
			m.tries.mu.Lock()
			m.tries.told[key] = true
			m.tries.mu.Unlock()
			return
		}
		silent = fmt.Sprintf("%v in place of %v", value, old)
	}
	empty := fmt.Sprint(object[name])
	if !had && f.Message() != nil && (empty == "map[]" || empty == "[map[]]") {
		m.below(object[name], f, path) // an empty message may mean nothing; what stands in it has to
		return
	}
	m.tries.mu.Lock()
	m.tries.silent[key] = silent
	m.tries.mu.Unlock()
}

// others returns values of a field that are other ones than it has.
func others(old any, f protoreflect.FieldDescriptor) []any {
	switch {
	case f.IsMap():
		entries := map[string]any{}
		if before, ok := old.(map[string]any); ok {
			maps.Copy(entries, before)
		}
		entries["another"] = single(nil, f.MapValue())
		return []any{entries}
	case f.Message() != nil && fmt.Sprint(old) == "map[]":
		return []any{nil} // which counts as not set
	case f.IsList():
		before, _ := old.([]any)
		if f.Message() != nil && len(before) > 0 {
			return []any{before[:len(before)-1], append(slices.Clone(before), single(nil, f))}
		}
		return []any{append(slices.Clone(before), single(nil, f))}
	case f.Message() != nil && f.Message().FullName() == "google.protobuf.BoolValue":
		return []any{true, false}
	default:
		return []any{single(old, f)}
	}
}

func single(old any, f protoreflect.FieldDescriptor) any {
	if f.Message() != nil {
		return object(old, f.Message())
	}
	switch f.Kind() {
	case protoreflect.BoolKind:
		return old != true
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		for i := range values.Len() {
			// The first is what stands for none.
			if v := string(values.Get(values.Len() - 1 - i).Name()); v != old {
				return v
			}
		}
		return old
	case protoreflect.StringKind:
		return "another"
	case protoreflect.BytesKind:
		return "YW5vdGhlcg=="
	default:
		if old == 3 {
			return 4
		}
		return 3
	}
}

// object returns a message that is another one, as JSON has it.
func object(old any, d protoreflect.MessageDescriptor) any {
	switch d.FullName() {
	case "google.protobuf.Duration":
		if old == "7s" {
			return "8s"
		}
		return "7s"
	case "google.protobuf.Any":
		return map[string]any{"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}
	case "google.protobuf.BoolValue":
		return old != true
	case "google.protobuf.UInt32Value", "google.protobuf.UInt64Value", "google.protobuf.DoubleValue", "google.protobuf.Int32Value":
		return single(old, d.Fields().Get(0))
	case "google.protobuf.StringValue":
		return "another"
	default:
		return map[string]any{}
	}
}
