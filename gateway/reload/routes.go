// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
)

// breakingCode is the code of schemas that are refused because they break clients.
const breakingCode = "DG1012"

// routesOf returns the routes of a snapshot, and for each where it leads and by which policy, as a text that is another one when that
// changes.
func routesOf(s *gateway.Snapshot, g *generation) map[string]string {
	routes := map[string]string{}
	t := s.Mux.Routes()
	if t == nil {
		return routes
	}
	texts := map[string]string{} // of policies and backends, by method
	for _, b := range t.Bindings() {
		full := string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name())
		if _, known := texts[full]; !known {
			texts[full] = lead(g.Config, string(b.Method.Parent().FullName()), string(b.Method.Name()))
			if g.Lead != nil {
				texts[full] += "\n" + g.Lead(string(b.Method.Parent().FullName()), string(b.Method.Name()))
			}
		}
		routes[b.String()] = full + "\n" + bodyOf(b) + "\n" + texts[full]
	}
	return routes
}

// bodyOf tells what of a request and of an answer is the body.
func bodyOf(b *httprule.Binding) string {
	text := fmt.Sprint(b.Body)
	if b.BodyField != nil {
		text += string(b.BodyField.Name())
	}
	if b.ResponseField != nil {
		text += ":" + string(b.ResponseField.Name())
	}
	return text
}

// lead tells where the calls of a method go and by which policy.
func lead(cfg *config.Config, service, method string) string {
	if cfg == nil {
		return ""
	}
	var text strings.Builder
	if to, ok := cfg.TrafficFor(service, method); ok {
		text.WriteString(strings.Join(to.Backends(), ","))
		for i := range to.Rules {
			fmt.Fprintf(&text, " %s %d", to.Rules[i].Backend, to.Rules[i].Weight)
		}
	}
	for _, v := range cfg.PolicyValues(service, method) {
		text.WriteString("\n" + v.Name + " " + v.Value)
	}
	return text.String()
}

// difference tells which routes are only in one of two, and which lead elsewhere.
func difference(before, after map[string]string) (added, removed, changed []string) {
	for _, r := range slices.Sorted(maps.Keys(after)) {
		if old, had := before[r]; !had {
			added = append(added, r)
		} else if old != after[r] {
			changed = append(changed, r)
		}
	}
	for _, r := range slices.Sorted(maps.Keys(before)) {
		if _, has := after[r]; !has {
			removed = append(removed, r)
		}
	}
	return added, removed, changed
}

// schemaChanges tells what changes in the schemas, and which routes are gone though their method is not.
func schemaChanges(before, after *gateway.Snapshot, removed []string) []compare.Change {
	changes := compare.Methods(methodsOf(before), methodsOf(after))
	t := before.Mux.Routes()
	if t == nil {
		return changes
	}
	for _, b := range t.Bindings() {
		full := string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name())
		if _, gone := slices.BinarySearch(removed, b.String()); gone && after.Mux.Method("/"+full) != nil {
			changes = append(changes, compare.New(compare.RouteRemoved, full, "is not at "+b.String()+" any more", full))
		}
	}
	compare.Sort(changes)
	return changes
}

func methodsOf(s *gateway.Snapshot) []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	for _, m := range s.Mux.Methods() {
		if !m.Local {
			all = append(all, m.Desc)
		}
	}
	return all
}

// breaks returns why changes of schemas are refused that break clients; nil where they are not.
func breaks(cfg *config.Config, r Request, changes []compare.Change) error {
	if cfg == nil || cfg.Schemas.BreakingChanges != config.BreakingReject || r.AllowBreaking || compare.Breaking(changes) == 0 {
		return nil
	}
	var all []schema.Diagnostic
	for i := range changes {
		c := &changes[i]
		if !c.Breaking {
			continue
		}
		d := schema.Diagnostic{Level: schema.Error, Code: breakingCode, Message: fmt.Sprintf("%s %s: clients can break by that", c.Element, c.Message)}
		if len(c.Methods) > 0 {
			d.Notes = []string{"methods: " + strings.Join(c.Methods, ", ")}
		}
		all = append(all, d)
	}
	all[len(all)-1].Help = []string{"dragoman reload --allow-breaking lets them pass once; schemas: {breaking_changes: allow} always"}
	return &schema.LoadError{Diagnostics: all}
}
