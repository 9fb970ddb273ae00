// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// ErrorFormat says what the body of an error is, the gateway's own and the backend's alike (T148).
type ErrorFormat struct {
	// Name is one of the formats below; "" means FormatStatus.
	Name string
	// Template is the body of FormatTemplate: a JSON text whose strings may have placeholders. A string that is one placeholder and
	// nothing else becomes its value, a number or a list; elsewhere its text is put in. "{{" stands for a brace.
	//
	//	{code}         the gRPC code, a number
	//	{status}       its name, such as NOT_FOUND
	//	{http_status}  the HTTP status, a number
	//	{title}        the HTTP status in words, such as Not Found
	//	{message}      what went wrong
	//	{details}      the list of details, each with its @type; only as a whole string
	//	{reason}       the gateway's reason, such as no_route
	//	{request_id}   the id of the request
	Template string
}

// The formats of errors.
const (
	// FormatStatus is google.rpc.Status: {"code": 5, "message": …, "details": […]}.
	FormatStatus = "status"
	// FormatGoogle is what Google's APIs answer: {"error": {"code": 404, "message": …, "status": "NOT_FOUND", "details": […]}}.
	FormatGoogle = "google"
	// FormatProblem is the problem details of RFC 9457, as application/problem+json.
	FormatProblem = "problem"
	// FormatTemplate is Template.
	FormatTemplate = "template"
)

// builtin are the formats that have a name, in the language of templates.
var builtin = map[string]string{
	FormatStatus:  `{"code":"{code}","message":"{message}","details":"{details}"}`,
	FormatGoogle:  `{"error":{"code":"{http_status}","message":"{message}","status":"{status}","details":"{details}"}}`,
	FormatProblem: `{"type":"about:blank","title":"{title}","status":"{http_status}","detail":"{message}","code":"{status}","reason":"{reason}","requestId":"{request_id}","details":"{details}"}`,
}

// Body returns the media type of the format's errors, and their body in the language of Template. A format that is not known has no body.
func (f ErrorFormat) Body() (mediaType, template string) {
	if t, err := f.compile(); err == nil {
		mediaType = t.contentType
	}
	switch f.Name {
	case "":
		return mediaType, builtin[FormatStatus]
	case FormatTemplate:
		return mediaType, f.Template
	default:
		return mediaType, builtin[f.Name]
	}
}

// maxTemplate is the size in bytes of the largest template.
const maxTemplate = 16 << 10

// placeholder is what stands for a value in a template.
type placeholder uint8

const (
	placeNone placeholder = iota
	placeCode
	placeStatus
	placeHTTPStatus
	placeTitle
	placeMessage
	placeDetails
	placeReason
	placeRequestID
)

var placeholders = map[string]placeholder{
	"code": placeCode, "status": placeStatus, "http_status": placeHTTPStatus, "title": placeTitle, "message": placeMessage,
	"details": placeDetails, "reason": placeReason, "request_id": placeRequestID,
}

// piece is a stretch of a template: text as it is, and a value behind it.
type piece struct {
	text   string
	value  placeholder
	inside bool // the value is a part of a string
}

// errorTemplate is a compiled format.
type errorTemplate struct {
	pieces      []piece
	contentType string
}

func (f ErrorFormat) compile() (*errorTemplate, *SettingError) {
	t := &errorTemplate{contentType: "application/json"}
	text, ok := builtin[f.Name]
	switch {
	case f.Name == "" && f.Template == "":
		text = builtin[FormatStatus]
	case f.Name == FormatTemplate:
		if text = f.Template; text == "" || len(text) > maxTemplate {
			return nil, &SettingError{Setting: "errors.template", Message: fmt.Sprintf("has %d bytes; it must have 1 to %d", len(text), maxTemplate)}
		}
	case !ok:
		return nil, &SettingError{Setting: "errors.format", Message: fmt.Sprintf("is %.64q; it must be status, google, problem or template", f.Name)}
	case f.Template != "":
		return nil, &SettingError{Setting: "errors.template", Message: "is only for the format template"}
	}
	if f.Name == FormatProblem {
		t.contentType = "application/problem+json"
	}
	if err := t.parse(text); err != nil {
		return nil, &SettingError{Setting: "errors.template", Message: err.Error()}
	}
	return t, nil
}

