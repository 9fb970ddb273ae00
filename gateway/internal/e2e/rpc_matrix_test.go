// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// outcome is all that a client learns of a call, but for what must differ: whether metadata came before or behind the messages is not
// told by every client.
type outcome struct {
	Messages []*testv1.BindResponse
	Code     uint32
	Message  string
	Details  []proto.Message
	Metadata map[string][]string // of the names that the test asks for; -bin values decoded
	Seen     map[string][]string // metadata at the backend, likewise
}

// mine are the names of the metadata of the test.
var mine = []string{"x-h", "x-h-bin", "x-t", "x-t-bin"}

// add takes a message, and what of it is the same whatever came in between.
func (o *outcome) add(m *testv1.BindResponse) {
	m = proto.CloneOf(m)
	if o.Seen == nil {
		o.Seen = map[string][]string{}
		for _, key := range []string{"x-many", "x-raw-bin"} {
			o.Seen[key] = metadataOf(m.GetSeen(), key)
		}
	}
	if seen := m.GetSeen(); seen != nil {
		seen.Metadata, seen.Peer, seen.DeadlineLeft = nil, "", nil
	}
	o.Messages = append(o.Messages, m)
}

func (o *outcome) metadata(name string, values []string) {
	if o.Metadata == nil {
		o.Metadata = map[string][]string{}
	}
	if len(values) > 0 {
		o.Metadata[name] = append(o.Metadata[name], values...)
	}
}

// md takes what grpc-go has.
func (o *outcome) md(all ...metadata.MD) {
	for _, md := range all {
		for _, name := range mine {
			o.metadata(name, md.Get(name))
		}
	}
}

// fields takes what connect-go has, which leaves -bin values in base64.
func (o *outcome) fields(t testing.TB, all ...http.Header) {
	t.Helper()
	for _, h := range all {
		for _, name := range mine {
			values := h.Values(name)
			if strings.HasSuffix(name, "-bin") {
				decoded := make([]string, len(values))
				for i, v := range values {
					raw, err := connect.DecodeBinaryHeader(v)
					if err != nil {
						t.Errorf("%s: %q: %v", name, v, err)
					}
					decoded[i] = string(raw)
				}
				values = decoded
			}
			o.metadata(name, values)
		}
	}
}

// grpcError takes grpc-go's error.
func (o *outcome) grpcError(t testing.TB, err error) {
	t.Helper()
	if err == nil || errors.Is(err, io.EOF) {
		return
	}
	st := status.Convert(err)
	o.Code, o.Message = uint32(st.Code()), st.Message()
	for _, d := range st.Details() {
		m, ok := d.(proto.Message)
		if !ok {
			t.Errorf("detail %v", d)
			continue
		}
		o.Details = append(o.Details, m)
	}
}

// connectError takes connect-go's error.
func (o *outcome) connectError(t testing.TB, err error) {
	t.Helper()
	if err == nil || errors.Is(err, io.EOF) {
		return
	}
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	o.Code, o.Message = uint32(e.Code()), e.Message()
	for _, d := range e.Details() {
		m, err := d.Value()
		if err != nil {
			t.Errorf("detail %s: %v", d.Type(), err)
			continue
		}
		o.Details = append(o.Details, m)
	}
}

// conversation is one call of the matrix.
type conversation struct {
	name           string
	path           string
	client, server bool // who streams
	requests       []*testv1.BindRequest
}

const matrixRequest = `{
	"id": "ä€", "thing": {"name": "n", "size": 3}, "tags": ["a", "", "b"], "labels": {"k": "v", "": "empty"}, "color": "COLOR_BLUE",
	"count": "9007199254740993", "data": "AP8=", "time": "2026-02-28T23:59:59.123456789Z", "text": "t", "flag": false,
	"behavior": {
		"header": [{"key": "x-h", "values": ["2", "1", "2"]}, {"key": "x-h-bin", "values": ["AP8=", ""]}],
		"trailer": [{"key": "x-t", "values": ["b", "a"]}, {"key": "x-t-bin", "values": ["/w=="]}]%s
	}
}`

