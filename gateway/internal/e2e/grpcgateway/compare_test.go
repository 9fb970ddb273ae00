// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

// exception is a difference that is meant, and why.
type exception struct {
	name   string
	reason string
	// explain changes what was observed so that this difference is gone, and no other. It returns an error where it finds
	// something else than what the reason says. Where it has nothing to say, it changes nothing.
	explain func(c *call, ours, theirs *observed) error
}

// comparison compares answers and knows which exceptions were needed.
type comparison struct {
	general []exception    // they apply to every call
	needed  map[string]int // by name of an exception: in how many calls it was
}

func newComparison(general []exception) *comparison {
	return &comparison{general: general, needed: map[string]int{}}
}

// check compares the two answers to a call and returns what is wrong.
func (k *comparison) check(c *call, ours, theirs *observed) []string {
	all := slices.Concat(c.except, k.general)
	if difference := compare(c, all, ours, theirs); difference != "" {
		return []string{"the answers differ, and no exception of this call explains it (-grpc-gateway +dragoman):\n" + difference}
	}
	// An exception is needed if the rest of them do not do.
	var problems []string
	for i, e := range all {
		if i >= len(c.except) && k.needed[e.name] > 0 {
			continue // those for all calls need not be needed by each
		}
		rest := slices.Delete(slices.Clone(all), i, i+1)
		switch {
		case compare(c, rest, ours, theirs) != "":
			k.needed[e.name]++
		case i < len(c.except):
			problems = append(problems, fmt.Sprintf("exception %q is not needed: the answers are equal without it", e.name))
		}
	}
	return problems
}

// finish returns the general exceptions that no call needed.
func (k *comparison) finish() []string {
	var problems []string
	for _, e := range k.general {
		if k.needed[e.name] == 0 {
			problems = append(problems, fmt.Sprintf("exception %q is not needed: no call differs by it", e.name))
		}
	}
	return problems
}

// compare returns what differs after the exceptions.
func compare(c *call, exceptions []exception, ours, theirs *observed) string {
	ours, theirs = ours.clone(), theirs.clone()
	for _, e := range exceptions {
		if err := e.explain(c, ours, theirs); err != nil {
			return fmt.Sprintf("exception %q (%s): %v\n%s", e.name, e.reason, err, difference(theirs, ours))
		}
	}
	return difference(theirs, ours)
}

// difference compares what was observed, value by value.
func difference(a, b *observed) string {
	if same(a, b) {
		return "" // most are, and to say so is quicker than to look for what is not
	}
	return cmp.Diff(a, b, protocmp.Transform(), cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(arrival{}))
}

// same tells whether two are equal in all.
func same(a, b *observed) bool {
	fields := func(a, b http.Header) bool { return maps.EqualFunc(a, b, slices.Equal[[]string]) }
	return a.Status == b.Status && a.Text == b.Text && a.Cut == b.Cut && fields(a.Header, b.Header) && fields(a.Trailer, b.Trailer) &&
		len(a.Values) == len(b.Values) && (len(a.Values) == 0 || reflect.DeepEqual(a.Values, b.Values)) &&
		slices.EqualFunc(a.Calls, b.Calls, func(a, b *arrival) bool {
			return a.Method == b.Method && a.Deadline == b.Deadline && maps.EqualFunc(a.Metadata, b.Metadata, slices.Equal[[]string]) &&
				slices.EqualFunc(a.Messages, b.Messages, proto.Equal)
		})
}

// clone makes a copy that exceptions may change. The messages of the calls are shared: an exception replaces them.
func (o *observed) clone() *observed {
	c := *o
	c.Header, c.Trailer = cloneHeader(o.Header), cloneHeader(o.Trailer)
	c.Values = make([]any, len(o.Values))
	for i, v := range o.Values {
		c.Values[i] = cloneValue(v)
	}
	c.Calls = make([]*arrival, len(o.Calls))
	for i, a := range o.Calls {
		copied := *a
		copied.Metadata, copied.Messages = a.Metadata.Copy(), slices.Clone(a.Messages)
		c.Calls[i] = &copied
	}
	return &c
}

func cloneHeader(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	return h.Clone()
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		for name := range c {
			c[name] = cloneValue(c[name])
		}
		return c
	case []any:
		c := slices.Clone(v)
		for i := range c {
			c[i] = cloneValue(c[i])
		}
		return c
	default:
		return v
	}
}

// object is the body, if that is one JSON object; else nil.
func (o *observed) object() map[string]any {
	if len(o.Values) != 1 {
		return nil
	}
	object, _ := o.Values[0].(map[string]any)
	return object
}

// code is the gRPC code of a body that is a status; -1 for another.
func (o *observed) code() string {
	if n, ok := o.object()["code"]; ok {
		return fmt.Sprint(n)
	}
	return ""
}

func (o *observed) message() string {
	text, _ := o.object()["message"].(string)
	return text
}
