// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// route is a binding with what serving it needs. All behind once is compiled when it is first used: a reload of thousands of rules
// would else pay for all of them.
type route struct {
	binding *httprule.Binding
	method  *transcoder.Method
	config  *compiled

	once     sync.Once
	plan     *bind.Plan
	answer   *codec.Message
	body     *codec.Message // the message that the body of the answer is; nil where it is none
	rawBody  bool           // that message is a google.api.HttpBody
	encode   codec.EncodeOptions
	toHeader []responseField
	eventID  *codec.Field // whose value is the id of an event, or nil
	etag     *codec.Field // whose value is the entity tag, or nil
	ifMatch  bool         // If-Match sets a field of the request
	err      error
}

// responseField is a field of the answer that becomes a header field (T171).
type responseField struct {
	header string
	field  *codec.Field
}

// etagName is the field that an entity tag is in.
//
// https://google.aip.dev/154
const etagName = "etag"

// ifMatchHeader is the header field that sets it in a request.
const ifMatchHeader = "if-match"

// eager tells whether the configuration names fields, so that mistakes in it are to be told when it is loaded.
func (r *route) eager() bool {
	return len(r.config.Bind.HeaderFields) > 0 || r.config.Bind.CaptureField != "" || len(r.config.ResponseFields) > 0 || r.config.Streams.SSEID != "" ||
		r.config.Encode.StripEnumPrefix || r.config.Bind.Decode.StripEnumPrefix || r.config.Bind.Decode.FoldEnumCase
}

// ready compiles the route, once. The error is a *status.Error.
func (r *route) ready() error {
	if err := r.compile(); err != nil {
		return &status.Error{
			Code: codes.Unimplemented, Reason: status.ReasonUnsupported, Cause: err,
			Message: "the messages of this method have no JSON form",
		}
	}
	return nil
}

func (r *route) compile() error {
	r.once.Do(func() { r.err = r.compileOnce() })
	return r.err
}

func (r *route) compileOnce() error {
	r.answer = r.method.Codec.Message(r.method.Desc.Output())
	if err := r.answer.Err(); err != nil {
		return err
	}
	if fd := r.binding.ResponseField; fd == nil {
		r.body = r.answer
	} else if fd.Message() != nil && !fd.IsList() && !fd.IsMap() {
		r.body = r.method.Codec.Message(fd.Message())
	}
	r.rawBody = r.body != nil && r.body.Descriptor().FullName() == httpBody
	r.encode = r.config.Encode
	errs := []error{r.checkEnums(), r.compileResponseFields()}
	errs = append(errs, r.findEventID())
	requests := r.config.Bind
	if r.config.ETag == ETagField {
		r.etag = etagField(r.body)
		if path := r.etagOfRequest(); path != "" {
			r.ifMatch = true
			requests.HeaderFields = maps.Clone(requests.HeaderFields)
			if requests.HeaderFields == nil {
				requests.HeaderFields = map[string]string{}
			}
			requests.HeaderFields[ifMatchHeader] = path
		}
	}
	var err error
	r.plan, err = bind.Compile(r.binding, r.method.Codec, requests)
	return errors.Join(append(errs, err)...)
}

// checkEnums sees to it that short names of enum values mean one value each (T80).
func (r *route) checkEnums() error {
	strip, fold := r.config.Encode.StripEnumPrefix || r.config.Bind.Decode.StripEnumPrefix, r.config.Bind.Decode.FoldEnumCase
	setting := "json.strip_enum_prefix"
	if !strip {
		setting = "json.fold_enum_case"
	}
	request := r.method.Codec.Message(r.method.Desc.Input())
	if err := errors.Join(request.CheckEnumNames(strip, fold), r.answer.CheckEnumNames(strip, false)); err != nil {
		lines := strings.Split(err.Error(), "\n")
		slices.Sort(lines)
		return &SettingError{Setting: setting, Message: strings.Join(slices.Compact(lines), "; ")}
	}
	return nil
}

