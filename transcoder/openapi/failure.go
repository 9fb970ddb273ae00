// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// failure is a format of errors, as a component.
type failure struct {
	format   rest.ErrorFormat
	name     string
	response *object
}

// errorRef refers to the answer that errors of a format are.
func (b *builder) errorRef(f *rest.ErrorFormat) *object {
	return obj("$ref", "#/components/responses/"+b.failure(f).name)
}

// errorSchemaRef refers to the body of errors of a format.
func (b *builder) errorSchemaRef(f *rest.ErrorFormat) *object {
	return obj("$ref", "#/components/schemas/"+b.failure(f).name)
}

// failure makes the components of a format when it is first used: Error, and where there are several, Error2 and so on.
func (b *builder) failure(f *rest.ErrorFormat) *failure {
	for i := range b.failures {
		if b.failures[i].format == *f {
			return &b.failures[i]
		}
	}
	name := "Error"
	if n := len(b.failures) + 1; n > 1 {
		name = fmt.Sprintf("Error%d", n)
	}
	mediaType, template := f.Body()
	var body any
	if err := json.Unmarshal([]byte(template), &body); err != nil {
		body = map[string]any{}
	}
	ref := b.schemas.ref(name, func(o *object) {
		shape, _ := b.errorShape(plain(body)).(*object)
		o.members = append(o.members, shape.members...)
		o.set("description", "An error. The status of HTTP follows from the code of gRPC: 3, 9 and 11 are 400, 16 is 401, 7 is 403, 5 is 404, 6 and 10 are 409, "+
			"8 is 429, 1 is 499, 12 is 501, 14 is 503, 4 is 504, and the others are 500.")
	})
	b.failures = append(b.failures, failure{*f, name, obj("description", "The call failed.", "headers", obj(
		"x-dragoman-reason", obj("description", "Why, in one word, where the gateway itself refused the call.", "schema", obj("type", "string")),
		"x-request-id", obj("description", "The id of the request, for who is asked about it.", "schema", obj("type", "string")),
	), "content", obj(mediaType, obj("schema", ref)))})
	return &b.failures[len(b.failures)-1]
}

// errorValues are the schemas of the values that a template can have.
func (b *builder) errorValues(placeholder string) *object {
	switch placeholder {
	case "{code}":
		return obj("type", "integer", "format", "int32", "description", "The code of gRPC.")
	case "{http_status}":
		return obj("type", "integer", "format", "int32", "description", "The status of HTTP.")
	case "{status}":
		return obj("type", "string", "description", "The name of the code of gRPC, such as `NOT_FOUND`.")
	case "{title}":
		return obj("type", "string", "description", "The status of HTTP in words.")
	case "{message}":
		return obj("type", "string", "description", "What went wrong.")
	case "{reason}":
		return obj("type", "string", "description", "The reason in one word, such as `no_route`.")
	case "{request_id}":
		return obj("type", "string", "description", "The id of the request.")
	case "{details}":
		return obj("type", "array", "description", "Details: messages such as `google.rpc.BadRequest`, each with its type.", "items",
			b.schemas.ref("google.protobuf.Any", fillAny))
	default:
		return nil
	}
}

// errorShape is the schema of what a template makes.
func (b *builder) errorShape(v any) any {
	switch v := v.(type) {
	case *object:
		properties, required := &object{}, list{}
		for _, m := range v.members {
			properties.set(m.key, b.errorShape(m.value))
			required = append(required, m.key)
		}
		o := obj("type", "object")
		if properties.len() > 0 {
			o.set("properties", properties).set("required", required)
		}
		return o
	case list:
		o := obj("type", "array")
		if len(v) > 0 {
			o.set("items", b.errorShape(v[0]))
		}
		return o
	case string:
		if known := b.errorValues(v); known != nil {
			return known
		}
		if strings.Contains(strings.ReplaceAll(v, "{{", ""), "{") {
			return obj("type", "string")
		}
		return obj("const", strings.ReplaceAll(v, "{{", "{"))
	default:
		return obj("const", v)
	}
}

// jsonText says how JSON is written: the three settings that surprise people.
func (b *builder) jsonText() string {
	var texts []string
	add := func(text string) {
		for _, t := range texts {
			if t == text {
				return
			}
		}
		texts = append(texts, text)
	}
	for _, m := range b.cfg.Mux.Methods() {
		if b.cfg.Mux.Method(m.Path) != m || (b.cfg.Include != nil && !b.cfg.Include(m.Service)) {
			continue
		}
		e := &b.cfg.REST(m).Encode
		switch e.Defaults {
		case codec.DefaultsOmit:
			add("Fields without a value are left out of answers.")
		case codec.DefaultsNull:
			add("Fields without a value are in answers, with their default or `null`.")
		case codec.DefaultsPrint:
			add("Fields without a value are in answers with their default, but for messages and optional ones.")
		}
		if e.ProtoNames {
			add("Names of fields are those of the `.proto` files; requests may have them in camel case, too.")
		} else {
			add("Names of fields are in camel case; requests may have those of the `.proto` files, too.")
		}
		if e.Int64Numbers {
			add("Integers of 64 bits are numbers, which readers that hold numbers in doubles round above 2^53.")
		} else {
			add("Integers of 64 bits are strings.")
		}
	}
	return strings.Join(texts, " ")
}
