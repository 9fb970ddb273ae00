// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// TestT119_BytesPassUntouched: all four kinds of streams carry messages as they are, unknown fields included, and empty ones.
func TestT119_BytesPassUntouched(t *testing.T) {
	t.Parallel()
	// A server that answers each message with the same bytes.
	address := misbehave(t, func(_ string, s grpc.ServerStream) error {
		var last *transcoder.Message
		for {
			m := new(transcoder.Message)
			if err := s.RecvMsg(m); err != nil {
				break
			}
			data, free := m.Bytes()
			last = raw(string(data))
			free()
			if strings.Contains(string(last.Data[0].ReadOnlyData()), "each") {
				if err := s.SendMsg(last); err != nil {
					return err
				}
				last = nil
			}
		}
		if last != nil {
			return s.SendMsg(last)
		}
		return nil
	})
	conn := startFor(t, address, nil).dial(t)
	// Unknown fields, fields out of order, numbers that are longer than need be: nothing that an encoder would give back.
	const odd = "\xfa\xff\x0f\x03abc\x12\x01z\x0a\x81\x80\x00x\x98\x75\x80\x80\x00"
	for _, m := range []struct {
		method         string
		client, server bool
	}{{"NoRule", false, false}, {"RepeatNoRule", false, true}, {"CollectNoRule", true, false}, {"ConverseNoRule", true, true}} {
		path := streams + m.method
		if m.method == "NoRule" {
			path = binding + m.method
		}
		for _, messages := range [][]string{{odd}, {""}, {"each" + odd, "each", "each" + strings.Repeat("y", 100_000)}} {
			if !m.client && len(messages) > 1 || m.client != m.server && len(messages) > 1 {
				continue
			}
			s, err := conn.NewStream(within(t), &grpc.StreamDesc{ClientStreams: m.client, ServerStreams: m.server}, path, grpc.ForceCodecV2(transcoder.RawCodec{}))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, data := range messages {
				if err := s.SendMsg(raw(data)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.CloseSend(); err != nil {
				t.Fatal(err)
			}
			for range messages {
				answer := new(transcoder.Message)
				if err := s.RecvMsg(answer); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				data, free := answer.Bytes()
				got = append(got, string(data))
				free()
			}
			if m.server {
				if err := s.RecvMsg(new(transcoder.Message)); !errors.Is(err, io.EOF) {
					t.Errorf("%s: %v behind the last message", path, err)
				}
			}
			if diff := cmp.Diff(messages, got); diff != "" {
				t.Errorf("%s: bytes (-want +got):\n%s", path, diff)
			}
		}
	}
}

// TestT164_T166_MetadataOfGRPC: metadata both ways, binary values included, in order and as often.
func TestT164_T166_MetadataOfGRPC(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	client := testv1.NewEchoServiceClient(d.dial(t, grpc.WithUserAgent("me")))
	ctx := metadata.NewOutgoingContext(within(t), metadata.MD{
		"x-many": {"b", "a", "b"}, "x-raw-bin": {"\x00\xff", "", "three"}, "authorization": {"Bearer x"},
		"x-forwarded-for": {"8.8.8.8"}, "x-real-ip": {"8.8.8.8"}, "forwarded": {"for=8.8.8.8"}, "x-dragoman-user": {"root"}, "x-request-id": {"grpc-1"},
	})
	behavior := &testv1.Behavior{
		Header:  []*testv1.Metadata{{Key: "x-h", Values: []string{"2", "1", "2"}}, {Key: "x-h-bin", Values: []string{"AP8="}}},
		Trailer: []*testv1.Metadata{{Key: "x-t", Values: []string{"b", "a"}}, {Key: "x-t-bin", Values: []string{"/w=="}}},
	}
	var header, trailer metadata.MD
	answer, err := client.Echo(ctx, &testv1.CanaryRequest{Behavior: behavior}, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		t.Fatal(err)
	}
	seen := answer.GetSeen()
	for key, want := range map[string][]string{
		"x-many": {"b", "a", "b"}, "x-raw-bin": {"AP8=", "", "dGhyZWU="}, "authorization": {"Bearer x"}, "x-request-id": {"grpc-1"},
		"x-forwarded-for": {"127.0.0.1"}, "x-forwarded-proto": {"http"}, "x-forwarded-host": {d.address}, "x-real-ip": nil, "forwarded": nil, "x-dragoman-user": nil, // T170, B1
	} {
		if got := metadataOf(seen, key); !slices.Equal(got, want) {
			t.Errorf("%s is %q at the backend, want %q", key, got, want)
		}
	}
	for key, want := range map[string][]string{"x-h": {"2", "1", "2"}, "x-h-bin": {"\x00\xff"}, "x-request-id": {"grpc-1"}} {
		if got := header.Get(key); !slices.Equal(got, want) {
			t.Errorf("header %s is %q, want %q", key, got, want)
		}
	}
	for key, want := range map[string][]string{"x-t": {"b", "a"}, "x-t-bin": {"\xff"}} {
		if got := trailer.Get(key); !slices.Equal(got, want) {
			t.Errorf("trailer %s is %q, want %q", key, got, want)
		}
	}
}

// TestHeaderBeforeTheFirstMessage: the header of a stream is there while the backend waits for its client.
func TestHeaderBeforeTheFirstMessage(t *testing.T) {
	t.Parallel()
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	stream, err := testv1.NewStreamServiceClient(d.dial(t)).ConverseNoRule(within(t))
	if err != nil {
		t.Fatal(err)
	}
	s.step(t, func(ss grpc.ServerStream) error { return ss.SendHeader(metadata.Pairs("x-early", "yes")) })
	header, err := stream.Header()
	if err != nil || !slices.Equal(header.Get("x-early"), []string{"yes"}) {
		t.Fatalf("%v, %v", header, err)
	}
	s.step(t, nil)
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	<-s.ended
}

// TestT183_TrailersOnly: an error without messages is one HEADERS frame, with details and metadata.
func TestT183_TrailersOnly(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	body := &testv1.CanaryRequest{Behavior: fromJSON(t, `{"status":{"code":9,"message":"ä\n%41","details":[{"@type":"type.googleapis.com/dragoman.test.v1.Thing","name":"n"}]},"trailer":[{"key":"x-t","values":["1"]}]}`, &testv1.Behavior{})}
	data, err := proto.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	p := d.probe(t)
	id := p.open(false, p.head("POST", echo+"Echo", "content-type", "application/grpc", "te", "trailers")...)
	p.must(p.framer.WriteData(id, true, append([]byte{0, 0, 0, 0, byte(len(data))}, data...)))
	a, err := p.read(id)
	if err != nil || a.status != 200 || a.body != "" || len(a.trailer) > 0 || a.grpcStatus() != "9" || a.header.Get("Content-Type") != "application/grpc" || a.header.Get("X-T") != "1" {
		t.Errorf("%+v, %v", a, err)
	}
	if got := a.header.Get("Grpc-Message"); got != "%C3%A4%0A%2541" {
		t.Errorf("grpc-message is %q", got)
	}
	_, err = testv1.NewEchoServiceClient(d.dial(t)).Echo(within(t), body)
	st := status.Convert(err)
	if st.Code() != codes.FailedPrecondition || st.Message() != "ä\n%41" {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]any{&testv1.Thing{Name: "n"}}, st.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

// TestT147_CodesOfGRPC: codes pass as they are, known or not.
func TestT147_CodesOfGRPC(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	client := testv1.NewEchoServiceClient(d.dial(t))
	for _, code := range []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 99} {
		_, err := client.Echo(within(t), &testv1.CanaryRequest{Behavior: fromJSON(t, fmt.Sprintf(`{"status":{"code":%d,"message":"m"}}`, code), &testv1.Behavior{})})
		if st := status.Convert(err); uint32(st.Code()) != code || st.Message() != "m" {
			t.Errorf("code %d: %v", code, err)
		}
	}
}

// TestT174_T175_T176_Deadlines: what the backend is told of the client's deadline.
func TestT174_T175_T176_Deadlines(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Defaults.Deadline.Timeout, c.Defaults.Deadline.MaxTimeout = 7*time.Second, 20*time.Second
	})
	client := testv1.NewEchoServiceClient(d.dial(t))
	left := func(timeout time.Duration) time.Duration {
		t.Helper()
		ctx := within(t)
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), timeout)
			defer cancel()
		} else {
			ctx = context.WithoutCancel(ctx)
		}
		answer, err := client.Echo(ctx, &testv1.CanaryRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if answer.GetSeen().GetDeadlineLeft() == nil {
			t.Fatal("the backend has no deadline")
		}
		return answer.GetSeen().GetDeadlineLeft().AsDuration()
	}
	for _, tt := range []struct {
		name            string
		timeout, atMost time.Duration
	}{
		{"the client's", 5 * time.Second, 5 * time.Second},
		{"the default", 0, 7 * time.Second},
		{"more than the most", time.Hour, 20 * time.Second},
	} {
		if got := left(tt.timeout); got > tt.atMost || got < tt.atMost-3*time.Second {
			t.Errorf("%s: the backend had %s left; want just under %s", tt.name, got, tt.atMost)
		}
	}
	// The same over REST, in each of the ways to say it, of which the smallest counts.
	for _, tt := range []struct {
		fields []string
		atMost time.Duration
	}{
		{[]string{"grpc-timeout", "3S"}, 3 * time.Second},
		{[]string{"connect-timeout-ms", "3000"}, 3 * time.Second},
		{[]string{"x-server-timeout", "3.5"}, 3500 * time.Millisecond},
		{[]string{"grpc-timeout", "9S", "connect-timeout-ms", "4000", "x-server-timeout", "6"}, 4 * time.Second},
		{[]string{"grpc-timeout", "99999999H"}, 20 * time.Second}, // E17
		{nil, 7 * time.Second},
	} {
		got := seenBy(t, d.h1(t), tt.fields...).GetDeadlineLeft().AsDuration()
		if got > tt.atMost || got < tt.atMost-3*time.Second {
			t.Errorf("%v: the backend had %s left; want just under %s", tt.fields, got, tt.atMost)
		}
	}
	// T176: streams have none unless the client says one.
	stream, err := testv1.NewStreamServiceClient(d.dial(t)).RepeatNoRule(context.WithoutCancel(t.Context()), request(t, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil || first.GetSeen().GetDeadlineLeft() != nil {
		t.Errorf("%v, %v: a stream has a deadline that nobody set", first.GetSeen().GetDeadlineLeft(), err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	// Fault 15: it is kept, and what is late is told as that.
	from := time.Now()
	a := d.h1(t).call(t, "POST", "/canary/v1/slow", `{"sleep":"10s"}`, "grpc-timeout", "200m")
	if took := time.Since(from); a.status != 504 || took > 2*time.Second || a.header.Get("X-Dragoman-Reason") != "deadline_exceeded" {
		t.Errorf("late: %d after %s: %s", a.status, took, a.body)
	}
	if _, err := d.backend.Wait(within(t), echo+"Slow", func(n testbackend.Counts) bool { return n.Running == 0 && n.Cancelled == 1 }); err != nil {
		t.Error(err)
	}
}

// rawCall sends a call with fields of the test's own and reads its answer.
func (p *prober) rawCall(path string, body []byte, fields ...string) (*answer, error) {
	p.t.Helper()
	id := p.open(false, p.head("POST", path, fields...)...)
	p.must(p.framer.WriteData(id, true, body))
	return p.read(id)
}

// TestRefusalsOfGRPC: calls that the gateway refuses, in gRPC's own form: HTTP 200 and a status (T160), and nothing arrives.
func TestRefusalsOfGRPC(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		hide("dragoman.test.v1.AdminService")(c)
		c.Listeners[0].MaxMessage = 1000
	})
	empty := []byte{0, 0, 0, 0, 0}
	grpcType := []string{"content-type", "application/grpc", "te", "trailers"}
	for _, tt := range []struct {
		name, path string
		body       []byte
		fields     []string
		http       int
		code       string
		message    string // part of it, as it stands in grpc-message
	}{
		{name: "T42 unknown method", path: binding + "Nope", body: empty, code: "12", message: "unknown method"},
		{name: "unknown service", path: "/no.Service/Nope", body: empty, code: "12", message: "unknown method"},
		{name: "H6 hidden service", path: canaryDelete, body: empty, code: "12", message: "unknown method"},
		{name: "T173 timeout", path: binding + "NoRule", body: empty, fields: []string{"grpc-timeout", "1x"}, code: "3", message: "grpc-timeout"},
		{name: "T173 timeout negative", path: binding + "NoRule", body: empty, fields: []string{"grpc-timeout", "-1S"}, code: "3", message: "grpc-timeout"},
		{name: "T173 timeout long", path: binding + "NoRule", body: empty, fields: []string{"grpc-timeout", "123456789S"}, code: "3", message: "grpc-timeout"},
		{name: "T173 timeout empty", path: binding + "NoRule", body: empty, fields: []string{"grpc-timeout", "S"}, code: "3", message: "grpc-timeout"},
		{name: "T174 timeout over", path: binding + "NoRule", body: empty, fields: []string{"grpc-timeout", "0S"}, code: "4", message: "deadline"},
		{name: "B10 two timeouts", path: binding + "NoRule", body: empty, fields: []string{"grpc-timeout", "1S", "grpc-timeout", "9S"}, code: "3", message: "more than once"},
		{name: "B7 not base64", path: binding + "NoRule", body: empty, fields: []string{"x-bin", "!"}, code: "3", message: "base64"},
		{name: "B9 value", path: binding + "NoRule", body: empty, fields: []string{"x-a", "\xc3\xa4"}, code: "3", message: "printable"},
		{name: "B3 underscore", path: binding + "NoRule", body: empty, fields: []string{"x_a", "b"}, code: "3", message: "underscore"},
		{name: "B14 fields", path: binding + "NoRule", body: empty, fields: manyFields(101), code: "8", message: "fields"},
		{name: "T191 encoding", path: binding + "NoRule", body: empty, fields: []string{"grpc-encoding", "snappy"}, code: "12", message: "identity,gzip,br,zstd"},
		{name: "T196 too large", path: binding + "NoRule", body: append([]byte{0, 0, 0, 3, 0xe9}, make([]byte, 1001)...), code: "8", message: "1000"},
		{name: "no message", path: binding + "NoRule", code: "12", message: "no message"},
		{name: "two messages", path: binding + "NoRule", body: append(empty, empty...), code: "12", message: "more than one"},
		{name: "T197 cut off", path: binding + "NoRule", body: []byte{0, 0, 0, 0, 9, 1}, code: "3", message: "ends inside"},
		{name: "compressed without encoding", path: binding + "NoRule", body: []byte{1, 0, 0, 0, 1, 0}, code: "13", message: "no encoding"},
		{name: "not gzip", path: binding + "NoRule", body: []byte{1, 0, 0, 0, 1, 0}, fields: []string{"grpc-encoding", "gzip"}, code: "3", message: "gzip"},
		{name: "T197 half of gzip in a stream", path: streams + "CollectNoRule", body: []byte{1, 0, 0, 0, 3, 0x1f, 0x8b, 8}, fields: []string{"grpc-encoding", "gzip"}, code: "3", message: "gzip"},
		{name: "flags", path: binding + "NoRule", body: []byte{0x80, 0, 0, 0, 0}, code: "13", message: "0x80"},
		{name: "E15 flags of a stream", path: streams + "ConverseNoRule", body: []byte{0x80, 0, 0, 0, 0}, code: "13", message: "0x80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := d.probe(t)
			seen := d.arrivals(func() {
				a, err := p.rawCall(tt.path, tt.body, append(slices.Clone(grpcType), tt.fields...)...)
				if err != nil || a.status != 200 || a.grpcStatus() != tt.code {
					t.Fatalf("%+v, %v", a, err)
				}
				if got := a.header.Get("Grpc-Message") + a.trailer.Get("Grpc-Message"); !strings.Contains(got, tt.message) {
					t.Errorf("grpc-message is %q; it should say %q", got, tt.message)
				}
			})
			if !strings.HasPrefix(tt.path, streams) { // a stream is opened before its messages come, and may arrive when another row has its turn
				maps.DeleteFunc(seen, func(method string, _ int) bool { return strings.HasPrefix(method, streams) })
				none(t, seen)
			}
		})
	}
	t.Run("T180 content types", func(t *testing.T) {
		for contentType, want := range map[string]int{
			"application/grpc": 200, "application/grpc+proto": 200, "APPLICATION/GRPC; x=y": 200, "application/grpcfoo": 415, "application/grpc+json": 200, "application/grpc+": 415, "application/grpc+thrift": 415, "application/grpc-": 415, "application/grp": 415,
		} {
			p := d.probe(t)
			if a, err := p.rawCall(binding+"NoRule", empty, "content-type", contentType, "te", "trailers"); err != nil || a.status != want {
				t.Errorf("%s: %+v, %v", contentType, a, err)
			}
		}
	})
	t.Run("over HTTP/1.1", func(t *testing.T) {
		a, err := d.rawH1(t, "POST "+binding+"NoRule HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\nte: trailers\r\ncontent-length: 5\r\nconnection: close\r\n\r\n\x00\x00\x00\x00\x00")
		if err != nil || a.status != 505 || !strings.Contains(a.header.Get("Grpc-Message"), "HTTP/2") || a.grpcStatus() != "12" {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("by GET", func(t *testing.T) {
		p := d.probe(t)
		if a, err := p.get("GET", binding+"NoRule", "content-type", "application/grpc"); err != nil || a.status != 405 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// TestT196_LimitsOfMessages: a message over the limit names the limit, in both directions.
func TestT196_LimitsOfMessages(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxMessage, c.Listeners[0].MaxAnswer = 10_000, 20_000 })
	client := testv1.NewStreamServiceClient(d.dial(t))
	echoes := testv1.NewEchoServiceClient(d.dial(t))
	_, err := echoes.Echo(within(t), &testv1.CanaryRequest{Data: make([]byte, 10_001)})
	if st := status.Convert(err); st.Code() != codes.ResourceExhausted || !strings.Contains(st.Message(), "10000") {
		t.Errorf("unary request: %v", err)
	}
	if _, err := echoes.Echo(within(t), &testv1.CanaryRequest{Data: make([]byte, 3_000)}); err != nil {
		t.Errorf("request under the limit: %v", err)
	}
	_, err = echoes.Echo(within(t), &testv1.CanaryRequest{Data: make([]byte, 100_000)}, grpc.UseCompressor(gzip.Name)) // E8
	if st := status.Convert(err); st.Code() != codes.ResourceExhausted || !strings.Contains(st.Message(), "10000") {
		t.Errorf("compressed request: %v", err)
	}
	_, err = echoes.Echo(within(t), &testv1.CanaryRequest{Behavior: &testv1.Behavior{PayloadSize: 20_001}})
	if st := status.Convert(err); st.Code() != codes.ResourceExhausted || !strings.Contains(st.Message(), "limit") {
		t.Errorf("unary answer: %v", err)
	} else if !strings.Contains(st.Message(), "20000") {
		t.Errorf("the limit of answers is not named: %v", err)
	}
	talk, err := client.ConverseNoRule(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(request(t, `{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(&testv1.BindRequest{Data: make([]byte, 10_001)}); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "10000") {
		t.Errorf("request of a stream: %v", err)
	}
	many, err := client.RepeatNoRule(within(t), &testv1.BindRequest{Behavior: &testv1.Behavior{PayloadSize: 20_001}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := many.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("answer of a stream: %v", err)
	}
}

// TestCompressedRequests: requests may come compressed with gzip, of any kind.
func TestCompressedRequests(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	conn := d.dial(t)
	text := strings.Repeat("compress me ", 10_000)
	answer, err := testv1.NewBindingServiceClient(conn).NoRule(within(t), &testv1.BindRequest{Choice: &testv1.BindRequest_Text{Text: text}}, grpc.UseCompressor(gzip.Name))
	if err != nil || answer.GetText() != text {
		t.Errorf("unary: %v", err)
	}
	talk, err := testv1.NewStreamServiceClient(conn).ConverseNoRule(within(t), grpc.UseCompressor(gzip.Name))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{text, "", "short"} {
		if err := talk.Send(&testv1.BindRequest{Choice: &testv1.BindRequest_Text{Text: s}}); err != nil {
			t.Fatal(err)
		}
		if m, err := talk.Recv(); err != nil || m.GetText() != s {
			t.Fatalf("stream: %v", err)
		}
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestCancelPropagates: a client that cancels cancels the backend, for each kind of stream.
func TestCancelPropagates(t *testing.T) {
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	conn := d.dial(t)
	client := testv1.NewStreamServiceClient(conn)
	for name, call := range map[string]func(context.Context) error{
		"unary": func(ctx context.Context) error {
			_, err := testv1.NewBindingServiceClient(conn).NoRule(ctx, request(t, `{}`))
			return err
		},
		"server stream": func(ctx context.Context) error {
			many, err := client.RepeatNoRule(ctx, request(t, `{}`))
			if err == nil {
				_, err = many.Recv()
			}
			return err
		},
		"client stream": func(ctx context.Context) error {
			up, err := client.CollectNoRule(ctx)
			if err == nil {
				err = up.RecvMsg(response())
			}
			return err
		},
		"both": func(ctx context.Context) error {
			talk, err := client.ConverseNoRule(ctx)
			if err == nil {
				_, err = talk.Recv()
			}
			return err
		},
	} {
		ctx, cancel := context.WithCancel(within(t))
		done := make(chan error, 1)
		go func() { done <- call(ctx) }()
		s.step(t, func(grpc.ServerStream) error { return nil })
		from := time.Now()
		cancel()
		s.wantCancelled(t, from)
		if err := <-done; status.Code(err) != codes.Canceled {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLateAnswers: the server goes on after its client has said all.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	talk, err := testv1.NewStreamServiceClient(d.dial(t)).ConverseNoRule(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(request(t, `{"id":"only"}`)); err != nil {
		t.Fatal(err)
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	s.step(t, func(ss grpc.ServerStream) error { // it sees the end of the requests first
		for {
			if err := ss.RecvMsg(raw("")); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
	})
	for i := range 3 {
		s.send(t, text(fmt.Sprint(i)))
		if m, err := talk.Recv(); err != nil || m.GetText() != fmt.Sprint(i) {
			t.Fatalf("%v, %v", m, err)
		}
	}
	s.step(t, nil)
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	<-s.ended
}

// TestEarlyEnd: a server that ends while its client still sends is told to the client, and nothing hangs.
func TestEarlyEnd(t *testing.T) {
	t.Parallel()
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	for _, end := range []error{status.Error(codes.PermissionDenied, "enough"), nil} {
		talk, err := testv1.NewStreamServiceClient(d.dial(t)).ConverseNoRule(within(t))
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			for {
				if err := talk.Send(&testv1.BindRequest{Data: make([]byte, 50_000)}); err != nil {
					sent <- err
					return
				}
			}
		}()
		if end == nil {
			s.step(t, nil)
		} else {
			s.step(t, func(grpc.ServerStream) error { return end })
		}
		_, err = talk.Recv()
		if end == nil && !errors.Is(err, io.EOF) || end != nil && (status.Code(err) != codes.PermissionDenied || status.Convert(err).Message() != "enough") {
			t.Errorf("ended with %v: the client has %v", end, err)
		}
		if err := <-sent; !errors.Is(err, io.EOF) {
			t.Errorf("sending ended with %v", err)
		}
		<-s.ended
	}
	eventually(t, func() error { // the gateway has no call left
		for _, r := range d.access.records(t) {
			if r.Code == "PERMISSION_DENIED" {
				return nil
			}
		}
		return errors.New("the call is not over")
	})
}

// TestLargeAnswers: 10 MB, unary and in a stream.
func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	conn := d.dial(t)
	const size = 10 << 20
	m, err := testv1.NewBindingServiceClient(conn).NoRule(within(t), request(t, fmt.Sprintf(`{"behavior":{"payloadSize":%d}}`, size)))
	if err != nil || len(m.GetPayload()) != size {
		t.Errorf("unary: %d bytes, %v", len(m.GetPayload()), err)
	}
	many, err := testv1.NewStreamServiceClient(conn).RepeatNoRule(within(t), request(t, fmt.Sprintf(`{"behavior":{"payloadSize":%d,"messages":3}}`, size)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if m, err := many.Recv(); err != nil || len(m.GetPayload()) != size {
			t.Fatalf("stream: %d bytes, %v", len(m.GetPayload()), err)
		}
	}
	if _, err := many.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	a := d.h1(t).call(t, "GET", fmt.Sprintf("/test/v1/response/http/1?behavior.payload_size=%d", size), "")
	if a.status != 200 || len(a.body) != size {
		t.Errorf("REST: %d, %d bytes", a.status, len(a.body))
	}
}

// TestManyStreams: 200 conversations at a time, each in its order.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxConcurrentStreams = 250 })
	client := testv1.NewStreamServiceClient(d.dial(t))
	ctx := within(t)
	var all sync.WaitGroup
	begin := make(chan struct{})
	var opened sync.WaitGroup
	for i := range 200 {
		opened.Add(1)
		all.Go(func() {
			talk, err := client.ConverseNoRule(ctx)
			if err == nil {
				err = talk.Send(&testv1.BindRequest{Id: "0"})
			}
			if err == nil {
				_, err = talk.Recv()
			}
			opened.Done()
			if err != nil {
				t.Error(err)
				return
			}
			<-begin
			for n := range 10 {
				id := fmt.Sprintf("%d/%d", i, n)
				if err := talk.Send(&testv1.BindRequest{Id: id, Choice: &testv1.BindRequest_Text{Text: id}}); err != nil {
					t.Error(err)
					return
				}
				if m, err := talk.Recv(); err != nil || m.GetText() != id {
					t.Errorf("%s: got %q, %v", id, m.GetText(), err)
					return
				}
			}
			if err := talk.CloseSend(); err != nil {
				t.Error(err)
			}
			if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		})
	}
	opened.Wait()
	if n := d.backend.Counts(streams + "ConverseNoRule").Running; n != 200 {
		t.Errorf("%d streams run at a time, want 200", n)
	}
	close(begin)
	all.Wait()
}

// TestGRPCOfDeadBackend: UNAVAILABLE, at once, and no word of where it is (H5, T156).
func TestGRPCOfDeadBackend(t *testing.T) {
	t.Parallel()
	d := startFor(t, "127.0.0.1:1", nil)
	conn := d.dial(t)
	_, err := testv1.NewBindingServiceClient(conn).NoRule(within(t), request(t, `{}`))
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || leaks.MatchString(st.Message()) {
		t.Errorf("unary: %v", err)
	}
	talk, err := testv1.NewStreamServiceClient(conn).ConverseNoRule(within(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = talk.Recv()
	if st := status.Convert(err); st.Code() != codes.Unavailable || leaks.MatchString(st.Message()) {
		t.Errorf("stream: %v", err)
	}
}