const matrixFailure = `, "status": {"code": 9, "message": "ä\n%41 \"quoted\"", "details": [
	{"@type": "type.googleapis.com/dragoman.test.v1.Thing", "name": "n", "size": 7},
	{"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.5s"},
	{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}
]}`

// conversations are all kinds of streams, well and badly ended.
func conversations(t testing.TB) []conversation {
	t.Helper()
	one := func(more string) []*testv1.BindRequest {
		return []*testv1.BindRequest{request(t, fmt.Sprintf(matrixRequest, more))}
	}
	three := func(more string) []*testv1.BindRequest {
		return append(one(more), request(t, `{"id": "second"}`), &testv1.BindRequest{})
	}
	large := request(t, `{"text": "`+strings.Repeat("large ", 20_000)+`"}`)
	return []conversation{
		{"unary", binding + "NoRule", false, false, one("")},
		{"unary, failed", binding + "NoRule", false, false, one(matrixFailure)},
		{"unary, empty", binding + "NoRule", false, false, []*testv1.BindRequest{{}}},
		{"unary, large", binding + "NoRule", false, false, []*testv1.BindRequest{large}},
		{"server stream", streams + "RepeatNoRule", false, true, one(`, "messages": 3`)},
		{"server stream, failed", streams + "RepeatNoRule", false, true, one(matrixFailure)},
		{"server stream, failed after messages", streams + "RepeatNoRule", false, true, one(matrixFailure + `, "messages": 2`)},
		{"server stream, empty", streams + "RepeatNoRule", false, true, one(`, "noMessage": true`)},
		{"client stream", streams + "CollectNoRule", true, false, three("")},
		{"client stream, failed", streams + "CollectNoRule", true, false, three(matrixFailure)},
		{"client stream, large", streams + "CollectNoRule", true, false, []*testv1.BindRequest{large, large}},
		{"both", streams + "ConverseNoRule", true, true, three("")},
		{"both, failed", streams + "ConverseNoRule", true, true, one(matrixFailure)},
	}
}

// byGRPC makes the call with grpc-go. All requests are sent before the first answer is read.
func (v *conversation) byGRPC(t testing.TB, conn *grpc.ClientConn, options ...grpc.CallOption) *outcome {
	t.Helper()
	o := &outcome{}
	ctx := metadata.NewOutgoingContext(within(t), metadata.MD{"x-many": {"b", "a", "b"}, "x-raw-bin": {"\x00\xff", "", "three"}})
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: v.client, ServerStreams: v.server}, v.path, options...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range v.requests {
		if err := s.SendMsg(r); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		m := response()
		if err = s.RecvMsg(m); err != nil {
			break
		}
		o.add(m)
		if !v.server {
			break // grpc-go has looked for a second one
		}
	}
	o.grpcError(t, err)
	header, err := s.Header()
	if err != nil {
		t.Errorf("header: %v", err)
	}
	o.md(header, s.Trailer())
	return o
}

