// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// source is a part of a request that sets fields.
type source uint8

const (
	fromBody source = iota
	fromHeader
	fromQuery
	fromPath
)

// String names the part in errors.
func (s source) String() string {
	return [...]string{fromBody: "body", fromHeader: "header", fromQuery: "query", fromPath: "path"}[s]
}

// reason is what an error about the part is counted as.
func (s source) reason() status.Reason {
	return [...]status.Reason{
		fromBody: status.ReasonBadJSON, fromHeader: status.ReasonBadHeader, fromQuery: status.ReasonBadQuery, fromPath: status.ReasonBadPathParam,
	}[s]
}

// kept is up to how many entries the maps of a tree are kept for the next request: clearing a large map costs
// as much as filling it did.
const kept = 128

// tree notes which fields of a message are set, and what set them. Noting one takes a step for each name of its path, however
// many are noted already (T69). The zero value is ready.
type tree struct {
	nodes []node              // nodes[0] is the message itself
	edges map[edge]int32      // to the index of a node or, for a oneof, to the number of its member
	keys  map[mapKey]struct{} // of maps, that the query has set
	hint  int                 // how many parameters the query has
}

// node is a field, or an element of a list.
type node struct {
	by  source // that came to it first
	set bool   // itself, and not only something inside of it
	ref int32  // of a list of which the query sets elements, its index in elements.lists; of an element, in elements.items; or none
}

// edge leads from a node to a field by its number, to an element of a list by its index, or from a message to a
// oneof by its index, counted from -1 downwards.
type edge struct{ from, to int32 }

// mapKey is a key of the map that a node is.
type mapKey struct {
	node int32
	key  string
}

// none is no index.
const none int32 = -1

func (t *tree) empty() bool { return len(t.nodes) == 0 }

func (t *tree) reset() {
	t.nodes, t.hint = t.nodes[:0], 0
	if len(t.edges) > kept {
		t.edges = nil
	} else {
		clear(t.edges)
	}
	if len(t.keys) > kept {
		t.keys = nil
	} else {
		clear(t.keys)
	}
}

// child is the node that an edge leads to, and whether it is new.
func (t *tree) child(from, to int32, by source) (at int32, fresh bool) {
	if t.empty() {
		t.nodes = append(t.nodes, node{ref: none})
	}
	e := edge{from, to}
	at, ok := t.edges[e]
	if ok {
		return at, false
	}
	at = int32(len(t.nodes)) //nolint:gosec // a request has fewer names than that
	t.nodes = append(roomy(t.nodes, 1), node{by: by, ref: none})
	t.edges = ample(t.edges, t.hint)
	t.edges[e] = at
	return at, true
}

// roomy makes room for n more by doubling; append alone goes in smaller steps and so allocates more than twice as much on
// the way to something large.
func roomy[S ~[]T, T any](s S, n int) S {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(n, len(s)))
}

// ample makes a map that is about to become large as large as it will be, at once.
func ample[M ~map[K]V, K comparable, V any](m M, size int) M {
	if m == nil {
		return M{}
	}
	if len(m) != kept || size <= kept {
		return m
	}
	large := make(M, size)
	maps.Copy(large, m)
	return large
}

// has tells whether something set a field of the message, or a part of it.
func (t *tree) has(number protoreflect.FieldNumber) bool {
	_, ok := t.edges[edge{0, int32(number)}]
	return ok
}

// assign notes that a field is set and refuses it if that was done before: the same field, one inside the other, or two members of a
// oneof (T49, T51, T55, T56). Repeated fields may be set again by the same source, and so may maps. It returns the node of
// the field.
func (t *tree) assign(chain []step, name string, by source) (int32, error) {
	at := int32(0)
	for i, s := range chain {
		fd := s.field.Descriptor()
		number := int32(fd.Number())
		if oneof := realOneof(fd); oneof != nil {
			if err := t.choose(at, oneof, number, name, by); err != nil {
				return at, err
			}
		}
		last := i == len(chain)-1
		next, fresh := t.child(at, number, by)
		if n := &t.nodes[next]; !fresh && (n.set || last) {
			again := last && n.set && n.by == by && (fd.IsList() || fd.IsMap())
			if !again {
				return at, setTwice(name, by, n.by)
			}
		}
		if at = next; s.index != none {
			at, _ = t.child(at, s.index, by)
		}
	}
	t.nodes[at].set = true
	return at, nil
}

// choose notes which member of a oneof of the message at a node is set.
func (t *tree) choose(at int32, oneof protoreflect.OneofDescriptor, number int32, name string, by source) error {
	to := -1 - int32(oneof.Index()) //nolint:gosec // descriptors are not that large
	e := edge{at, to}
	if other, ok := t.edges[e]; ok && other != number {
		member := oneof.Fields().ByNumber(protoreflect.FieldNumber(other))
		return oneofTwice(name, by, string(member.Name()), string(oneof.Name()))
	}
	t.edges = ample(t.edges, t.hint)
	t.edges[e] = number
	return nil
}

// assignKey refuses a key of the map at a node that was given before (T65).
func (t *tree) assignKey(at int32, name, key string) error {
	k := mapKey{at, key}
	if _, ok := t.keys[k]; ok {
		return setTwice(name, fromQuery, fromQuery)
	}
	t.keys = ample(t.keys, t.hint)
	t.keys[k] = struct{}{}
	return nil
}
