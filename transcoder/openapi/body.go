// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// Media types.
const (
	mediaJSON      = "application/json"
	mediaNDJSON    = "application/x-ndjson"
	mediaSSE       = "text/event-stream"
	mediaSequence  = "application/json-seq"
	mediaDelimited = "application/x-protobuf; delimited=true"
	mediaForm      = "multipart/form-data"
	mediaAny       = "*/*"
)

// binary is the schema of bytes as they are.
func binary() *object { return obj("type", "string", "format", "binary") }

// requestBody returns what the body of a request is, or nil.
func (o *operation) requestBody() *object {
	input := o.method.Desc.Input()
	var (
		schema   *object
		required bool
		raw      bool
		text     string
	)
	switch o.binding.Body {
	case httprule.BodyNone:
		return nil
	case httprule.BodyWhole:
		if raw = isRaw(input); !raw || o.rest.Bind.JSONHTTPBody {
			schema = o.builder.schemas.without(input, o.dialect, o.claimed(0))
		}
		required = o.hasRequired(input)
	case httprule.BodyField:
		fd := o.binding.BodyField
		message := fd.Message() != nil && !fd.IsList() && !fd.IsMap()
		raw = message && isRaw(fd.Message())
		required, text = isRequired(fd), comment(fd)
		if !raw || o.rest.Bind.JSONHTTPBody {
			schema = o.builder.schemas.field(fd, o.dialect)
			text, _ = schema.get("description").(string)
			schema.remove("description")
		}
		if message && !raw {
			if inside := o.inside(fd); len(inside) > 0 {
				schema = o.builder.schemas.without(fd.Message(), o.dialect, inside)
			}
		}
	}
	body := (&object{}).text("description", text)
	switch {
	case raw && o.rest.Bind.JSONHTTPBody && !o.method.ClientStreams:
		body.set("content", obj(mediaJSON, obj("schema", schema)))
	case raw:
		body.text("description", sentences(text, "Any bytes, which go to the server as they are with their content type.")).
			set("content", o.rawContent())
	case o.method.ClientStreams:
		body.text("description", sentences(text, "A message on each line, or the messages as an array. They go to the server as they come.")).
			set("content", obj(mediaNDJSON, obj("schema", schema), mediaJSON, obj("schema", obj("type", "array", "items", schema)), mediaSequence, obj("schema", schema)))
	default:
		body.set("content", obj(mediaJSON, obj("schema", schema)))
	}
	return body.flag("required", required)
}

// rawContent is the body that a google.api.HttpBody is.
func (o *operation) rawContent() *object {
	content := obj(mediaAny, obj("schema", binary()))
	if o.rest.Multipart {
		content.set(mediaForm, obj("schema", obj("type", "object", "properties", obj("file", binary()),
			"additionalProperties", obj("type", "string"), "description", "One file, and fields that count as query parameters do.")))
	}
	return content
}

// claimed are the fields that the path or the header sets, below the first skip names.
func (o *operation) claimed(skip int) (paths [][]protoreflect.FieldDescriptor) {
	for i := range o.binding.Variables {
		if path := o.binding.Variables[i].Path; len(path) > skip {
			paths = append(paths, path[skip:])
		}
	}
	for _, path := range o.headers {
		if len(path) > skip {
			paths = append(paths, path[skip:])
		}
	}
	return paths
}

// inside are the fields inside the body field that the path or the header sets.
func (o *operation) inside(body protoreflect.FieldDescriptor) (paths [][]protoreflect.FieldDescriptor) {
	for i := range o.binding.Variables {
		if path := o.binding.Variables[i].Path; len(path) > 1 && path[0].Number() == body.Number() {
			paths = append(paths, path[1:])
		}
	}
	for _, path := range o.headers {
		if len(path) > 1 && path[0].Number() == body.Number() {
			paths = append(paths, path[1:])
		}
	}
	return paths
}

// hasRequired tells whether a body that is the whole message has to have something.
func (o *operation) hasRequired(md protoreflect.MessageDescriptor) bool {
	omit := o.claimed(0)
	for i := range md.Fields().Len() {
		if whole, _ := omitted(omit, md.Fields().Get(i)); !whole && isRequired(md.Fields().Get(i)) {
			return true
		}
	}
	return false
}

