// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Numbers of fields and values of enums, of what spans are sent as.
//
// https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
const (
	spansOfScope = 2

	spanTrace      = 1
	spanID         = 2
	spanState      = 3
	spanParent     = 4
	spanName       = 5
	spanKind       = 6
	spanStart      = 7
	spanEnd        = 8
	spanAttributes = 9
	spanStatus     = 15
	spanFlags      = 16

	statusMessage = 2
	statusCode    = 3
	statusError   = 2

	kindServer = 2
	kindClient = 3

	flagSampled   = 1
	flagKnown     = 0x100 // it is known whether the parent is of another process
	flagRemote    = 0x200 // it is
	attributeKey  = 1
	attributeOf   = 2
	valueOfText   = 1
	valueOfNumber = 3
)

// appendSpans appends the spans of a call, one of the call and one of each attempt, as fields of a message of the spans of a scope. They are written as
// they go over the wire: of spans that are built and then written, the building costs ten times as much (decision 30).
func appendSpans(dst []byte, r *telemetry.Record) []byte {
	dst = appendCall(dst, r)
	for i := range r.Tries() {
		dst = appendAttempt(dst, r, i)
	}
	return dst
}

func appendCall(dst []byte, r *telemetry.Record) []byte {
	of := r.Trace()
	dst, at := open(dst, spansOfScope)
	dst = protowire.AppendBytes(protowire.AppendTag(dst, spanTrace, protowire.BytesType), of.ID[:])
	dst = protowire.AppendBytes(protowire.AppendTag(dst, spanID, protowire.BytesType), of.Span[:])
	flags := uint32(flagSampled | flagKnown)
	if of.Parent != [8]byte{} {
		dst = appendTextField(dst, spanState, of.State)
		dst = protowire.AppendBytes(protowire.AppendTag(dst, spanParent, protowire.BytesType), of.Parent[:])
		flags |= flagRemote
	}
	dst = appendTextField(dst, spanName, clip(nameOf(r)))
	dst = appendTimes(dst, kindServer, r.Began(), r.Time)

	dst = appendTextAttribute(dst, "http.request.method", r.HTTPMethod)
	dst = appendTextAttribute(dst, "url.path", r.Path)
	dst = appendNumberAttribute(dst, "http.response.status_code", int64(r.HTTPStatus))
	dst = appendTextAttribute(dst, "rpc.response.status_code", status.Name(r.Code))
	dst = appendTextAttribute(dst, "dragoman.protocol", r.Protocol)
	dst = appendTextAttribute(dst, "dragoman.reason", string(r.Reason))
	dst = appendTextAttribute(dst, "dragoman.request_id", r.RequestID)
	var text [maxStops]byte
	dst = appendBytesAttribute(dst, "dragoman.stops", appendStops(text[:0], r))
	if r.Service != "" {
		service, method := clip(r.Service), clip(r.RPC)
		dst = appendTextHead(dst, "rpc.method", len(service)+1+len(method))
		dst = append(append(append(dst, service...), '/'), method...)
	}
	if r.Client.IsValid() {
		dst = appendBytesAttribute(dst, "client.address", r.Client.AppendTo(text[:0]))
	}
	if r.Rule != "" {
		dst = appendTextAttribute(dst, "dragoman.rule", r.Rule)
	}
	if r.Cache != transcoder.CacheNone {
		dst = appendTextAttribute(dst, "dragoman.cache", string(r.Cache))
	}
	if r.Failed() {
		dst = appendError(dst, r.Message)
	}
	return shut(appendFlags(dst, flags), at)
}

// appendAttempt appends the span of an attempt, the one that began as number i from 0. Its id is what the backend was told.
func appendAttempt(dst []byte, r *telemetry.Record, i int) []byte {
	of, t := r.Trace(), &r.Tries()[i]
	dst, at := open(dst, spansOfScope)
	dst = protowire.AppendBytes(protowire.AppendTag(dst, spanTrace, protowire.BytesType), of.ID[:])
	dst = protowire.AppendBytes(protowire.AppendTag(dst, spanID, protowire.BytesType), t.Span[:])
	if of.Parent != [8]byte{} {
		dst = appendTextField(dst, spanState, of.State)
	}
	dst = protowire.AppendBytes(protowire.AppendTag(dst, spanParent, protowire.BytesType), of.Span[:])
	service, method := clip(r.Service), clip(r.RPC)
	dst = protowire.AppendVarint(protowire.AppendTag(dst, spanName, protowire.BytesType), uint64(len(service)+1+len(method))) //nolint:gosec // not negative
	dst = append(append(append(dst, service...), '/'), method...)
	began := r.Began().Add(t.Offset)
	dst = appendTimes(dst, kindClient, began, began.Add(t.Took))
	dst = appendTextAttribute(dst, "rpc.response.status_code", status.Name(t.Code))
	dst = appendTextAttribute(dst, "server.address", t.Endpoint)
	dst = appendTextAttribute(dst, "dragoman.backend", r.Backend)
	dst = appendTextAttribute(dst, "dragoman.attempt", t.Kind.String())
	dst = appendNumberAttribute(dst, "dragoman.attempt_number", int64(i+1))
	if t.Code != codes.OK {
		dst = appendError(dst, "")
	}
	return shut(appendFlags(dst, flagSampled|flagKnown), at)
}