// compileResponseFields finds the fields that become header fields, and leaves them out of the body.
func (r *route) compileResponseFields() error {
	var errs []error
	for _, header := range slices.Sorted(maps.Keys(r.config.ResponseFields)) {
		f, fault := r.responseField(r.config.ResponseFields[header])
		if fault != "" {
			errs = append(errs, &SettingError{Setting: "response_headers", Key: header, Message: fault})
			continue
		}
		r.toHeader = append(r.toHeader, responseField{header, f})
		r.encode.Omit = append(r.encode.Omit, f)
	}
	return errors.Join(errs...)
}

// findEventID finds the field that the id of an event comes from (T137).
func (r *route) findEventID() error {
	name := r.config.Streams.SSEID
	if name == "" || !r.method.ServerStreams {
		return nil
	}
	var fault string
	if r.eventID, fault = r.scalarField(name); fault != "" {
		return &SettingError{Setting: "sse_id", Message: fault}
	}
	return nil
}

// streamsAs tells whether the answers of a stream can have a form.
func (r *route) streamsAs(format StreamFormat) bool {
	return format != StreamDelimited || r.body != nil
}

// responseField returns the field of that name of the message that the body is, or says why it cannot be a header field.
func (r *route) responseField(name string) (f *codec.Field, fault string) {
	if f, fault = r.scalarField(name); fault == "" && recursive(r.body.Descriptor()) {
		fault = fmt.Sprintf("%s contains itself, so that %s would be left out below as well", r.body.Descriptor().FullName(), name)
	}
	return f, fault
}

// scalarField returns the field of that name of the message that the body is, or says why its value is no text.
func (r *route) scalarField(name string) (f *codec.Field, fault string) {
	if r.body == nil || r.rawBody {
		return nil, fmt.Sprintf("the body of %s is no message with fields", r.binding)
	}
	if f = r.body.FieldByName(name); f == nil {
		return nil, fmt.Sprintf("%q is not a field of %s", name, r.body.Descriptor().FullName())
	}
	fd := f.Descriptor()
	if fd.IsList() || fd.IsMap() || fd.Message() != nil || fd.Kind() == protoreflect.BytesKind {
		return nil, fmt.Sprintf("%s is not a single string, number, boolean or enum", fd.FullName())
	}
	return f, ""
}

// recursive tells whether a message can be found inside itself.
func recursive(md protoreflect.MessageDescriptor) bool {
	seen := map[protoreflect.FullName]bool{}
	var reaches func(d protoreflect.MessageDescriptor) bool
	reaches = func(d protoreflect.MessageDescriptor) bool {
		for i := range d.Fields().Len() {
			inner := d.Fields().Get(i).Message()
			if inner == nil || seen[inner.FullName()] {
				continue
			}
			seen[inner.FullName()] = true
			if inner.FullName() == md.FullName() || reaches(inner) {
				return true
			}
		}
		return false
	}
	return reaches(md)
}

// etagField returns the field of a message that holds its entity tag, or nil.
func etagField(m *codec.Message) *codec.Field {
	if m == nil {
		return nil
	}
	fd := m.Descriptor().Fields().ByName(etagName)
	if fd == nil || fd.Kind() != protoreflect.StringKind || fd.IsList() {
		return nil
	}
	return m.Field(fd)
}

// etagOfRequest returns the path of the field that If-Match sets: etag of the request, or of the message that its body is; "" for
// none, and where the path sets it.
func (r *route) etagOfRequest() string {
	b := r.binding
	var candidates [][]protoreflect.FieldDescriptor
	if fd := b.Method.Input().Fields().ByName(etagName); fd != nil {
		candidates = append(candidates, []protoreflect.FieldDescriptor{fd})
	}
	if b.Body == httprule.BodyField && b.BodyField.Message() != nil && !b.BodyField.IsList() && !b.BodyField.IsMap() && b.BodyField.Message().FullName() != httpBody {
		if fd := b.BodyField.Message().Fields().ByName(etagName); fd != nil {
			candidates = append(candidates, []protoreflect.FieldDescriptor{b.BodyField, fd})
		}
	}
	for _, path := range candidates {
		fd := path[len(path)-1]
		if fd.Kind() != protoreflect.StringKind || fd.IsList() || b.Claims(path) == httprule.ClaimPath {
			continue
		}
		name := string(path[0].Name())
		for _, fd := range path[1:] {
			name += "." + string(fd.Name())
		}
		return name
	}
	return ""
}
