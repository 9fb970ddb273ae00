// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// operation is one binding on its way into the document.
type operation struct {
	builder *builder
	method  *transcoder.Method
	binding *httprule.Binding
	rest    *rest.Config
	dialect dialect
	layout  layout

	headers    [][]protoreflect.FieldDescriptor // fields that header fields set
	parameters list
	skipped    int      // query parameters beyond the most that are listed
	notes      []string // for the description
}

// itemMethods are the methods of HTTP that OpenAPI has, with their keys in a path item.
var itemMethods = map[string]string{
	"GET": "get", "PUT": "put", "POST": "post", "DELETE": "delete", "OPTIONS": "options", "HEAD": "head", "PATCH": "patch", "TRACE": "trace",
}

// anyMethods are those that stand for a rule that takes all.
var anyMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// paths puts all bindings into the document. It returns those that OpenAPI has no place for.
func (b *builder) paths(bindings []*httprule.Binding) (paths *object, unlisted []string) {
	paths = &object{}
	names := map[string][]string{}  // of parameters, by shape
	path := map[string]string{}     // by shape
	holder := map[string]*holding{} // by verb and shape
	for _, any := range []bool{false, true} {
		for _, binding := range bindings {
			if (binding.HTTPMethod == httprule.AnyMethod) != any {
				continue
			}
			shape := layOut(binding, nil).shape
			l := layOut(binding, names[shape])
			if _, ok := path[shape]; !ok {
				path[shape] = l.path
				for _, p := range l.parts {
					names[shape] = append(names[shape], p.name)
				}
			}
			methods := []string{binding.HTTPMethod}
			if any {
				methods = anyMethods
			}
			placed := false
			for _, method := range methods {
				key := itemMethods[method]
				if key == "" || holder[method+shape] != nil {
					continue
				}
				holder[method+shape] = &holding{binding, b.operation(binding, method, l, any && placed)}
				paths.object(path[shape])
				placed = true
			}
			if !placed {
				unlisted = append(unlisted, fmt.Sprintf("%s %s", binding, methodPath(binding)))
			}
		}
	}
	for shape, p := range path {
		item, ok := paths.get(p).(*object)
		if !ok {
			continue
		}
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"} {
			if h := holder[method+shape]; h != nil {
				item.set(itemMethods[method], h.operation)
			}
		}
	}
	return paths, unlisted
}

// holding is what stands in a place of the document.
type holding struct {
	binding   *httprule.Binding
	operation *object
}

func methodPath(b *httprule.Binding) string {
	return string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name())
}

// operation makes the operation of a binding. again tells that it stands in the document already, under another method of HTTP.
func (b *builder) operation(binding *httprule.Binding, httpMethod string, l layout, again bool) *object {
	m := b.cfg.Mux.Method("/" + methodPath(binding))
	cfg := b.cfg.REST(m)
	o := &operation{builder: b, method: m, binding: binding, rest: cfg, dialect: dialectOf(&cfg.Encode), layout: l}
	o.pathParameters()
	o.headerParameters()
	o.queryParameters()
	body, responses := o.requestBody(), o.responses()
	o.streamNotes()
	own := operationOf(m.Desc)
	text := cmp.Or(own.GetDescription(), comment(m.Desc))
	out := obj("tags", b.tagsOf(m, own.GetTags()))
	out.text("summary", cmp.Or(own.GetSummary(), summary(text), m.Name))
	out.text("description", sentences(append([]string{text}, o.notes...)...))
	externalDocs(out, own.GetExternalDocs())
	id := b.operationID(binding, own.GetOperationId())
	if again {
		id += "_" + strings.ToLower(httpMethod)
	}
	out.set("operationId", b.distinctID(id))
	if len(o.parameters) > 0 {
		out.set("parameters", o.parameters)
	}
	if body != nil {
		out.set("requestBody", body)
	}
	out.set("responses", responses)
	out.flag("deprecated", isDeprecated(m.Desc) || own.GetDeprecated())
	if security := b.security(m, own); security != nil {
		out.set("security", security)
	}
	out.set("x-grpc-method", methodPath(binding))
	extend(out, own.GetExtensions())
	return out
}

// streamNotes says how a method that streams is called.
func (o *operation) streamNotes() {
	const socket = "`GET` on the same path as a WebSocket with the subprotocol `dragoman.json`"
	switch {
	case o.method.ClientStreams && o.method.ServerStreams:
		o.notes = append(o.notes, "Both sides stream, which plain HTTP cannot carry: open "+socket+", or use gRPC or Connect.")
	case o.method.ClientStreams:
		o.notes = append(o.notes, "The client streams. Browsers, which cannot stream a body everywhere, open "+socket+".")
	case o.method.ServerStreams:
		o.notes = append(o.notes, "The server streams, in the form that `Accept` asks for; or open "+socket+".")
	}
	if o.binding.Place.Origin == httprule.FromDefault {
		o.notes = append(o.notes, "This is the path of the method itself, which has no rule for HTTP; clients of gRPC, gRPC-Web and Connect use it, too.")
	}
}

// operationID is the name of an operation: that of the service, and of its package where two have one name, and that of the method.
func (b *builder) operationID(binding *httprule.Binding, own string) string {
	if own == "" {
		service := string(binding.Method.Parent().Name())
		if b.sameNames[service] > 1 {
			service = strings.ReplaceAll(string(binding.Method.Parent().FullName()), ".", "_")
		}
		own = service + "_" + string(binding.Method.Name())
	}
	if binding.Index > 0 {
		own = fmt.Sprintf("%s%d", own, binding.Index+1)
	}
	return own
}

// distinctID sees to it that no two operations have one name.
func (b *builder) distinctID(id string) string {
	name := distinctName(id, b.ids)
	b.ids[name] = true
	return name
}

// tagsOf are the tags of a method: that of its service, or those that the user gives it.
func (b *builder) tagsOf(m *transcoder.Method, own []string) list {
	if len(own) > 0 {
		for _, tag := range own {
			if !slices.Contains(b.extraTags, tag) {
				b.extraTags = append(b.extraTags, tag)
			}
		}
		return texts(own)
	}
	return list{b.tagName(m.Service)}
}