// nameOf names the span of a call: by what was called, where that is known, for names that clients make up are no names.
func nameOf(r *telemetry.Record) string {
	if name := r.RouteName(); name != "" {
		return name
	}
	return "unknown"
}

// maxStops is how long the text of all stops mostly is; a longer one is put elsewhere.
const maxStops = 256

// appendStops says where the time went, in the form of a Server-Timing: one text is a tenth of what events cost.
func appendStops(text []byte, r *telemetry.Record) []byte {
	const thousand, digits, bits = 1000, 3, 64
	for i, s := range r.Stops() {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, s.Name...), ";dur="...)
		text = strconv.AppendFloat(text, float64(s.Took.Microseconds())/thousand, 'f', digits, bits)
	}
	return text
}

// maxText is the length in bytes of the longest text of a span or a line: one request must not fill what the collector keeps (threat I6).
const maxText = 1024

// clip returns what may be sent of a text that comes from elsewhere: not too much, and UTF-8, without which no collector takes any of what is sent with it.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…" + strconv.Itoa(len(s))
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	return s
}

// open begins a message within another one. What shut is given to close it with comes behind.
func open(dst []byte, number protowire.Number) ([]byte, int) {
	dst = protowire.AppendTag(dst, number, protowire.BytesType)
	return dst, len(dst)
}

// shut puts the length of a message before it that begins at at.
func shut(dst []byte, at int) []byte {
	n := len(dst) - at
	var room [10]byte
	size := protowire.SizeVarint(uint64(n)) //nolint:gosec // not negative
	dst = append(dst, room[:size]...)
	copy(dst[at+size:], dst[at:at+n])
	protowire.AppendVarint(dst[:at], uint64(n)) //nolint:gosec // not negative
	return dst
}

func appendTextField(dst []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, number, protowire.BytesType), text)
}

func appendTimes(dst []byte, kind uint64, began, ended time.Time) []byte {
	dst = protowire.AppendVarint(protowire.AppendTag(dst, spanKind, protowire.VarintType), kind)
	dst = protowire.AppendFixed64(protowire.AppendTag(dst, spanStart, protowire.Fixed64Type), uint64(began.UnixNano())) //nolint:gosec // after 1970
	return protowire.AppendFixed64(protowire.AppendTag(dst, spanEnd, protowire.Fixed64Type), uint64(ended.UnixNano()))  //nolint:gosec // after 1970
}

func appendFlags(dst []byte, flags uint32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(dst, spanFlags, protowire.Fixed32Type), flags)
}

func appendError(dst []byte, message string) []byte {
	dst, at := open(dst, spanStatus)
	dst = appendTextField(dst, statusMessage, clip(message))
	dst = protowire.AppendVarint(protowire.AppendTag(dst, statusCode, protowire.VarintType), statusError)
	return shut(dst, at)
}

// appendTextAttribute appends an attribute of a span.
func appendTextAttribute(dst []byte, key, value string) []byte {
	value = clip(value)
	dst = appendTextHead(dst, key, len(value))
	return append(dst, value...)
}

// appendBytesAttribute appends an attribute whose text is short and plain.
func appendBytesAttribute(dst []byte, key string, value []byte) []byte {
	return append(appendTextHead(dst, key, len(value)), value...)
}

// appendTextHead appends all of an attribute but its text, which is so long.
func appendTextHead(dst []byte, key string, length int) []byte {
	dst = appendAttributeHead(dst, key, size(valueOfText)+protowire.SizeBytes(length))
	return protowire.AppendVarint(protowire.AppendTag(dst, valueOfText, protowire.BytesType), uint64(length)) //nolint:gosec // not negative
}

func appendNumberAttribute(dst []byte, key string, value int64) []byte {
	dst = appendAttributeHead(dst, key, size(valueOfNumber)+protowire.SizeVarint(uint64(value))) //nolint:gosec // two's complement, as it is sent
	dst = protowire.AppendTag(dst, valueOfNumber, protowire.VarintType)
	return protowire.AppendVarint(dst, uint64(value)) //nolint:gosec // two's complement, as it is sent
}

// appendAttributeHead appends all of an attribute but what is in its value, which is so long.
func appendAttributeHead(dst []byte, key string, value int) []byte {
	dst = protowire.AppendTag(dst, spanAttributes, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size(attributeKey)+protowire.SizeBytes(len(key))+size(attributeOf)+protowire.SizeBytes(value))) //nolint:gosec // not negative
	dst = protowire.AppendString(protowire.AppendTag(dst, attributeKey, protowire.BytesType), key)
	dst = protowire.AppendTag(dst, attributeOf, protowire.BytesType)
	return protowire.AppendVarint(dst, uint64(value)) //nolint:gosec // not negative
}

func size(number protowire.Number) int { return protowire.SizeTag(number) }
