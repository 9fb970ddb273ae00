// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// maxQueryDepth is how deep the query parameters of an operation lead into messages. The transcoder takes deeper ones, too.
const maxQueryDepth = 6

// maxQueryParameters is how many query parameters an operation lists.
const maxQueryParameters = 200

// queryParameters are the fields that neither the path nor the body sets, with dots between names.
func (o *operation) queryParameters() {
	if o.binding.Body == httprule.BodyWhole {
		return
	}
	o.query(o.method.Desc.Input(), nil, true)
	if o.skipped > 0 {
		o.notes = append(o.notes, fmt.Sprintf("There are %d more query parameters, by the names of fields.", o.skipped))
	}
	c := &o.rest.Bind
	if c.UnknownQuery == bind.CaptureUnknown && c.CaptureField != "" {
		o.parameters = append(o.parameters, obj("name", c.CaptureField, "in", "query", "style", "form", "explode", true,
			"description", "Any other parameters.", "schema", obj("type", "object", "additionalProperties", obj("type", "string"))))
	}
}

func (o *operation) query(md protoreflect.MessageDescriptor, chain []protoreflect.FieldDescriptor, required bool) {
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		path := append(slices.Clone(chain), fd)
		name := o.pathName(path)
		inside := fd.Message() != nil && !fd.IsMap() && !fd.IsList() && !special(fd.Message())
		switch {
		case !o.builder.shownField(fd), behavior(fd, annotations.FieldBehavior_OUTPUT_ONLY), slices.Contains(o.rest.Bind.IgnoredQuery, name), o.fromHeader(path):
		case inside:
			if !o.entirely(path) {
				o.into(fd, path, required)
			}
		case o.binding.Claims(path) != httprule.ClaimNone:
		default:
			o.parameter(fd, path, name, required && isRequired(fd))
		}
	}
}

// special tells whether no name in the query leads into a message.
func special(md protoreflect.MessageDescriptor) bool {
	return isText(md) || isFree(md) || isAny(md)
}

// entirely tells whether path or body set a message as a whole, and not only something inside.
func (o *operation) entirely(path []protoreflect.FieldDescriptor) bool {
	if o.binding.Body == httprule.BodyField && o.binding.BodyField.Number() == path[0].Number() {
		return true
	}
	return slices.ContainsFunc(o.binding.Variables, func(v httprule.Variable) bool { return slices.EqualFunc(v.Path, path, sameField) })
}

func sameField(a, b protoreflect.FieldDescriptor) bool { return a.Number() == b.Number() }

// into lists the fields of a message, unless that has no end.
func (o *operation) into(fd protoreflect.FieldDescriptor, path []protoreflect.FieldDescriptor, required bool) {
	around := o.method.Desc.Input()
	recursive := around.FullName() == fd.Message().FullName()
	for _, p := range path[:len(path)-1] {
		recursive = recursive || p.Message().FullName() == fd.Message().FullName()
	}
	if recursive || len(path) >= min(maxQueryDepth, maxPathElements(&o.rest.Bind)) {
		o.notes = append(o.notes, fmt.Sprintf("Query parameters can lead further into `%s`, with dots between the names of fields.", o.pathName(path)))
		return
	}
	o.query(fd.Message(), path, required && isRequired(fd))
}

func maxPathElements(c *bind.Config) int {
	if c.MaxPathElements == 0 {
		return bind.DefaultMaxPathElements
	}
	return c.MaxPathElements
}

// pathName is the name of a parameter.
func (o *operation) pathName(path []protoreflect.FieldDescriptor) string {
	names := make([]string, len(path))
	for i, fd := range path {
		names[i] = o.dialect.name(fd)
	}
	return strings.Join(names, ".")
}

