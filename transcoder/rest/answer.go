// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// httpBody is the message whose data are the bytes of the HTTP body.
const httpBody protoreflect.FullName = "google.api.HttpBody"

// defaultContentType is what an HttpBody without a usable type is sent as (T124).
const defaultContentType = "application/octet-stream"

// encode appends the body of an answer to dst. It returns the content type if the body is a google.api.HttpBody,
// and "" for JSON.
func (f *framer) encode(dst *[]byte, message []byte) (contentType string, err error) {
	fd := f.route.binding.ResponseField
	md := f.route.method.Desc.Output()
	if fd != nil {
		md = fd.Message()
	}
	if md != nil && md.FullName() == httpBody && (fd == nil || (!fd.IsList() && !fd.IsMap())) {
		if fd != nil {
			message = lastField(message, fd.Number())
		}
		*dst = append(*dst, lastField(message, 2)...)
		return cleanContentType(string(lastField(message, 1))), nil
	}
	if fd != nil {
		*dst, err = f.route.answer.Field(fd).AppendJSON(*dst, message, &f.protocol.config.Encode)
		return "", err
	}
	*dst, err = f.route.answer.AppendJSON(*dst, message, &f.protocol.config.Encode)
	return "", err
}

// lastField returns the payload of the last record of a length-delimited field; nil where there is none.
func lastField(message []byte, number protoreflect.FieldNumber) []byte {
	var found []byte
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return found
		}
		message = message[n:]
		n = protowire.ConsumeFieldValue(num, kind, message)
		if n < 0 {
			return found
		}
		if num == number && kind == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(message)
		}
		message = message[n:]
	}
	return found
}

// cleanContentType replaces what cannot be sent as a content type (T124).
func cleanContentType(t string) string {
	if len(t) > 256 || !strings.Contains(t, "/") {
		return defaultContentType
	}
	for i := range len(t) {
		if t[i] < ' ' || t[i] > '~' {
			return defaultContentType
		}
	}
	return t
}

// End ends the answer. What failed midway is never ended as if it were whole: a stream of JSON lines ends with an
// error line (T136), a body of raw bytes is cut off (T128).
func (f *framer) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	switch {
	case f.bare != 0:
		f.head(c, out, f.bare, "")
	case c.Err == nil && !f.started:
		f.head(c, out, http.StatusOK, f.answerType(c, ""))
	case !f.started:
		f.refuse(c, out)
	case c.Err != nil && f.raw:
		out.End = transcoder.EndAbort
	case c.Err != nil && c.Method.ServerStreams:
		line := buffers.Take()
		*line = append(*line, `{"error":`...)
		*line = f.appendError(*line, c)
		*line = append(*line, "}\n"...)
		out.Data = append(out.Data, mem.NewBuffer(line, &buffers))
	case c.Err != nil:
		out.End = transcoder.EndAbort
	}
	if c.Request.Major >= 2 && out.End == transcoder.EndClean && c.Request.Method != http.MethodHead {
		for _, field := range c.Trailer {
			if !droppedAnswer(field.Name) {
				out.Trailer = append(out.Trailer, field) // T168
			}
		}
	}
}

// refuse writes an answer that is an error and nothing else.
func (f *framer) refuse(c *transcoder.Call, out *transcoder.Out) {
	body := buffers.Take()
	*body = f.appendError(*body, c)
	f.head(c, out, status.HTTPOf(c.Err), "application/json")
	out.Header.Add("content-length", strconv.Itoa(len(*body)))
	out.Header.Add("cache-control", "no-store") // T203
	out.Header.Add("x-dragoman-reason", string(c.Reason()))
	if c.Request.Method == http.MethodHead {
		buffers.Put(body) // T160
		return
	}
	out.Data = append(out.Data, mem.NewBuffer(body, &buffers))
}

// appendError appends the google.rpc.Status of a call's error as JSON. Its three members are always there; inside of details what
// has no value is left out. Details of types that the schema does not have stay, with their bytes in base64 (T149); one that
// cannot be read at all is left out, and the rest is still said.
func (f *framer) appendError(dst []byte, c *transcoder.Call) []byte {
	st := status.Proto(c.Err)
	convert := f.protocol.errors
	if c.Method != nil {
		convert = c.Method.Codec
	}
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(st.GetCode()), 10)
	dst = append(dst, `,"message":`...)
	dst = appendMessage(dst, f.protocol.errors, st.GetMessage())
	dst = append(dst, `,"details":[`...)
	options := f.protocol.config.Encode
	options.Defaults = codec.DefaultsOmit
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
	return append(dst, "]}"...)
}

// appendMessage appends a JSON string. Backends send texts that are not UTF-8; what is not is replaced.
func appendMessage(dst []byte, c *codec.Codec, message string) []byte {
	value := wrapperspb.String(strings.ToValidUTF8(message, "\uFFFD"))
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, value)
	if err == nil {
		if out, err := c.Message(value.ProtoReflect().Descriptor()).AppendJSON(dst, data, nil); err == nil {
			return out
		}
	}
	return append(dst, `""`...)
}

func appendAny(dst []byte, c *codec.Codec, detail *anypb.Any, o *codec.EncodeOptions) ([]byte, bool) {
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, detail)
	if err != nil {
		return dst, false
	}
	out, err := c.Message(detail.ProtoReflect().Descriptor()).AppendJSON(dst, data, o)
	return out, err == nil
}