// parse copies a JSON text without its white space and cuts it at its placeholders.
func (t *errorTemplate) parse(text string) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return errors.New("it is not JSON")
	}
	if compact.Len() == 0 || compact.Bytes()[0] != '{' {
		return errors.New("it is not a JSON object")
	}
	return t.cut(compact.String())
}

// cut goes through compact JSON, string by string.
func (t *errorTemplate) cut(text string) error {
	var literal strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '"' {
			literal.WriteByte(text[i])
			i++
			continue
		}
		end := i + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		if text[end+1] == ':' { // a name
			literal.WriteString(text[i : end+1])
		} else if err := t.string(&literal, text[i+1:end]); err != nil {
			return err
		}
		i = end + 1
	}
	t.pieces = append(t.pieces, piece{text: literal.String()})
	return nil
}

// string cuts the inside of one JSON string.
func (t *errorTemplate) string(literal *strings.Builder, s string) error {
	flush := func(value placeholder, inside bool) {
		t.pieces = append(t.pieces, piece{text: literal.String(), value: value, inside: inside})
		literal.Reset()
	}
	if name, ok := strings.CutPrefix(s, "{"); ok && strings.HasSuffix(name, "}") {
		if value := placeholders[name[:len(name)-1]]; value != placeNone {
			flush(value, false)
			return nil
		}
	}
	literal.WriteByte('"')
	for s != "" {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			break
		}
		literal.WriteString(s[:open])
		if s = s[open+1:]; strings.HasPrefix(s, "{") {
			literal.WriteByte('{')
			s = s[1:]
			continue
		}
		name, behind, ok := strings.Cut(s, "}")
		value := placeholders[name]
		if !ok || value == placeNone {
			return fmt.Errorf("{%.32s is no placeholder; write {{ for a brace", s)
		}
		if value == placeDetails {
			return errors.New("{details} is a list and must be a whole string")
		}
		flush(value, true)
		s = behind
	}
	literal.WriteString(s)
	literal.WriteByte('"')
	return nil
}

// append appends the body of an error.
func (t *errorTemplate) append(dst []byte, f *framer, c *transcoder.Call) []byte {
	st := status.Proto(c.Err)
	httpStatus := status.HTTPOf(c.Err)
	for i := range t.pieces {
		p := &t.pieces[i]
		dst = append(dst, p.text...)
		switch p.value {
		case placeNone:
		case placeCode:
			dst = strconv.AppendInt(dst, int64(st.GetCode()), 10)
		case placeHTTPStatus:
			dst = strconv.AppendInt(dst, int64(httpStatus), 10)
		case placeDetails:
			dst = f.appendDetails(dst, c, st)
		case placeStatus:
			dst = appendString(dst, status.Name(codes.Code(st.GetCode())), p.inside) //nolint:gosec // codes are small
		case placeTitle:
			dst = appendString(dst, http.StatusText(httpStatus), p.inside)
		case placeMessage:
			dst = appendString(dst, st.GetMessage(), p.inside)
		case placeReason:
			dst = appendString(dst, string(c.Reason()), p.inside)
		case placeRequestID:
			dst = appendString(dst, c.RequestID, p.inside)
		}
	}
	return dst
}

// appendDetails appends the details of a status. Inside of them what has no value is left out. Details of types that the schema
// does not have stay, with their bytes in base64 (T149); one that cannot be read at all is left out, and the rest is still said.
func (f *framer) appendDetails(dst []byte, c *transcoder.Call, st *spb.Status) []byte {
	convert := f.protocol.fallback
	if c.Method != nil {
		convert = c.Method.Codec
	}
	options := f.config.Encode
	if !f.config.DetailDefaults {
		options.Defaults = codec.DefaultsOmit
	}
	dst = append(dst, '[')
	first := true
	for _, detail := range st.GetDetails() {
		before := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		out, ok := appendAny(dst, convert, detail, &options)
		if !ok {
			dst = dst[:before]
			continue
		}
		dst, first = out, false
	}
	return append(dst, ']')
}

// appendString appends a JSON string, or only what stands inside it. Backends send texts that are not UTF-8.
func appendString(dst []byte, s string, inside bool) []byte {
	start := len(dst)
	dst = codec.AppendString(dst, s)
	if inside {
		copy(dst[start:], dst[start+1:len(dst)-1])
		dst = dst[:len(dst)-2]
	}
	return dst
}
