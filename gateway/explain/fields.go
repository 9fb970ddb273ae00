// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// maxValue is the length in bytes of the longest value that is told.
const maxValue = 200

// fields says what sets each field of the request message, binds the request, and says what is wrong with it.
func (w *World) fields(e *Explanation, r *Request, call *transcoder.Call) {
	input := call.Method.Desc.Input()
	e.Input = string(input.FullName())
	cfg := w.REST(call.Method)
	var m httprule.Match
	if table := w.Mux.At(r.Listener).Routes(); table.Match(&m, r.Method, r.Path) != httprule.Found {
		return // it was found under another method of HTTP
	}
	set := map[protoreflect.Name]bool{} // fields of the message of which something is set
	add := func(f Field, top protoreflect.Name) {
		f.Value = shorten(f.Value)
		e.Fields = append(e.Fields, f)
		set[top] = true
	}
	for i := range call.Binding.Variables {
		v := &call.Binding.Variables[i]
		value, err := m.Value(i)
		if err != nil {
			value = m.Raw(i)
		}
		add(Field{Path: v.Name, From: "path", Name: v.Name, Value: value}, v.Path[0].Name())
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Bind.HeaderFields)) {
		if path := find(input, cfg.Bind.HeaderFields[name]); path != nil && r.Header.Has(name) {
			add(Field{Path: pathName(path), From: "header", Name: name, Value: r.Header.Get(name)}, path[0].Name())
		}
	}
	w.query(r, call, cfg, add)
	bodyFields(r, call, add)
	for i := range input.Fields().Len() {
		if name := input.Fields().Get(i).Name(); !set[name] {
			e.Fields = append(e.Fields, Field{Path: string(name)})
		}
	}
	w.bind(e, r, call, cfg, &m)
}

// query says what the parameters of the query set.
func (w *World) query(r *Request, call *transcoder.Call, cfg *rest.Config, add func(Field, protoreflect.Name)) {
	for pair := range strings.SplitSeq(r.Query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(rawName)
		value, errValue := url.QueryUnescape(rawValue)
		f := Field{From: "query", Name: name, Value: value}
		if errName != nil || errValue != nil {
			f.Name, f.Value, f.Note = rawName, rawValue, "it cannot be decoded"
			add(f, "")
			continue
		}
		path, key := findParameter(call.Method.Desc.Input(), name)
		switch {
		case slices.Contains(cfg.Bind.IgnoredQuery, name):
			f.Note = "ignored_query_parameters has it"
		case path == nil && cfg.Bind.UnknownQuery == bind.IgnoreUnknown:
			f.Note = "it names no field and is dropped"
		case path == nil && cfg.Bind.UnknownQuery == bind.CaptureUnknown:
			f.Note = "it names no field and goes into " + cfg.Bind.CaptureField
		case path == nil:
			f.Note = "it names no field"
		default:
			f.Path = pathName(path) + key
			switch call.Binding.Claims(path) {
			case httprule.ClaimPath:
				f.Note = "the path sets the field"
			case httprule.ClaimBody:
				f.Note = "the body sets the field"
			case httprule.ClaimNone:
			}
		}
		top := protoreflect.Name("")
		if path != nil {
			top = path[0].Name()
		}
		add(f, top)
	}
}

// bodyFields says what the members of a JSON body set.
func bodyFields(r *Request, call *transcoder.Call, add func(Field, protoreflect.Name)) {
	if len(r.Body) == 0 || call.Binding.Body == httprule.BodyNone {
		return
	}
	input := call.Method.Desc.Input()
	if fd := call.Binding.BodyField; fd != nil {
		add(Field{Path: string(fd.Name()), From: "body", Value: string(r.Body)}, fd.Name())
		return
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(r.Body, &members); err != nil {
		add(Field{From: "body", Value: string(r.Body)}, "")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		f := Field{From: "body", Name: name, Value: string(members[name])}
		top := protoreflect.Name("")
		if path := find(input, name); path != nil && !strings.Contains(name, ".") {
			f.Path, top = string(path[0].Name()), path[0].Name()
		} else {
			f.Note = "it names no field"
		}
		add(f, top)
	}
}

// bind makes the message of the request, or says why it cannot be made.
func (w *World) bind(e *Explanation, r *Request, call *transcoder.Call, cfg *rest.Config, m *httprule.Match) {
	if call.Method.ClientStreams {
		return // a body of several messages
	}
	plan, err := bind.Compile(call.Binding, call.Method.Codec, cfg.Bind)
	if err == nil {
		var message []byte
		message, err = plan.Bind(nil, &bind.Request{Match: m, Query: r.Query, Body: r.Body, ContentType: r.Header.Get("content-type"), Header: r.Header})
		if err == nil {
			options := cfg.Encode
			options.Defaults = codec.DefaultsOmit
			if text, errText := call.Method.Codec.Message(call.Method.Desc.Input()).AppendJSON(nil, message, &options); errText == nil {
				e.Message = compact(text)
			}
			return
		}
	}
	if e.Outcome.OK {
		e.Outcome = Outcome{Status: status.HTTPOf(err), Reason: string(status.ReasonOf(err)), Message: status.Proto(err).GetMessage()}
	}
}

func compact(text []byte) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil
	}
	return b.Bytes()
}

// find resolves a path of fields with dots, each in either of its names; nil where there is none.
func find(md protoreflect.MessageDescriptor, path string) []protoreflect.FieldDescriptor {
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

// findParameter resolves the name of a parameter, which may end in the key of a map.
func findParameter(md protoreflect.MessageDescriptor, name string) (path []protoreflect.FieldDescriptor, key string) {
	if i := strings.IndexByte(name, '['); i > 0 && strings.HasSuffix(name, "]") {
		path = find(md, name[:i])
		if path != nil && path[len(path)-1].IsMap() {
			return path, name[i:]
		}
		return nil, ""
	}
	return find(md, name), ""
}

// pathName is a path as the .proto file has it.
func pathName(path []protoreflect.FieldDescriptor) string {
	names := make([]string, len(path))
	for i, fd := range path {
		names[i] = string(fd.Name())
	}
	return strings.Join(names, ".")
}

// shorten cuts a long value.
func shorten(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:maxValue], ""), len(s))
}
