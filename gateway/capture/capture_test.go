// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package capture_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/gateway/capture"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// methodOf returns a method of the test service.
func methodOf(t testing.TB, path string) *transcoder.Method {
	t.Helper()
	s, err := schema.New(schema.Config{Source: "test", Files: []protoreflect.FileDescriptor{
		testv1.File_dragoman_test_v1_canary_proto, testv1.File_dragoman_test_v1_scalars_proto, testv1.File_dragoman_test_v1_bindings_proto,
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	m := mux.Method(path)
	if m == nil {
		t.Fatalf("there is no method %s", path)
	}
	return m
}

const (
	echo      = "/dragoman.test.v1.EchoService/Echo"
	wellKnown = "/dragoman.test.v1.MessageService/EchoWellKnown"
)

// script is a client that sends messages and takes answers.
type script struct{ requests [][]byte }

func (s *script) Recv() (transcoder.Message, error) {
	if len(s.requests) == 0 {
		return transcoder.Message{}, io.EOF
	}
	m := transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(s.requests[0])}}
	s.requests = s.requests[1:]
	return m, nil
}

func (*script) CloseRecv()        {}
func (*script) SendHeader() error { return nil }
func (*script) Send(m transcoder.Message) error {
	m.Free()
	return nil
}
func (*script) Finish() error { return nil }

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// begun is a call under way.
type begun struct {
	call   *transcoder.Call
	stream transcoder.Stream
}

func begin(k *capture.Capture, m *transcoder.Method, id string, header wire.Header, requests ...[]byte) *begun {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{Header: header, Listener: "public", Authority: "a.example"})
	c.Method, c.RequestID, c.Protocol = m, id, "grpc"
	return &begun{call: c, stream: k.Capture(c, &script{requests: requests})}
}

// moves has all messages received, and as many answers sent.
func (b *begun) moves(answers ...[]byte) {
	for {
		m, err := b.stream.Recv()
		if err != nil {
			break
		}
		m.Free()
	}
	for _, a := range answers {
		_ = b.stream.Send(transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(a)}}) // the script takes all
	}
}

func made(t testing.TB, cfg capture.Config) *capture.Capture {
	t.Helper()
	k, err := capture.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What is secret is not kept: by debug_redact, by name in the schema and in JSON, by full name, in an Any, and of header fields by what they are.
func TestNothingSecretIsKept(t *testing.T) {
	t.Parallel()
	held, err := anypb.New(&testv1.CanaryRequest{Text: "in any", Secret: "s3cr3t"})
	if err != nil {
		t.Fatal(err)
	}
	unknown := &anypb.Any{TypeUrl: "type.googleapis.com/no.such.Type", Value: []byte("s3cr3t")}
	canary := &testv1.CanaryRequest{Id: "1", UserId: "s3cr3t", Text: "hello", Secret: "s3cr3t", Tenant: &testv1.CanaryRequest_Tenant{Id: "t", Plan: "s3cr3t"}}
	for _, row := range []struct {
		about   string
		method  string
		fields  []string
		request proto.Message
		want    []string // in the text
		left    int
	}{
		{"by name", echo, []string{"user_id", ".dragoman.test.v1.CanaryRequest.Tenant.plan"}, canary, []string{"hello", `"id":"1"`, `"id":"t"`}, 0},
		{"by name in JSON", echo, []string{"userId", "*.plan"}, canary, []string{"hello"}, 0},
		{"in an Any", wellKnown, nil, &testv1.WellKnown{Any: held}, []string{"in any"}, 0},
		{"in an Any of a type that no schema has", wellKnown, nil, &testv1.WellKnown{Any: unknown}, nil, 1},
	} {
		k := made(t, capture.Config{Fields: row.fields, Credentials: []string{"X-Partner-Key"}, Rule: capture.Rule{On: true, Bodies: true}})
		header := wire.Header{
			{Name: "authorization", Value: "Bearer s3cr3t"},
			{Name: "cookie", Value: "a=s3cr3t"},
			{Name: "x-partner-key", Value: "s3cr3t"},
			{Name: "sec-websocket-protocol", Value: "s3cr3t"},
			{Name: "x-tenant", Value: "t1"},
			{Name: "x-long", Value: strings.Repeat("x", 5000)},
		}
		b := begin(k, methodOf(t, row.method), "a", header, marshal(t, row.request))
		b.call.Header = wire.Header{{Name: "set-cookie", Value: "s3cr3t"}, {Name: "x-answer", Value: "yes"}}
		b.call.Trailer = wire.Header{{Name: "x-api-key", Value: "s3cr3t"}}
		b.moves()
		k.Observe(b.call)
		c, ok := k.Find("a")
		if !ok {
			t.Fatalf("%s: nothing is kept", row.about)
		}
		all := fmt.Sprintf("%+v", c)
		if strings.Contains(all, "s3cr3t") || len(all) > 5000 {
			t.Errorf("%s: %s", row.about, all)
		}
		for _, part := range row.want {
			if !strings.Contains(all, part) {
				t.Errorf("%s: %s is not in %s", row.about, part, all)
			}
		}
		if c.Requests.Redacted != (row.left == 0) || c.Requests.LeftOut != row.left || c.RequestFields.Get("authorization") != capture.Redacted || c.RequestFields.Get("x-tenant") != "t1" || c.AnswerFields.Get("x-answer") != "yes" {
			t.Errorf("%s: %s", row.about, all)
		}
	}
}

// The rule says which calls are kept; that of an operator holds for its time alone.
func TestRules(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := made(t, capture.Config{})
		m := methodOf(t, echo)
		kept := func(id string, err error) bool {
			b := begin(k, m, id, nil, marshal(t, &testv1.CanaryRequest{Text: "hello"}))
			b.moves()
			b.call.Err = err
			k.Observe(b.call)
			_, ok := k.Find(id)
			return ok
		}
		if kept("off", nil) {
			t.Error("without a rule something is kept")
		}
		k.Say(&capture.Order{Rule: capture.Rule{On: true, Errors: true}, Until: time.Now().Add(time.Minute)})
		if kept("well", nil) || !kept("failed", &status.Error{Code: codes.NotFound}) {
			t.Error("of errors alone others are kept, or they are not")
		}
		k.Say(&capture.Order{Rule: capture.Rule{On: true, Match: func(_, method string) bool { return method == "Slow" }}, Until: time.Now().Add(time.Minute)})
		if kept("another", nil) {
			t.Error("a call of another method is kept")
		}
		k.Say(&capture.Order{Rule: capture.Rule{On: true}, Until: time.Now().Add(time.Minute)})
		if !kept("all", nil) {
			t.Error("a call is not kept")
		}
		if c, _ := k.Find("all"); c.Bodies || len(c.Requests.Texts) > 0 {
			t.Errorf("messages are kept: %+v", c)
		}
		if s := k.State(); s.Order == nil || !s.Rule.On || s.Calls != 2 {
			t.Errorf("the state is %+v", s)
		}
		time.Sleep(time.Minute)
		if s := k.State(); s.Order != nil || s.Rule.On || kept("late", nil) {
			t.Errorf("when the time is over: %+v", s)
		}
		forced := transcoder.NewCall(capture.Forced(t.Context()), &transcoder.Request{})
		forced.Method, forced.RequestID = m, "forced"
		k.Capture(forced, &script{})
		k.Observe(forced)
		if c, ok := k.Find("forced"); !ok || !c.Bodies {
			t.Error("what an operator makes is not kept")
		}
	})
}

