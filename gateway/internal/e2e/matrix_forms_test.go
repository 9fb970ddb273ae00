// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// form is how a client has its calls on the wire: a protocol and a codec.
type form struct {
	name string
	json bool // messages are JSON; else protobuf
	// bare says that an answer that breaks off behind its first message has no words for it: it is cut off (T136).
	bare bool
	// socket says that it is a WebSocket.
	socket bool
	// missing says why there are no cells of a kind of stream in a version of HTTP; "" says that there are.
	missing func(k *kind, v *version) string
	// head sets the fields of a request, and returns its method and target. message is that of a call by GET.
	head func(c *cell, h http.Header, message string) (method, target string)
	// body puts the n-th message of a request on the wire, and is nil for calls by GET; end is what stands behind the last.
	body func(c *cell, text string, n int) []byte
	end  func(n int) string
	// next reads the next message of an answer. At the end it settles the verdict and returns false.
	next func(a *httpCall) (text string, more bool)
	// contentType is that of an answer that is no error.
	contentType string
}

// packings are the compressions of messages.
var packings = []string{"identity", "gzip", "br", "zstd"}

var (
	zstdEncoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	zstdDecoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
)

// pack compresses.
func pack(t testing.TB, packing string, data []byte) []byte {
	t.Helper()
	var (
		b bytes.Buffer
		w io.WriteCloser
	)
	switch packing {
	case "identity":
		return data
	case "zstd":
		return zstdEncoder.EncodeAll(data, nil)
	case "gzip":
		w = gzip.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpack decompresses.
func unpack(packing string, data []byte) ([]byte, error) {
	switch packing {
	case "", "identity":
		return data, nil
	case "zstd":
		return zstdDecoder.DecodeAll(data, nil)
	case "br":
		return io.ReadAll(brotli.NewReader(bytes.NewReader(data)))
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	return nil, fmt.Errorf("compression is %q", packing)
}

// message makes the message of a request in a codec.
func (f *form) message(t testing.TB, text string) []byte {
	t.Helper()
	m := &testv1.BindRequest{Choice: &testv1.BindRequest_Text{Text: text}}
	if !f.json {
		return []byte(marshal(t, m))
	}
	data, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// text reads the message of an answer.
func (f *form) text(data []byte) (string, error) {
	m := &testv1.BindResponse{}
	var err error
	if f.json {
		err = protojson.Unmarshal(data, m)
	} else {
		err = proto.Unmarshal(data, m)
	}
	return m.GetText(), err
}

// Reasons for which there are no cells.
const (
	oneMessage    = "this form is one message and nothing else"
	streamsAlone  = "this form is for answers that stream"
	noBoth        = "T19: HTTP cannot carry both directions of REST; it answers 501"
	needsTrailers = "gRPC needs HTTP/2"
	getIsUnary    = "only unary calls can be made by GET"
	noSocket      = "a WebSocket begins in HTTP/1.1: extended CONNECT (RFC 8441) is not served"
)

// matrixForms are all that there are.
func matrixForms() []*form {
	all := []*form{
		{name: "REST, JSON", json: true, contentType: "application/json", next: (*httpCall).nextBody, missing: func(k *kind, _ *version) string {
			if k.client || k.server {
				return oneMessage
			}
			return ""
		}},
		{name: "REST, NDJSON", json: true, contentType: "application/x-ndjson", next: (*httpCall).nextLine, missing: restStreams(true)},
		{name: "REST, JSON array", json: true, bare: true, contentType: "application/json", next: (*httpCall).nextElement, missing: restStreams(true)},
		{name: "REST, SSE", json: true, contentType: "text/event-stream", next: (*httpCall).nextEvent, missing: restStreams(false)},
		{name: "REST, json-seq", json: true, bare: true, contentType: "application/json-seq", next: (*httpCall).nextRecord, missing: restStreams(false)},
		{name: "REST, delimited protobuf", bare: true, contentType: "application/x-protobuf; delimited=true", next: (*httpCall).nextDelimited, missing: restStreams(false)},
	}
	for _, f := range all {
		f.head, f.body, f.end = f.restHead, f.restBody, f.restEnd
	}
	for _, codec := range []string{"proto", "json"} {
		inJSON := codec == "json"
		for _, r := range []struct {
			name, contentType string
			text              bool
			missing           func(*kind, *version) string
			next              func(*httpCall) (string, bool)
		}{
			{"gRPC", "application/grpc+", false, func(_ *kind, v *version) string {
				if v.major < 2 {
					return needsTrailers
				}
				return ""
			}, (*httpCall).nextGRPC},
			{"gRPC-Web", "application/grpc-web+", false, nil, (*httpCall).nextWeb},
			{"gRPC-Web text", "application/grpc-web-text+", true, nil, (*httpCall).nextWeb},
			{"Connect", "application/connect+", false, nil, (*httpCall).nextConnect},
		} {
			f := &form{name: r.name + ", " + codec, json: inJSON, missing: r.missing, next: r.next, contentType: r.contentType + codec}
			f.head, f.body, f.end = f.rpcHead, f.rpcBody, func(int) string { return "" }
			all = append(all, f)
		}
		f := &form{
			name: "Connect GET, " + codec, json: inJSON, next: (*httpCall).nextConnect, contentType: "application/" + codec,
			missing: func(k *kind, _ *version) string {
				if k.client || k.server {
					return getIsUnary
				}
				return ""
			},
			end: func(int) string { return "" },
		}
		f.head = f.getHead
		all = append(all, f, &form{
			name: "WebSocket, " + codec, json: inJSON, socket: true,
			missing: func(_ *kind, v *version) string {
				if v.major > 1 {
					return noSocket
				}
				return ""
			},
		})
	}
	return all
}

// restStreams are the kinds that a form of REST's streams can carry: requests that stream only where it is a form of bodies as well.
func restStreams(requests bool) func(*kind, *version) string {
	return func(k *kind, _ *version) string {
		switch {
		case k.client && k.server:
			return noBoth
		case k.client && requests || k.server && !k.client:
			return ""
		}
		return streamsAlone
	}
}

func (f *form) restHead(c *cell, h http.Header, _ string) (method, target string) {
	h.Set("Content-Type", "application/json")
	if c.kind.client {
		h.Set("Content-Type", f.contentType)
	}
	if c.kind.server {
		h.Set("Accept", f.contentType)
	}
	h.Set("Te", "trailers") // T168
	if c.packing != "identity" {
		h.Set("Accept-Encoding", c.packing)
		if !c.kind.client { // streams cannot be compressed as a whole (T201)
			h.Set("Content-Encoding", c.packing)
		}
	}
	if c.timeout > 0 {
		h.Set("X-Server-Timeout", fmt.Sprint(c.timeout.Seconds()))
	}
	return http.MethodPost, c.kind.target
}

func (f *form) restBody(c *cell, text string, n int) []byte {
	m := f.requestJSON(c, text)
	switch {
	case !c.kind.client:
		return pack(c.t, c.packing, m)
	case f.contentType == "application/x-ndjson":
		return append(m, '\n')
	case n == 0:
		return append([]byte("["), m...)
	}
	return append([]byte(","), m...)
}

// requestJSON is a request of REST, which is JSON whatever the form of the answer.
func (f *form) requestJSON(c *cell, text string) []byte {
	return (&form{json: true}).message(c.t, text)
}

func (f *form) restEnd(n int) string {
	switch {
	case f.contentType != "application/json":
		return ""
	case n == 0:
		return "[]"
	}
	return "]"
}

// unaryConnect tells whether a call is one of Connect's without envelopes.
func (c *cell) unaryConnect() bool {
	return strings.HasPrefix(c.form.name, "Connect") && !c.kind.client && !c.kind.server
}

func (f *form) rpcHead(c *cell, h http.Header, _ string) (method, target string) {
	h.Set("Content-Type", f.contentType)
	encoding, accepts, timeout := "Grpc-Encoding", "Grpc-Accept-Encoding", "Grpc-Timeout"
	switch {
	case c.unaryConnect():
		h.Set("Content-Type", strings.Replace(f.contentType, "connect+", "", 1))
		h.Set("Connect-Protocol-Version", "1") // in JSON it would else be REST
		encoding, accepts, timeout = "Content-Encoding", "Accept-Encoding", "Connect-Timeout-Ms"
	case strings.HasPrefix(f.name, "Connect"):
		encoding, accepts, timeout = "Connect-Content-Encoding", "Connect-Accept-Encoding", "Connect-Timeout-Ms"
	case strings.HasPrefix(f.name, "gRPC,"):
		h.Set("Te", "trailers")
	}
	if c.packing != "identity" {
		h.Set(encoding, c.packing)
		h.Set(accepts, c.packing)
	}
	if c.timeout > 0 {
		h.Set(timeout, strings.TrimSuffix(fmt.Sprintf("%dm", c.timeout.Milliseconds()), map[bool]string{true: "m"}[timeout == "Connect-Timeout-Ms"]))
	}
	return http.MethodPost, c.kind.path
}

func (f *form) rpcBody(c *cell, text string, _ int) []byte {
	m := f.message(c.t, text)
	if c.unaryConnect() {
		return pack(c.t, c.packing, m)
	}
	out := frame{0, string(m)}
	if c.packing != "identity" {
		out = frame{wire.FlagCompressed, string(pack(c.t, c.packing, m))}
	}
	if strings.Contains(f.name, "text") {
		return []byte(units(string(out.bytes()[:3]), string(out.bytes()[3:]))) // padding in between
	}
	return out.bytes()
}

func (f *form) getHead(c *cell, h http.Header, text string) (method, target string) {
	message := pack(c.t, c.packing, f.message(c.t, text))
	query := url.Values{
		"connect": {"v1"}, "encoding": {strings.TrimPrefix(f.contentType, "application/")}, "base64": {"1"}, "message": {base64.RawURLEncoding.EncodeToString(message)},
	}
	if c.packing != "identity" {
		query.Set("compression", c.packing)
		h.Set("Accept-Encoding", c.packing)
	}
	if c.timeout > 0 {
		h.Set("Connect-Timeout-Ms", fmt.Sprint(c.timeout.Milliseconds()))
	}
	return http.MethodGet, binding + "Safe?" + query.Encode()
}

// nextBody reads an answer of REST that is one message.
func (a *httpCall) nextBody() (string, bool) {
	if a.done {
		return "", false
	}
	a.done = true
	body, err := io.ReadAll(a.body)
	if err == nil {
		body, err = unpack(a.response.Header.Get("Content-Encoding"), body)
	}
	a.packed = a.response.Header.Get("Content-Encoding") != ""
	if err != nil {
		return a.cutOff(err)
	}
	a.verdict.trailer = a.response.Trailer
	if a.response.StatusCode != http.StatusOK {
		return a.failed(body)
	}
	return a.message(body)
}

// nextLine reads a line of NDJSON.
func (a *httpCall) nextLine() (string, bool) {
	if !a.streams() {
		return a.nextBody()
	}
	line, err := a.body.ReadBytes('\n')
	if err != nil {
		return a.ends(len(line), err)
	}
	var last struct{ Error json.RawMessage }
	if json.Unmarshal(line, &last) == nil && last.Error != nil {
		if rest, err := io.ReadAll(a.body); err != nil || len(rest) > 0 {
			return a.cutOff(fmt.Errorf("behind the error: %q, %w", rest, err))
		}
		a.verdict.trailer = a.response.Trailer
		return a.failed(last.Error)
	}
	return a.message(line)
}

// nextElement reads an element of a JSON array.
func (a *httpCall) nextElement() (string, bool) {
	if !a.streams() {
		return a.nextBody()
	}
	if a.array == nil {
		a.array = json.NewDecoder(a.body)
		if token, err := a.array.Token(); err != nil || token != json.Delim('[') {
			return a.cutOff(fmt.Errorf("the answer begins with %v: %w", token, err))
		}
	}
	if a.array.More() {
		var element json.RawMessage
		if err := a.array.Decode(&element); err != nil {
			return a.cutOff(err)
		}
		return a.message(element)
	}
	if token, err := a.array.Token(); err != nil || token != json.Delim(']') {
		return a.cutOff(fmt.Errorf("the array ends with %v: %w", token, err))
	}
	_, err := a.array.Token()
	return a.ends(0, err)
}

// nextEvent reads a Server-Sent Event.
func (a *httpCall) nextEvent() (string, bool) {
	if !a.streams() {
		return a.nextBody()
	}
	var block strings.Builder
	for {
		line, err := a.body.ReadString('\n')
		block.WriteString(line)
		if err != nil {
			return a.cutOff(fmt.Errorf("%q and no more: %w", block.String(), err)) // an EventSource connects again
		}
		if line == "\n" {
			break
		}
	}
	e := events(a.cell.t, block.String())[0]
	if e.kind == "" {
		return a.message([]byte(e.data))
	}
	if rest, err := io.ReadAll(a.body); err != nil || len(rest) > 0 {
		return a.cutOff(fmt.Errorf("behind the end: %q, %w", rest, err))
	}
	a.verdict.trailer = a.response.Trailer
	if e.kind == "error" {
		return a.failed([]byte(e.data))
	}
	return "", false
}

// nextRecord reads a record of a JSON text sequence.
func (a *httpCall) nextRecord() (string, bool) {
	if !a.streams() {
		return a.nextBody()
	}
	if mark, err := a.body.ReadByte(); err != nil || mark != 0x1e {
		return a.ends(0, err)
	}
	line, err := a.body.ReadBytes('\n')
	if err != nil {
		return a.cutOff(err)
	}
	return a.message(line)
}

// nextDelimited reads a message of protobuf with its length before it.
func (a *httpCall) nextDelimited() (string, bool) {
	if !a.streams() {
		return a.nextBody()
	}
	n, err := binary.ReadUvarint(a.body)
	if err != nil {
		return a.ends(0, err)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(a.body, data); err != nil {
		return a.cutOff(err)
	}
	return a.message(data)
}

// streams tells whether an answer is a stream of REST: a kind of call that has one, and no error before its first message.
func (a *httpCall) streams() bool {
	return a.cell.kind.server && a.response.StatusCode == http.StatusOK
}

// nextFrame reads an envelope and what is in it; false where there is none.
func (a *httpCall) nextFrame() (flags byte, data []byte, err error) {
	var head [wire.EnvelopeSize]byte
	if _, err := io.ReadFull(a.body, head[:]); err != nil {
		return 0, nil, err
	}
	data = make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(a.body, data); err != nil {
		return 0, nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return head[0], data, nil
}

// enveloped reads a message that an envelope had.
func (a *httpCall) enveloped(flags byte, data []byte, encoding string) (string, bool) {
	if flags&wire.FlagCompressed != 0 {
		a.packed = true
		var err error
		if data, err = unpack(a.response.Header.Get(encoding), data); err != nil {
			return a.cutOff(err)
		}
	}
	return a.message(data)
}

func (a *httpCall) nextGRPC() (string, bool) {
	flags, data, err := a.nextFrame()
	if err == nil {
		return a.enveloped(flags, data, "Grpc-Encoding")
	}
	if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return a.cutOff(err)
	}
	a.verdict.trailer = a.response.Trailer
	if a.response.Header.Get("Grpc-Status") != "" { // trailers alone
		a.verdict.trailer = a.response.Header
	}
	return a.grpcStatus()
}

func (a *httpCall) nextWeb() (string, bool) {
	if a.response.Header.Get("Grpc-Status") != "" { // trailers alone
		if rest, err := io.ReadAll(a.body); err != nil || len(rest) > 0 {
			return a.cutOff(fmt.Errorf("behind the status: %q, %w", rest, err))
		}
		a.verdict.trailer = a.response.Header
		return a.grpcStatus()
	}
	flags, data, err := a.nextFrame()
	if err != nil {
		return a.cutOff(err) // the end is a frame
	}
	if flags&wire.FlagTrailer == 0 {
		return a.enveloped(flags, data, "Grpc-Encoding")
	}
	if _, err := a.body.ReadByte(); !errors.Is(err, io.EOF) {
		return a.cutOff(fmt.Errorf("behind the trailers: %w", err))
	}
	a.verdict.trailer = http.Header{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name != strings.ToLower(name) {
			a.cell.t.Errorf("a trailer is %q", line)
		}
		a.verdict.trailer.Add(name, value)
	}
	return a.grpcStatus()
}

func (a *httpCall) nextConnect() (string, bool) {
	if a.cell.unaryConnect() {
		text, more := a.nextBody()
		a.verdict.trailer = http.Header{}
		for name, values := range a.response.Header {
			if name, ok := strings.CutPrefix(name, "Trailer-"); ok {
				a.verdict.trailer[name] = values
			}
		}
		return text, more
	}
	flags, data, err := a.nextFrame()
	if err != nil {
		return a.cutOff(err) // the end is an envelope
	}
	if flags&wire.FlagEndStream == 0 {
		return a.enveloped(flags, data, "Connect-Content-Encoding")
	}
	if flags&wire.FlagCompressed != 0 {
		if data, err = unpack(a.response.Header.Get("Connect-Content-Encoding"), data); err != nil {
			return a.cutOff(err)
		}
	}
	if _, err := a.body.ReadByte(); !errors.Is(err, io.EOF) {
		return a.cutOff(fmt.Errorf("behind the end: %w", err))
	}
	var end struct {
		Error    json.RawMessage
		Metadata map[string][]string
	}
	if err := json.Unmarshal(data, &end); err != nil {
		return a.cutOff(err)
	}
	a.verdict.trailer = http.Header{}
	for name, values := range end.Metadata {
		a.verdict.trailer[http.CanonicalHeaderKey(name)] = values
	}
	if end.Error != nil {
		return a.failed(end.Error)
	}
	return "", false
}