// responses returns the answers: of a success, and of errors.
func (o *operation) responses() *object {
	all := &object{}
	switch {
	case o.method.ClientStreams && o.method.ServerStreams:
		all.set("101", obj("description", "The connection becomes a WebSocket, on which each text is a message as JSON; an empty one says that the client has sent all."))
		all.set("400", o.builder.errorRef(&o.rest.Errors)).set("default", o.builder.errorRef(&o.rest.Errors))
		return all
	case o.rest.NoContentForEmpty && o.method.Desc.Output().FullName() == "google.protobuf.Empty" && !o.method.ServerStreams:
		all.set("204", obj("description", "Done: there is no body."))
	default:
		status := strconv.Itoa(cmp.Or(o.rest.SuccessStatus, http.StatusOK))
		answer := o.answer()
		all.set(status, answer)
		for _, s := range slices.Sorted(slices.Values(o.rest.StatusAllowed)) {
			if text := strconv.Itoa(s); !all.has(text) {
				all.set(text, statusAnswer(s, answer))
			}
		}
	}
	if o.rest.ETag != "" && o.rest.ETag != rest.ETagOff && o.binding.HTTPMethod == http.MethodGet && !o.method.ServerStreams {
		all.set("304", obj("description", "What the client has is what there is: its entity tag was in If-None-Match."))
	}
	o.ownResponses(all)
	failure := o.builder.errorRef(&o.rest.Errors)
	for _, s := range o.refusals() {
		if !all.has(s) {
			all.set(s, failure)
		}
	}
	if !all.has("default") {
		all.set("default", failure)
	}
	return all
}

func statusAnswer(status int, answer *object) *object {
	if status >= http.StatusMultipleChoices || status == http.StatusNoContent || status == http.StatusResetContent {
		return obj("description", http.StatusText(status))
	}
	return answer
}

// refusals are the statuses of errors that have a cause of their own, beside those that any call may have.
func (o *operation) refusals() []string {
	all := []string{"400"}
	access := o.builder.access(o.method)
	if len(access.Any) > 0 {
		all = append(all, "401")
	}
	if len(access.Any) > 0 || access.Restricted {
		all = append(all, "403")
	}
	if len(o.binding.Variables) > 0 {
		all = append(all, "404")
	}
	if access.Limited {
		all = append(all, "429")
	}
	return all
}

// answer is a success with a body.
func (o *operation) answer() *object {
	md := o.method.Desc.Output()
	schema := o.answerSchema()
	a := obj("description", cmp.Or(oneLine(comment(md)), "The answer."))
	if headers := o.answerHeaders(); headers.len() > 0 {
		a.set("headers", headers)
	}
	switch {
	case schema == nil:
		a.set("content", obj(mediaAny, obj("schema", binary())))
	case o.method.ServerStreams:
		a.set("content", o.streamContent(schema))
	default:
		a.set("content", obj(mediaJSON, obj("schema", schema)))
	}
	return a
}

// answerSchema is the schema of one message of the answer; nil where it is bytes.
func (o *operation) answerSchema() *object {
	md := o.method.Desc.Output()
	if fd := o.binding.ResponseField; fd != nil {
		if fd.Message() != nil && !fd.IsList() && !fd.IsMap() && isRaw(fd.Message()) {
			return nil
		}
		schema := o.builder.schemas.field(fd, o.dialect)
		schema.remove("description")
		return schema
	}
	if isRaw(md) {
		return nil
	}
	var omit [][]protoreflect.FieldDescriptor
	if !o.method.ServerStreams {
		for _, header := range slices.Sorted(maps.Keys(o.rest.ResponseFields)) {
			if path := findField(md, o.rest.ResponseFields[header]); path != nil {
				omit = append(omit, path)
			}
		}
	}
	return o.builder.schemas.without(md, o.dialect, omit)
}

// answerHeaders are the header fields that an answer has beside those that all have.
func (o *operation) answerHeaders() *object {
	headers := &object{}
	md := o.method.Desc.Output()
	if fd := o.binding.ResponseField; fd != nil && fd.Message() != nil && !fd.IsList() && !fd.IsMap() {
		md = fd.Message()
	}
	for _, header := range slices.Sorted(maps.Keys(o.rest.ResponseFields)) {
		path := findField(md, o.rest.ResponseFields[header])
		if path == nil {
			continue
		}
		schema := o.builder.schemas.field(path[len(path)-1], o.dialect)
		text, _ := schema.get("description").(string)
		schema.remove("description")
		headers.set(header, (&object{}).text("description", text).set("schema", schema))
	}
	if o.rest.ETag != "" && o.rest.ETag != rest.ETagOff && o.binding.HTTPMethod == http.MethodGet && !o.method.ServerStreams {
		headers.set("etag", obj("description", "The entity tag of the answer, for If-None-Match.", "schema", obj("type", "string")))
	}
	return headers
}

