// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// echoes are the requests that have their fields in the query and in the body, by where they are sent.
var echoes = []struct {
	path    string
	message protoreflect.MessageDescriptor
}{
	{"/test/v1/messages/scalars", (&testv1.Scalars{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/optionals", (&testv1.Optionals{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/repeateds", (&testv1.Repeateds{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/maps", (&testv1.Maps{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/well-known", (&testv1.WellKnown{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/shapes", (&testv1.Shapes{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/names", (&testv1.Names{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/proto2", (&testv1.Proto2{}).ProtoReflect().Descriptor()},
	{"/test/v1/messages/editions", (&testv1.Editions{}).ProtoReflect().Descriptor()},
}

// query makes a GET with some parameters.
func (r *random) query() randomRequest {
	to := echoes[r.IntN(len(echoes))]
	var all, plain []string
	class := listByTwoNames.name
	for range r.IntN(5) {
		par := r.parameter(to.message)
		name, value := escape(r, par.name), escape(r, par.value)
		pair := func(name string) string { return name + "=" + value }
		if r.chance(15) {
			odd := r.IntN(6)
			pair = func(name string) string {
				p := name + "=" + value
				return [...]string{name, "&", p + "&" + p, p + "=", "%", p + ";a=b"}[odd]
			}
		}
		if open := strings.IndexByte(par.plain, '['); open > 0 && r.chance(6) { // the key once more, in another spelling
			all = append(all, escape(r, par.plain[:open]+"[0"+par.plain[open+1:])+"="+value)
			plain = append(plain, all[len(all)-1])
		}
		all = append(all, pair(name))
		if par.understood {
			plain = append(plain, pair(url.QueryEscape(par.plain)))
		} else {
			class = throughNoMessage.name
		}
	}
	return randomRequest{
		request: request{verb: http.MethodGet, target: to.path + "?" + strings.Join(all, "&")},
		plain:   &request{verb: http.MethodGet, target: to.path + "?" + strings.Join(plain, "&")}, class: class,
	}
}

// parameter is one of a query.
type parameter struct {
	name, value string
	plain       string // the name with the names of the .proto file
	understood  bool   // both gateways take it for what it is
}

// parameter makes a parameter.
func (r *random) parameter(md protoreflect.MessageDescriptor) parameter {
	var names, plain []string
	make := func(more, value string, understood bool) parameter {
		return parameter{strings.Join(names, ".") + more, value, strings.Join(plain, ".") + more, understood}
	}
	for range 6 {
		fd := md.Fields().Get(r.IntN(md.Fields().Len()))
		name := r.name(fd)
		if strings.Contains(name, ".") { // a JSON name with a dot leads nowhere
			name = fd.TextName()
		}
		names, plain = append(names, name), append(plain, fd.TextName())
		switch {
		case r.chance(25):
			return make(".nope", "1", false)
		case fd.IsMap():
			return make("["+strings.Trim(r.text(fd.MapKey()), "[]")+"]", r.text(fd.MapValue()), true)
		case fd.Message() == nil || fd.IsList() || fd.Message().ParentFile().Package() != "dragoman.test.v1" || r.chance(8):
			text := r.text(fd)
			return make("", text, fd.Message() == nil || isOneForm(fd, text))
		}
		md = fd.Message()
	}
	return make("", "1", true) // a message, which has no text form
}

// isOneForm tells whether a text of a message is the same to both, or nothing.
func isOneForm(fd protoreflect.FieldDescriptor, text string) bool {
	switch fd.Message().FullName() {
	case "google.protobuf.ListValue", "google.protobuf.Empty":
		return false
	case "google.protobuf.Struct":
		return text != "null"
	}
	return true
}

// name gives one of the names of a field.
func (r *random) name(fd protoreflect.FieldDescriptor) string {
	if r.chance(2) {
		return fd.JSONName()
	}
	return fd.TextName()
}

// text makes the text of a value of a field, or of one of its elements: most of them good.
func (r *random) text(fd protoreflect.FieldDescriptor) string {
	if r.chance(12) {
		return of(r, "", "null", "x", "1", "-1", "true", "1.5", " 1", "{}", "[]", "\xff", "é")
	}
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return of(r, "true", "false", "1", "T", "yes")
	case protoreflect.EnumKind:
		v := fd.Enum().Values().Get(r.IntN(fd.Enum().Values().Len()))
		if r.chance(3) {
			return of(r, "0", "1", "2", "7", "-5", "01")
		}
		return string(v.Name())
	case protoreflect.StringKind:
		return r.word(" ", "+", "%", "&", "=", "é", "/", ";", "\"", "<", "\x00")
	case protoreflect.BytesKind:
		return of(r, "", "AQ==", "AQ", "AP8=", "-_8", "+/8=", "A", "A===", "-/8=")
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return of(r, "0", "-0", "1.5", "1e3", "-1E-3", "NaN", "Infinity", "-Infinity", "inf", "nan", "1e39", "1e400", ".5", "5.", "+1", "0x1p3", "1_0", r.integer())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return r.messageText(fd.Message())
	default:
		return of(r, r.integer(), r.integer(), r.integer(), "+5", "007", "-0", "1.0", "0x1")
	}
}

func (r *random) messageText(md protoreflect.MessageDescriptor) string {
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		return of(r, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123+02:00", "1969-12-31T23:59:59.999999999Z", "2026-01-02", "2026-13-02T03:04:05Z", "0001-01-01T00:00:00Z")
	case "google.protobuf.Duration":
		return of(r, "0s", "1.5s", "-0.000000001s", "1h", "2h3m", "1", "s", "1.0000000001x", "100000000s")
	case "google.protobuf.FieldMask":
		return of(r, "a", "a,b.c", "a_b", "*")
	case "google.protobuf.Struct":
		return of(r, `{}`, `{"a":[1,null,{"b":"c"}]}`, `{"a":1,"a":2}`, `[]`, `x`)
	case "google.protobuf.Value":
		return of(r, `{}`, `1.5`, `null`, `"s"`, `[true]`, `x`, `1 2`)
	}
	if fd := md.Fields().ByName("value"); fd != nil && md.ParentFile().Package() == "google.protobuf" && fd.Message() == nil {
		return r.text(fd)
	}
	return "x"
}

// escape escapes a name or value, in one of the ways in which clients do.
func escape(r *random, s string) string {
	if r.chance(2) {
		return url.QueryEscape(s)
	}
	return strings.NewReplacer("&", "%26", "=", "%3D", "+", "%2B", ";", "%3B").Replace(url.PathEscape(s))
}
