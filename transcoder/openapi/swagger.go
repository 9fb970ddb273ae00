// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
)

// extend puts in extensions that options of protoc-gen-openapiv2 have.
func extend(o *object, extensions map[string]*structpb.Value) {
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		if strings.HasPrefix(name, "x-") {
			o.set(name, plain(extensions[name].AsInterface()))
		}
	}
}

func externalDocs(o *object, d *options.ExternalDocumentation) {
	if d.GetUrl() != "" {
		o.set("externalDocs", obj("url", d.GetUrl()).text("description", d.GetDescription()))
	}
}

// describeMessage puts in what options of protoc-gen-openapiv2 say of a message.
func (b *builder) describeMessage(o *object, md protoreflect.MessageDescriptor) {
	own := schemaOf(md)
	if own == nil {
		return
	}
	j := own.GetJsonSchema()
	keywords(o, j)
	for _, name := range j.GetRequired() {
		addRequired(o, name)
	}
	o.flag("readOnly", own.GetReadOnly())
	externalDocs(o, own.GetExternalDocs())
	if example, err := raw(own.GetExample()); err == nil {
		o.set("examples", list{example})
	}
}

// addRequired makes a property required, if the schema has it: options name properties as some generator once did.
func addRequired(o *object, name string) {
	properties, ok := o.get("properties").(*object)
	if !ok {
		return
	}
	if !properties.has(name) {
		for _, m := range properties.members {
			if strings.EqualFold(m.key, strings.ReplaceAll(name, "_", "")) {
				name = m.key
			}
		}
	}
	required, _ := o.get("required").(list)
	if properties.has(name) && !slices.Contains(required, any(name)) {
		o.set("required", append(slices.Clone(required), name))
	}
}

// describeField puts in what options of protoc-gen-openapiv2 say of a field. A field that they list as required is made so by its message.
func (b *builder) describeField(o *object, fd protoreflect.FieldDescriptor) {
	if own := fieldOf(fd); own != nil {
		keywords(o, own)
		o.flag("deprecated", own.GetFieldConfiguration().GetDeprecated())
	}
}

// describeEnum puts in what options of protoc-gen-openapiv2 say of an enum.
func (b *builder) describeEnum(o *object, ed protoreflect.EnumDescriptor) {
	own := enumOf(ed)
	if own == nil {
		return
	}
	o.text("title", own.GetTitle()).text("description", own.GetDescription()).flag("readOnly", own.GetReadOnly())
	externalDocs(o, own.GetExternalDocs())
	if own.GetExample() != "" {
		o.set("examples", list{own.GetExample()})
	}
	extend(o, own.GetExtensions())
}

// keywords puts in the keywords of a schema that are the user's own words. The type is what the transcoder reads and writes, whatever an
// option says.
func keywords(o *object, j *options.JSONSchema) {
	if j == nil {
		return
	}
	o.text("title", j.GetTitle()).text("description", j.GetDescription()).text("pattern", j.GetPattern()).text("format", j.GetFormat())
	o.flag("readOnly", j.GetReadOnly()).flag("uniqueItems", j.GetUniqueItems())
	if example, err := raw(j.GetExample()); err == nil {
		o.set("examples", list{example})
	} else if j.GetExample() != "" {
		o.set("examples", list{j.GetExample()})
	}
	if j.GetDefault() != "" {
		o.set("default", defaultOf(o, j.GetDefault()))
	}
	for _, n := range []struct {
		key   string
		value float64
	}{{"multipleOf", j.GetMultipleOf()}, {exclusive("maximum", j.GetExclusiveMaximum()), j.GetMaximum()}, {exclusive("minimum", j.GetExclusiveMinimum()), j.GetMinimum()}} {
		if n.value != 0 {
			o.set(n.key, number(n.value))
		}
	}
	for _, n := range []struct {
		key   string
		value uint64
	}{
		{"maxLength", j.GetMaxLength()},
		{"minLength", j.GetMinLength()},
		{"maxItems", j.GetMaxItems()},
		{"minItems", j.GetMinItems()},
		{"maxProperties", j.GetMaxProperties()},
		{"minProperties", j.GetMinProperties()},
	} {
		if n.value != 0 {
			o.set(n.key, json.Number(strconv.FormatUint(n.value, 10)))
		}
	}
	if len(j.GetEnum()) > 0 && o.get("type") == "string" {
		o.set("enum", texts(j.GetEnum()))
	}
	extend(o, j.GetExtensions())
}

// exclusive is the keyword of a bound.
func exclusive(bound string, is bool) string {
	if is {
		return "exclusive" + strings.ToUpper(bound[:1]) + bound[1:]
	}
	return bound
}

// defaultOf is a default in the type of its schema: options have all of them as texts.
func defaultOf(o *object, text string) any {
	if o.get("type") == "string" {
		return text
	}
	if v, err := raw(text); err == nil {
		return v
	}
	return text
}