// streamContent is the answer of a method that streams, in all its forms; the first is that of clients that take any.
func (o *operation) streamContent(schema *object) *object {
	if o.rest.Streams.Format == rest.StreamWrapped {
		return obj(mediaJSON, obj("schema", obj("type", "object", "description", "A line of the stream, of which there is one for each message.",
			"properties", obj("result", schema, "error", o.builder.errorSchemaRef(&o.rest.Errors)))))
	}
	failure := o.builder.errorSchemaRef(&o.rest.Errors)
	forms := map[rest.StreamFormat]*object{
		rest.StreamNDJSON: obj("schema", obj("description", "A line of the stream: a message, or at the end of a stream that failed the error.",
			"anyOf", list{schema, obj("type", "object", "properties", obj("error", failure), "required", list{"error"})})),
		rest.StreamSSE: obj("schema", obj("type", "string", "contentMediaType", mediaJSON, "contentSchema", schema,
			"description", "Server-Sent Events: the data of each is a message. An event `error` has the error of a stream that failed, and `end` ends one that is whole.")),
		rest.StreamArray:     obj("schema", obj("type", "array", "items", schema)),
		rest.StreamJSONSeq:   obj("schema", schema),
		rest.StreamDelimited: obj("schema", binary()),
	}
	media := map[rest.StreamFormat]string{
		rest.StreamNDJSON: mediaNDJSON, rest.StreamSSE: mediaSSE, rest.StreamArray: mediaJSON, rest.StreamJSONSeq: mediaSequence, rest.StreamDelimited: mediaDelimited,
	}
	content := &object{}
	order := []rest.StreamFormat{cmp.Or(o.rest.Streams.Format, rest.StreamNDJSON), rest.StreamNDJSON, rest.StreamSSE, rest.StreamArray, rest.StreamJSONSeq, rest.StreamDelimited}
	for _, format := range order {
		content.set(media[format], forms[format])
	}
	if fd := o.binding.ResponseField; fd != nil && (fd.Message() == nil || fd.IsList() || fd.IsMap()) {
		content.remove(mediaDelimited)
	}
	return content
}

// ownResponses puts in what options of protoc-gen-openapiv2 say of answers.
func (o *operation) ownResponses(all *object) {
	own := operationOf(o.method.Desc).GetResponses()
	for _, status := range slices.Sorted(maps.Keys(own)) {
		if !isStatus(status) {
			continue
		}
		response := own[status]
		answer, ok := all.get(status).(*object)
		if ok {
			answer = answer.clone()
		} else {
			answer = obj("description", "")
		}
		if response.GetDescription() != "" || answer.get("description") == "" {
			answer.set("description", cmp.Or(response.GetDescription(), http.StatusText(number3(status)), "An answer."))
		}
		if name, ok := strings.CutPrefix(response.GetSchema().GetJsonSchema().GetRef(), "."); ok && !answer.has("content") {
			if d, err := o.method.Schema.FindDescriptorByName(protoreflect.FullName(name)); err == nil {
				if md, ok := d.(protoreflect.MessageDescriptor); ok {
					answer.set("content", obj(mediaJSON, obj("schema", o.builder.schemas.message(md, o.dialect))))
				}
			}
		}
		for _, media := range slices.Sorted(maps.Keys(response.GetExamples())) {
			if example, err := raw(response.GetExamples()[media]); err == nil {
				if content, ok := answer.get("content").(*object); ok && content.has(media) {
					with, _ := content.get(media).(*object)
					answer.set("content", content.clone().set(media, with.clone().set("example", example)))
				}
			}
		}
		extend(answer, response.GetExtensions())
		all.set(status, answer)
	}
}

// isStatus tells whether a text is the key of a response.
func isStatus(s string) bool {
	n := number3(s)
	return s == "default" || (n >= 100 && n <= 599) //nolint:mnd // the range of HTTP
}

func number3(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || fmt.Sprint(n) != s {
		return 0
	}
	return n
}