// byConnect makes the call with connect-go.
func (v *conversation) byConnect(t testing.TB, c *client, options ...connect.ClientOption) *outcome {
	t.Helper()
	o := &outcome{}
	ctx := within(t)
	rpc := connect.NewClient[testv1.BindRequest, testv1.BindResponse](c.http, c.base+v.path, options...)
	head := func(h http.Header) {
		for _, value := range []string{"b", "a", "b"} {
			h.Add("x-many", value)
		}
		for _, value := range []string{"\x00\xff", "", "three"} {
			h.Add("x-raw-bin", connect.EncodeBinaryHeader([]byte(value)))
		}
	}
	switch {
	case v.client && v.server:
		s := rpc.CallBidiStream(ctx)
		head(s.RequestHeader())
		v.send(t, s.Send)
		if err := s.CloseRequest(); err != nil {
			t.Fatal(err)
		}
		var err error
		for err == nil {
			var m *testv1.BindResponse
			if m, err = s.Receive(); err == nil {
				o.add(m)
			}
		}
		o.connectError(t, err)
		o.fields(t, s.ResponseHeader(), s.ResponseTrailer())
		if err := s.CloseResponse(); err != nil {
			t.Error(err)
		}
	case v.client:
		s := rpc.CallClientStream(ctx)
		head(s.RequestHeader())
		v.send(t, s.Send)
		answer, err := s.CloseAndReceive()
		o.single(t, answer, err)
	case v.server:
		r := connect.NewRequest(v.requests[0])
		head(r.Header())
		s, err := rpc.CallServerStream(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		for s.Receive() {
			o.add(s.Msg())
		}
		o.connectError(t, s.Err())
		o.fields(t, s.ResponseHeader(), s.ResponseTrailer())
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	default:
		r := connect.NewRequest(v.requests[0])
		head(r.Header())
		answer, err := rpc.CallUnary(ctx, r)
		o.single(t, answer, err)
	}
	return o
}

func (v *conversation) send(t testing.TB, send func(*testv1.BindRequest) error) {
	t.Helper()
	for _, r := range v.requests {
		if err := send(r); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}

// single takes an answer that is one message or an error.
func (o *outcome) single(t testing.TB, answer *connect.Response[testv1.BindResponse], err error) {
	t.Helper()
	o.connectError(t, err)
	if e, ok := errors.AsType[*connect.Error](err); ok {
		o.fields(t, e.Meta())
		return
	}
	o.add(answer.Msg)
	o.fields(t, answer.Header(), answer.Trailer())
}

// TestProtocolsAgree: a call comes out the same, message by message and field by field, whatever protocol, form and version of HTTP
// carries it, as when it is made by gRPC with no gateway in between (T182, T184, T187, T190, T193, T194).
func TestProtocolsAgree(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	direct, err := grpc.NewClient(d.backend.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close() }()
	gzipToo := start(t, readsGzip)

	all := map[string]func(v *conversation) *outcome{
		"grpc-go":                      func(v *conversation) *outcome { return v.byGRPC(t, d.dial(t)) },
		"grpc-go, gzip":                func(v *conversation) *outcome { return v.byGRPC(t, d.dial(t), grpc.UseCompressor("gzip")) },
		"grpc-go, gzip to the backend": func(v *conversation) *outcome { return v.byGRPC(t, gzipToo.dial(t), grpc.UseCompressor("gzip")) },
	}
	for name, protocol := range map[string]connect.ClientOption{"connect": connect.WithClientOptions(), "grpc-web": connect.WithGRPCWeb(), "grpc": connect.WithGRPC()} {
		for form, option := range map[string]connect.ClientOption{"proto": connect.WithClientOptions(), "json": connect.WithProtoJSON()} {
			for packing, pack := range map[string]connect.ClientOption{"": connect.WithClientOptions(), ", gzip": connect.WithSendGzip()} {
				options := []connect.ClientOption{protocol, option, pack}
				for _, c := range d.both(t) {
					if name == "grpc" && c.name == "HTTP/1.1" {
						continue // it needs trailers
					}
					all[name+", "+form+packing+", "+c.name] = func(v *conversation) *outcome {
						if v.client && v.server && c.name == "HTTP/1.1" {
							return nil // connect-go does not
						}
						return v.byConnect(t, c, options...)
					}
				}
			}
		}
	}
	for _, v := range conversations(t) {
		want := v.byGRPC(t, direct)
		if v.name == "unary" && (len(want.Messages) != 1 || len(want.Metadata) != len(mine) || len(want.Seen["x-many"]) != 3) {
			t.Fatalf("the comparison compares too little: %+v", want)
		}
		for name, call := range all {
			got := call(&v)
			if got == nil {
				continue
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s (-direct +through the gateway):\n%s", v.name, name, diff)
			}
		}
	}
}

// TestAnswersThatTheBackendCompressed: they reach clients that accept them as they are, and the others decompressed.
func TestAnswersThatTheBackendCompressed(t *testing.T) {
	t.Parallel()
	const said = "\x1a\x04said" // BindResponse.text
	address, _ := byHand(t, http.Header{"Grpc-Encoding": {"gzip"}}, frame{1, gzipped(t, said, "")})
	d := startFor(t, address, nil)
	for name, options := range map[string][]connect.ClientOption{
		"connect": nil, "connect json": {connect.WithProtoJSON()}, "grpc-web": {connect.WithGRPCWeb()}, "grpc": {connect.WithGRPC()},
		"nothing accepted": {connect.WithAcceptCompression("gzip", nil, nil)},
	} {
		rpc := connect.NewClient[testv1.BindRequest, testv1.BindResponse](d.h2(t).http, "http://"+d.address+binding+"NoRule", options...)
		answer, err := rpc.CallUnary(within(t), connect.NewRequest(&testv1.BindRequest{}))
		if err != nil || answer.Msg.GetText() != "said" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		packed := answer.Header().Get("Content-Encoding") + answer.Header().Get("Grpc-Encoding")
		if want := map[string]string{"connect": "gzip", "grpc-web": "gzip", "grpc": "gzip"}[name]; packed != want {
			t.Errorf("%s: the answer is in %q, want %q", name, packed, want)
		}
	}
	if a := d.h1(t).call(t, "POST", binding+"NoRule", `{}`); a.status != 200 || !strings.Contains(a.body, `"text":"said"`) {
		t.Errorf("REST: %+v", a)
	}
}

// TestT175_DeadlinesOfConnect: the client's time reaches the backend.
func TestT175_DeadlinesOfConnect(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Defaults.Deadline.MaxTimeout = patience * 10 })
	for name, options := range map[string][]connect.ClientOption{"connect": nil, "grpc-web": {connect.WithGRPCWeb()}, "grpc": {connect.WithGRPC()}} {
		for _, c := range []*client{d.h2(t), d.h3(t)} {
			rpc := connect.NewClient[testv1.BindRequest, testv1.BindResponse](c.http, c.base+binding+"NoRule", options...)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			answer, err := rpc.CallUnary(ctx, connect.NewRequest(&testv1.BindRequest{}))
			cancel()
			if err != nil {
				t.Errorf("%s, %s: %v", name, c.name, err)
				continue
			}
			if left := answer.Msg.GetSeen().GetDeadlineLeft().AsDuration(); left <= patience/2 || left > patience {
				t.Errorf("%s, %s: the backend had %s left of %s", name, c.name, left, patience)
			}
		}
	}
}

// TestT140_CancelOfStreams: a client that takes back its call, while nothing flows, cancels the backend's.
func TestT140_CancelOfStreams(t *testing.T) {
	t.Parallel()
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	for name, options := range map[string][]connect.ClientOption{"connect": nil, "grpc-web": {connect.WithGRPCWeb()}, "grpc": {connect.WithGRPC()}} {
		for _, c := range []*client{d.h2(t), d.h3(t)} {
			ctx, cancel := context.WithCancel(within(t))
			ended := make(chan error, 1)
			go func() {
				stream, err := connect.NewClient[testv1.BindRequest, testv1.BindResponse](c.http, c.base+streams+"RepeatNoRule", options...).CallServerStream(ctx, connect.NewRequest(&testv1.BindRequest{}))
				if err == nil {
					for stream.Receive() {
					}
					err = errors.Join(stream.Err(), stream.Close())
				}
				ended <- err
			}()
			s.step(t, func(grpc.ServerStream) error { return nil })
			from := time.Now()
			cancel()
			s.wantCancelled(t, from)
			if err := <-ended; connect.CodeOf(err) != connect.CodeCanceled && !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v", name, c.name, err)
			}
		}
	}
}
