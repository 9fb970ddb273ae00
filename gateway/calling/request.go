// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// restRequest is a message as a request of REST.
type restRequest struct {
	method, target string
	body           []byte // nil for none
}

// requestOf puts a message into path, query and body, as a rule has it. Without a rule, all of it is the body of a POST to the name of the method.
func (call *Call) requestOf(message []byte) (*restRequest, error) {
	if call.Binding == nil {
		return &restRequest{method: http.MethodPost, target: call.Method.Path, body: message}, nil
	}
	fields := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, &Failure{Code: codes.InvalidArgument, Message: "the message is no JSON object"}
	}
	b := call.Binding
	r := &restRequest{method: b.HTTPMethod}
	if r.method == httprule.AnyMethod {
		r.method = http.MethodPost
	}
	values := make([]string, len(b.Variables))
	for i := range b.Variables {
		value, ok := take(fields, b.Variables[i].Path)
		text, isText := textOf(value)
		if !ok || !isText || text == "" {
			return nil, &Failure{Code: codes.InvalidArgument, Message: fmt.Sprintf("the message has no %s, which the path of %s needs", b.Variables[i].Name, b)}
		}
		values[i] = text
	}
	r.target = path(b, values)
	switch b.Body {
	case httprule.BodyWhole:
		r.body, _ = json.Marshal(fields) // it was JSON
	case httprule.BodyField:
		value, ok := take(fields, []protoreflect.FieldDescriptor{b.BodyField})
		if ok {
			r.body, _ = json.Marshal(value) // it was JSON
		}
	case httprule.BodyNone:
	}
	if b.Body != httprule.BodyWhole {
		query := url.Values{}
		addQuery(query, "", b.Method.Input(), fields)
		if len(query) > 0 {
			r.target += "?" + query.Encode()
		}
	}
	return r, nil
}

// path fills in a template.
func path(b *httprule.Binding, values []string) string {
	var out strings.Builder
	segments := b.Template.Segments()
	for i := 0; i < len(segments); i++ {
		out.WriteByte('/')
		covered := false
		for v := range b.Variables {
			if b.Variables[v].First == i {
				parts := strings.Split(values[v], "/")
				if !b.Variables[v].MultiSegment {
					parts = []string{values[v]}
				}
				for j := range parts {
					parts[j] = url.PathEscape(parts[j])
				}
				out.WriteString(strings.Join(parts, "/"))
				i, covered = b.Variables[v].Last-1, true
				break
			}
		}
		if !covered {
			text := segments[i].Text
			if segments[i].Kind != httprule.Literal {
				text = "-"
			}
			out.WriteString(text)
		}
	}
	if len(segments) == 0 {
		out.WriteByte('/')
	}
	if verb := b.Template.Verb(); verb != "" {
		out.WriteString(":" + verb)
	}
	return out.String()
}

// take removes the value at a path of fields, each in either of its names, and returns it.
func take(fields map[string]any, path []protoreflect.FieldDescriptor) (any, bool) {
	for _, name := range []string{path[0].JSONName(), string(path[0].Name())} {
		value, ok := fields[name]
		if !ok {
			continue
		}
		if len(path) == 1 {
			delete(fields, name)
			return value, true
		}
		if inner, ok := value.(map[string]any); ok {
			return take(inner, path[1:])
		}
	}
	return nil, false
}

// textOf is a JSON value as the text of a path or query.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	default:
		return "", false
	}
}

// addQuery adds fields as parameters: with dots into messages, by name[key] for maps, repeated for lists.
func addQuery(query url.Values, prefix string, md protoreflect.MessageDescriptor, fields map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var fd protoreflect.FieldDescriptor
		if md != nil {
			if fd = md.Fields().ByJSONName(name); fd == nil {
				fd = md.Fields().ByName(protoreflect.Name(name))
			}
		}
		key := prefix + name
		switch v := fields[name].(type) {
		case map[string]any:
			switch {
			case fd != nil && fd.IsMap():
				for _, k := range slices.Sorted(maps.Keys(v)) {
					if text, ok := textOf(v[k]); ok {
						query.Add(key+"["+k+"]", text)
					}
				}
			case fd != nil && fd.Message() != nil && fd.Message().FullName().Parent() != "google.protobuf":
				addQuery(query, key+".", fd.Message(), v)
			default:
				text, _ := json.Marshal(v) // it was JSON
				query.Add(key, string(text))
			}
		case []any:
			for _, item := range v {
				if text, ok := textOf(item); ok {
					query.Add(key, text)
				} else {
					text, _ := json.Marshal(item) // it was JSON
					query.Add(key, string(text))
				}
			}
		case nil:
		default:
			if text, ok := textOf(v); ok {
				query.Add(key, text)
			}
		}
	}
}
