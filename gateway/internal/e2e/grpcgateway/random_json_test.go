// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// nullOfList is null for a list whose elements may be null.
var nullOfList = regexp.MustCompile(`"(values|nulls)"\s*:\s*null`)

// body makes a POST with JSON.
func (r *random) body() randomRequest {
	to := echoes[r.IntN(len(echoes))]
	text := r.message(to.message, 0)
	switch r.IntN(5) {
	case 0:
		text = r.damaged(text)
	case 1:
		text = strings.ReplaceAll(text, ":", of(r, " : ", ":\n", "\t:"))
	}
	c := randomRequest{request: request{verb: http.MethodPost, target: to.path, body: text}}
	if nullOfList.MatchString(text) {
		c.plain = &request{verb: http.MethodPost, target: to.path, body: nullOfList.ReplaceAllString(text, `"$1":[]`)}
		c.class = nullList.name
	}
	return c
}

// damaged changes some bytes.
func (r *random) damaged(text string) string {
	b := []byte(text)
	for range 1 + r.IntN(2) {
		at := r.IntN(len(b))
		switch r.IntN(4) {
		case 0:
			b = append(b, of(r, " ", "{}", "]", ",", "x")...)
		case 3:
			b = append(b[:at], b[at+1:]...)
		case 1:
			b[at] = `{}[]:,"\0a-.e `[r.IntN(14)]
		default:
			b = append(b[:at], append([]byte(of(r, `"`, `,`, `null`, `{}`, `0`, "\xff", `\ud800`, `]`)), b[at:]...)...)
		}
		if len(b) == 0 {
			return "{"
		}
	}
	return string(b)
}

// message makes the JSON of a message, with a few of its fields.
func (r *random) message(md protoreflect.MessageDescriptor, depth int) string {
	if text, ok := r.wellKnown(md, depth); ok {
		return text
	}
	var members []string
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		required := fd.Cardinality() == protoreflect.Required
		if r.IntN(md.Fields().Len()) > 4 && !required || depth > 4 || fd.ContainingOneof() != nil && r.chance(2) {
			continue
		}
		members = append(members, quote(r.name(fd))+":"+r.value(fd, depth))
		if r.chance(60) {
			members = append(members, quote(r.name(fd))+":"+r.value(fd, depth)) // twice
		}
	}
	if r.chance(20) {
		members = append(members, `"nope":`+of(r, "1", `{"a":[]}`, "null"))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// value makes the JSON of a field.
func (r *random) value(fd protoreflect.FieldDescriptor, depth int) string {
	switch {
	case r.chance(25):
		return of(r, "null", "true", "1", `"x"`, "[]", "{}", "1.5", `""`)
	case fd.IsMap():
		var entries []string
		for range r.IntN(3) {
			key := r.key(fd.MapKey())
			entries = append(entries, quote(key)+":"+r.single(fd.MapValue(), depth))
		}
		return "{" + strings.Join(entries, ",") + "}"
	case fd.IsList():
		var elements []string
		for range r.IntN(4) {
			elements = append(elements, r.single(fd, depth))
		}
		return "[" + strings.Join(elements, ",") + "]"
	default:
		return r.single(fd, depth)
	}
}

func (r *random) key(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return r.word("é", " ", "<")
	case protoreflect.BoolKind:
		return of(r, "true", "false")
	default:
		return of(r, r.integer(), "1", "01")
	}
}

// single makes the JSON of one value.
func (r *random) single(fd protoreflect.FieldDescriptor, depth int) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return of(r, "true", "false")
	case protoreflect.EnumKind:
		v := fd.Enum().Values().Get(r.IntN(fd.Enum().Values().Len()))
		return of(r, quote(string(v.Name())), strconv.Itoa(int(v.Number())), quote(string(v.Name())))
	case protoreflect.StringKind:
		return quote(r.word("é", " ", "\n", `"`, `\`, "<", "&", "\u2028", "😀"))
	case protoreflect.BytesKind:
		return of(r, `""`, `"AQ=="`, `"AQ"`, `"-_8="`, `"+/8"`, `"A"`)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return of(r, "0", "-0", "1.5", "1e3", "-1E-3", `"NaN"`, `"Infinity"`, `"-Infinity"`, `"1.5"`, "1e39", "1e400", `"inf"`, r.integer())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return r.message(fd.Message(), depth+1)
	default:
		n := r.integer()
		return of(r, n, n, quote(n), n+".0", "1e2", "1.5", `"1e1"`)
	}
}

// wellKnown makes the JSON of a message that has one of its own.
func (r *random) wellKnown(md protoreflect.MessageDescriptor, depth int) (string, bool) {
	switch md.FullName() {
	case "google.protobuf.Any":
		return of(r, `{"@type":"type.googleapis.com/dragoman.test.v1.Inner","text":"t"}`, `{"text":"t","@type":"type.googleapis.com/dragoman.test.v1.Inner"}`,
			`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}`, `{}`, `{"text":"t"}`, `{"@type":"type.googleapis.com/nope"}`), true
	case "google.protobuf.Timestamp":
		return of(r, `"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123+02:00"`, `"1969-12-31T23:59:59.999999999Z"`, `"2026-01-02"`, `"0000-01-01T00:00:00Z"`, "5"), true
	case "google.protobuf.Duration":
		return of(r, `"0s"`, `"1.5s"`, `"-0.000000001s"`, `"315576000000s"`, `"315576000001s"`, `"1"`, `"1m"`, "1"), true
	case "google.protobuf.FieldMask":
		return of(r, `"a"`, `"a,bC.d"`, `""`, `"a_b"`, `[]`), true
	case "google.protobuf.Struct":
		return of(r, `{}`, `{"a":[1,null,{"b":"c"}],"d":1e3}`, `{"a":"<&>"}`, `[]`), true
	case "google.protobuf.Value":
		return of(r, `{}`, `1.5`, `null`, `"s"`, `[true,null]`, `1e400`), true
	case "google.protobuf.ListValue":
		return of(r, `[]`, `[1,"a",null,[{}]]`, `{}`), true
	}
	if fd := md.Fields().ByName("value"); fd != nil && md.ParentFile().Package() == "google.protobuf" && fd.Message() == nil {
		return r.single(fd, depth), true
	}
	return "", false
}

// quote writes a string as JSON.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