// What is kept has bounds, for calls under way and for those that are over, whatever clients send: messages for which there is no room are counted,
// and the oldest calls go first (threat G3).
func TestThreatG3CaptureIsBounded(t *testing.T) {
	t.Parallel()
	const (
		most  = capture.LeastBytes
		large = 100 << 10
		calls = 3000
	)
	k := made(t, capture.Config{Calls: 500, Bytes: most, Call: 256 << 10, Rule: capture.Rule{On: true, Bodies: true}})
	m := methodOf(t, echo)
	message := marshal(t, &testv1.CanaryRequest{Text: strings.Repeat("x", large)})
	before := heap()
	var under []*begun
	for i := range 100 { // under way at a time
		b := begin(k, m, fmt.Sprint("under-", i), nil, message, message, message)
		b.moves(message)
		under = append(under, b)
	}
	if s := k.State(); s.Held > most/2 || s.Held < large {
		t.Errorf("%d bytes are kept of calls under way", s.Held)
	}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range calls / 4 {
				b := begin(k, m, fmt.Sprintf("call-%d-%d", w, i), nil, message)
				b.moves(message)
				k.Observe(b.call)
			}
		})
	}
	all.Wait()
	for _, b := range under {
		k.Observe(b.call)
	}
	s := k.State()
	if s.Held != 0 || s.Bytes > most/2 || s.Calls > 500 || s.LeftOut == 0 || s.MaxBytes != most {
		t.Errorf("got %+v", s)
	}
	if grown := heap() - before; grown > 4*most {
		t.Errorf("the heap has grown by %d bytes; %d are permitted", grown, most)
	}
	runtime.KeepAlive(under)
	runtime.KeepAlive(k)
	// Small calls are bounded by their number.
	for i := range 1200 {
		b := begin(k, m, fmt.Sprint("small-", i), nil)
		k.Observe(b.call)
	}
	if s := k.State(); s.Calls != 500 {
		t.Errorf("%d small calls are kept", s.Calls)
	}
	if _, ok := k.Find("small-1"); ok {
		t.Error("the oldest is kept")
	}
	if _, ok := k.Find("small-1199"); !ok {
		t.Error("the newest is not")
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // less than 2^63
}

// What is configured has bounds.
func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []capture.Config{
		{Calls: -1},
		{Calls: capture.MostCalls + 1},
		{Bytes: 1},
		{Bytes: capture.MostBytes + 1},
		{Call: 1},
		{Call: capture.MostCall + 1},
		{Bytes: capture.LeastBytes, Call: capture.LeastBytes},
		{Fields: make([]string, capture.MostNames+1)},
	} {
		if _, err := capture.New(cfg); err == nil {
			t.Errorf("%+v is permitted", cfg)
		}
	}
}
