// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import "strings"

// search finds the binding for a method: an explicit HEAD anywhere on the path before a GET that serves HEAD as well.
func (m *Match) search(method methodID) *Binding {
	switch {
	case method == methodNever:
		return nil
	case method != methodHead:
		m.want, m.second = method, methodAny
	default:
		if m.table.heads {
			m.want, m.second = methodHead, methodNever
			if b := m.splits(); b != nil {
				return b
			}
		}
		m.want, m.second = methodAny, methodNever
		if m.table.derivedHead {
			m.want, m.second = methodGet, methodAny
		}
	}
	return m.splits()
}

// any reports whether any template matches the path, whatever its method.
func (m *Match) any() bool {
	m.want = methodProbe
	return m.splits() != nil
}

// splits searches with the longest verb first and last with none. If a binding is found, the verb stays split off.
func (m *Match) splits() *Binding {
	if from, to := m.lastColons(); from < to {
		for at := from; at < to; at++ {
			if m.path[at] != ':' {
				continue
			}
			if b := m.split(at, to); b != nil {
				return b
			}
		}
	}
	m.verb = noVerb
	return m.find(m.table.root, 0)
}

// split searches with the text between the colon and end as the verb.
func (m *Match) split(colon, end int) *Binding {
	n := m.n
	if !m.cut(colon, end) {
		return nil
	}
	if b := m.find(m.table.root, 0); b != nil {
		return b
	}
	m.n = n
	m.setNext(n, end+1)
	return nil
}

// cut takes the verb off the last segment, or reports that no rule has this verb or that nothing would be left.
func (m *Match) cut(colon, end int) bool {
	verb, ok := m.verbOf(m.path[colon+1 : end])
	if !ok {
		return false
	}
	switch {
	case colon > m.at(m.n-1):
		m.setNext(m.n, colon+1)
	case m.n == 1:
		m.n = 0 // "/:verb" is the root, which has no segments, with a verb
	default:
		return false
	}
	m.verb = verb
	return true
}

func (m *Match) verbOf(text string) (verbID, bool) {
	if !m.escaped || strings.IndexByte(text, '%') < 0 {
		id, ok := m.table.verbs[text]
		return id, ok
	}
	if len(text) > escapeBytes*m.table.longest {
		return noVerb, false
	}
	id, ok := m.table.verbs[string(appendNormal(m.scratch[:0], text))]
	return id, ok
}

// find searches the tree below n with the segments from i on: literal, then `*`, then `**`.
func (m *Match) find(n *node, i int) *Binding {
	if i == m.n {
		if b := m.pick(n); b != nil {
			return b
		}
	} else {
		if next := m.literal(n, i); next != nil {
			if b := m.find(next, i+1); b != nil {
				return b
			}
		}
		if n.single != nil {
			if b := m.find(n.single, i+1); b != nil {
				return b
			}
		}
	}
	if n.multi == nil {
		return nil
	}
	return m.findTail(n.multi, i, m.n)
}

// findTail searches the tree of what follows `**`, where the segments from..to are left, from the end backwards: the longest
// tail first.
func (m *Match) findTail(n *node, from, to int) *Binding {
	if from < to {
		if next := m.literal(n, to-1); next != nil {
			if b := m.findTail(next, from, to-1); b != nil {
				return b
			}
		}
	}
	return m.pick(n)
}

// literal gives the child of n for segment i.
func (m *Match) literal(n *node, i int) *node {
	if len(n.literals) == 0 {
		return nil
	}
	text := m.segment(i)
	if m.escaped && strings.IndexByte(text, '%') >= 0 {
		if len(text) > escapeBytes*m.table.longest {
			return nil
		}
		return childOf(n, m.table.seed, appendNormal(m.scratch[:0], text))
	}
	if len(text) > m.table.longest {
		return nil
	}
	return childOf(n, m.table.seed, text)
}

// pick chooses among the bindings whose templates end at n.
func (m *Match) pick(n *node) *Binding {
	if len(n.endings) == 0 {
		return nil
	}
	if m.want == methodProbe {
		if at, _ := n.find(m.verb, methodAny); at < len(n.endings) && n.endings[at].verb == m.verb {
			return n.endings[at].binding
		}
		return nil
	}
	if at, ok := n.find(m.verb, m.want); ok {
		return n.endings[at].binding
	}
	if m.second == methodNever {
		return nil
	}
	if at, ok := n.find(m.verb, m.second); ok {
		return n.endings[at].binding
	}
	return nil
}
