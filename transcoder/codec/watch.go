// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Watch is a set of field paths whose presence in a JSON message is to be known: the fields that a URL binds. It is
// compiled once and may be used by any number of calls at a time.
type Watch struct {
	root *watchNode
	n    int
}

// watchNode is the watched fields of one message.
type watchNode struct {
	children []watchChild
}

// watchChild is one field of a node.
type watchChild struct {
	number protoreflect.FieldNumber
	hits   []int      // indexes of the paths that end here
	node   *watchNode // paths that go on; nil when none does
}

// Hit tells whether the JSON names the field of one watched path, by either of its names, even if with null or with
// its default value.
type Hit struct {
	// Seen tells that the field is named.
	Seen bool
	// Start and End are the byte range of its value in the JSON.
	Start, End int
}

// NewWatch compiles field paths. Each starts at the message whose JSON is read (for Field.AppendWire the message of that
// field) and goes through singular message fields.
func NewWatch(paths [][]protoreflect.FieldDescriptor) (*Watch, error) {
	w := &Watch{root: &watchNode{}, n: len(paths)}
	for i, path := range paths {
		if len(path) == 0 {
			return nil, fmt.Errorf("watch: path %d is empty", i)
		}
		n := w.root
		for j, fd := range path {
			c := n.child(fd.Number())
			if j == len(path)-1 {
				c.hits = append(c.hits, i)
				break
			}
			if fd.Message() == nil || fd.IsList() || fd.IsMap() {
				return nil, fmt.Errorf("watch: path %d goes through %s, which is not a singular message", i, fd.FullName())
			}
			if c.node == nil {
				c.node = &watchNode{}
			}
			n = c.node
		}
	}
	return w, nil
}

// Len is the number of paths, and so the number of hits that a call needs room for.
func (w *Watch) Len() int { return w.n }

func (n *watchNode) child(num protoreflect.FieldNumber) *watchChild {
	if c := n.find(num); c != nil {
		return c
	}
	n.children = append(n.children, watchChild{number: num})
	return &n.children[len(n.children)-1]
}

// find gives the child for a field. There are as many as a URL binds, so a loop is the fastest way.
func (n *watchNode) find(num protoreflect.FieldNumber) *watchChild {
	for i := range n.children {
		if n.children[i].number == num {
			return &n.children[i]
		}
	}
	return nil
}

// below gives the node of what lies in a field; nil if nothing there is watched.
func (n *watchNode) below(f *Field) *watchNode {
	if c := n.find(f.desc.Number()); c != nil {
		return c.node
	}
	return nil
}

// hit notes that a field was named if it is watched.
func (d *decoder) hit(n *watchNode, f *Field, start, end int) {
	c := n.find(f.desc.Number())
	if c == nil {
		return
	}
	for _, i := range c.hits {
		d.o.Hits[i] = Hit{Seen: true, Start: start, End: end}
	}
}