// parameter adds a query parameter for a field that has one text, or several, as its value.
func (o *operation) parameter(fd protoreflect.FieldDescriptor, path []protoreflect.FieldDescriptor, name string, required bool) {
	if len(o.parameters) >= maxQueryParameters {
		o.skipped++
		return
	}
	p := obj("name", name, "in", "query")
	schema := o.builder.schemas.field(fd, o.dialect)
	text, _ := schema.get("description").(string)
	schema.remove("description")
	schema.remove("readOnly")
	schema.remove("writeOnly")
	deprecated := schema.get("deprecated") == true
	schema.remove("deprecated")
	p.flag("required", required).text("description", text).flag("deprecated", deprecated)
	element := fd.Message()
	if fd.IsMap() {
		element = fd.MapValue().Message()
	}
	switch free := element != nil && isFree(element); {
	case element != nil && !isText(element) && (!free || fd.IsMap() || fd.IsList() || !o.rest.Bind.JSONParameters):
		if fd.IsList() && !special(element) && o.rest.Bind.MaxListElements > 0 {
			o.notes = append(o.notes, fmt.Sprintf("Query parameters such as `%s[0].name` set fields of the elements of `%s`, of which there may be %d.", name, name, o.rest.Bind.MaxListElements))
		}
		return // it has no form as a text
	case free:
		p.set("content", obj(mediaJSON, obj("schema", schema)))
	case fd.IsMap():
		p.set("style", "deepObject").set("explode", true).set("schema", schema)
	case fd.IsList():
		p.set("style", "form").set("explode", true).set("schema", schema)
	default:
		p.set("schema", schema)
	}
	o.parameters = append(o.parameters, p)
}

// headerParameters are the header fields that set fields of the request.
func (o *operation) headerParameters() {
	for _, header := range slices.Sorted(maps.Keys(o.rest.Bind.HeaderFields)) {
		path := findField(o.method.Desc.Input(), o.rest.Bind.HeaderFields[header])
		if path == nil || ignoredHeader(header) {
			continue
		}
		schema := o.builder.schemas.field(path[len(path)-1], o.dialect)
		text, _ := schema.get("description").(string)
		schema.remove("description")
		o.headers = append(o.headers, path)
		o.parameters = append(o.parameters, obj("name", header, "in", "header").
			text("description", sentences(text, "It sets the field `"+o.pathName(path)+"`.")).set("schema", schema))
	}
	for _, h := range operationOf(o.method.Desc).GetParameters().GetHeaders() {
		if h.GetName() == "" || ignoredHeader(h.GetName()) || o.hasHeader(h.GetName()) {
			continue
		}
		kind := strings.ToLower(h.GetType().String())
		if h.GetType() == 0 {
			kind = "string"
		}
		o.parameters = append(o.parameters, obj("name", h.GetName(), "in", "header").flag("required", h.GetRequired()).
			text("description", h.GetDescription()).set("schema", obj("type", kind).text("format", h.GetFormat())))
	}
}

// ignoredHeader tells whether OpenAPI ignores a header parameter of that name.
func ignoredHeader(name string) bool {
	switch strings.ToLower(name) {
	case "accept", "content-type", "authorization":
		return true
	}
	return false
}

func (o *operation) hasHeader(name string) bool {
	return slices.ContainsFunc(o.parameters, func(v any) bool {
		p, _ := v.(*object)
		known, _ := p.get("name").(string)
		return p.get("in") == "header" && strings.EqualFold(known, name)
	})
}

func (o *operation) fromHeader(path []protoreflect.FieldDescriptor) bool {
	return slices.ContainsFunc(o.headers, func(h []protoreflect.FieldDescriptor) bool { return slices.EqualFunc(h, path, sameField) })
}

// findField resolves a path of fields, each in either of its names; nil where there is none.
func findField(md protoreflect.MessageDescriptor, path string) []protoreflect.FieldDescriptor {
	var chain []protoreflect.FieldDescriptor
	for name := range strings.SplitSeq(path, ".") {
		if md == nil {
			return nil
		}
		fd := md.Fields().ByJSONName(name)
		if fd == nil {
			fd = md.Fields().ByName(protoreflect.Name(name))
		}
		if fd == nil {
			return nil
		}
		chain, md = append(chain, fd), fd.Message()
	}
	return chain
}

// isDeprecated tells whether a method or its service is deprecated.
func isDeprecated(md protoreflect.MethodDescriptor) bool {
	if o, ok := md.Options().(*descriptorpb.MethodOptions); ok && o.GetDeprecated() {
		return true
	}
	o, ok := md.Parent().Options().(*descriptorpb.ServiceOptions)
	return ok && o.GetDeprecated()
}
