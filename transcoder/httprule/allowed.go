// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import "slices"

// Allowed gives the HTTP methods for the Allow header after MethodNotAllowed or OptionsOnly: sorted, the union
// over all templates that match the path (with a verb and without), with HEAD where GET serves it, and OPTIONS. It
// is nil if no template matches.
func (m *Match) Allowed() []string {
	if m.table == nil {
		return nil
	}
	t := m.table
	var names []string
	for _, b := range t.matching(m.path) {
		switch b.HTTPMethod {
		case AnyMethod:
			names = append(names, "DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
		case "GET":
			names = append(names, "GET")
			if t.derivedHead {
				names = append(names, "HEAD")
			}
		default:
			names = append(names, b.HTTPMethod)
		}
	}
	if names == nil {
		return nil
	}
	names = append(names, "OPTIONS")
	slices.Sort(names)
	return slices.Compact(names)
}

// matching gives the bindings whose template matches the path, whatever their HTTP method, in the order in which a
// search prefers them.
func (t *Table) matching(path string) []*Binding {
	m := Match{table: t, path: path}
	if m.scan() != Found || !m.whole() {
		return nil
	}
	var found []*Binding
	from, to := m.lastColons()
	for at := from; at < to; at++ {
		if m.path[at] == ':' {
			found = m.collectSplit(found, at, to)
		}
	}
	m.verb = noVerb
	return m.collect(found, t.root, 0)
}

// collectSplit is split for all bindings.
func (m *Match) collectSplit(found []*Binding, colon, end int) []*Binding {
	n := m.n
	if !m.cut(colon, end) {
		return found
	}
	found = m.collect(found, m.table.root, 0)
	m.n = n
	m.setNext(n, end+1)
	return found
}

// collect is find for all bindings.
func (m *Match) collect(found []*Binding, n *node, i int) []*Binding {
	if i == m.n {
		found = appendBindings(found, n.of(m.verb))
	} else {
		if next := m.literal(n, i); next != nil {
			found = m.collect(found, next, i+1)
		}
		if n.single != nil {
			found = m.collect(found, n.single, i+1)
		}
	}
	if n.multi != nil {
		found = m.collectTail(found, n.multi, i, m.n)
	}
	return found
}

func (m *Match) collectTail(found []*Binding, n *node, from, to int) []*Binding {
	if from < to {
		if next := m.literal(n, to-1); next != nil {
			found = m.collectTail(found, next, from, to-1)
		}
	}
	return appendBindings(found, n.of(m.verb))
}

// appendBindings appends the bindings of one template, the one for any method last.
func appendBindings(found []*Binding, endings []ending) []*Binding {
	for i := range endings {
		if endings[i].method != methodAny {
			found = append(found, endings[i].binding)
		}
	}
	if len(endings) > 0 && endings[0].method == methodAny {
		found = append(found, endings[0].binding)
	}
	return found
}
