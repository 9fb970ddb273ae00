// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a backend in this process. Each answer has a number, so that one tells a new one from a stored one.
type server struct {
	calls atomic.Int64
	// answer decides what a call is answered; nil answers with the number alone.
	answer func(c *transcoder.Call, n int64) error
	size   int // of further bytes of each answer
}

func (b *server) Forward(c *transcoder.Call, s transcoder.Stream) error {
	m, err := transcoder.RecvOnly(s)
	if err != nil {
		return err
	}
	defer m.Free()
	n := b.calls.Add(1)
	c.Attempts++
	c.Backend = "b"
	if b.answer != nil {
		if err := b.answer(c, n); err != nil {
			return err
		}
	}
	text := strconv.FormatInt(n, 10) + strings.Repeat(".", b.size)
	return s.Send(transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(text)}})
}

func (b *server) Ready() bool                { return true }
func (b *server) Changes() []<-chan struct{} { return nil }

// client is the client's side of a call.
type client struct {
	request  []byte
	received bool
	got      string
}

func (s *client) Recv() (transcoder.Message, error) {
	if s.received {
		return transcoder.Message{}, io.EOF
	}
	s.received = true
	return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(s.request)}}, nil
}

func (s *client) Send(m transcoder.Message) error {
	s.got += string(m.Data.Materialize())
	m.Free()
	return nil
}
func (s *client) CloseRecv()        {}
func (s *client) SendHeader() error { return nil }
func (s *client) Finish() error     { return nil }

// echoMethod is the method that is called.
func echoMethod() *transcoder.Method {
	desc := testv1.File_dragoman_test_v1_canary_proto.Services().ByName("EchoService").Methods().ByName("Echo")
	return &transcoder.Method{ID: 0, Path: "/dragoman.test.v1.EchoService/Echo", Service: "dragoman.test.v1.EchoService", Name: "Echo", Desc: desc, NoSideEffects: true}
}

// rig is a cache with one method in front of a backend.
type rig struct {
	t          testing.TB
	cache      *cache.Cache
	method     *transcoder.Method
	generation *cache.Generation
	backend    *server
	route      *cache.Route
	sent       cache.Sent
}

func newRig(t testing.TB, cfg cache.Config, p cache.PolicyConfig) *rig {
	t.Helper()
	k, err := cache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, cache: k, method: echoMethod(), backend: &server{}}
	r.reload(p)
	return r
}

// reload puts a snapshot in force.
func (r *rig) reload(p cache.PolicyConfig) {
	r.t.Helper()
	policy, err := cache.NewPolicy(p)
	if err != nil {
		r.t.Fatal(err)
	}
	r.generation = r.cache.Generation(1)
	if err := r.generation.Add(r.method, policy, r.sent); err != nil {
		r.t.Fatal(err)
	}
	r.generation.InForce()
	r.route = r.generation.Route("b", r.backend)
}

// outcome is what a client has of a call.
type outcome struct {
	body string
	call *transcoder.Call
	err  error
}

func (o outcome) String() string { return fmt.Sprintf("%s %.20s %v", o.result(), o.body, o.err) }

// result is how the client got it.
func (o outcome) result() string { return string(o.call.Cache) }

// status is the Cache-Status that the client is sent.
func (o outcome) status() string { return o.call.AnswerFields.Get("cache-status") }

// call makes a call; the fields alternate names and values of the request's head, which reach the backend as well.
func (r *rig) call(id string, fields ...string) outcome {
	return r.callWith(context.Background(), id, nil, fields...)
}

func (r *rig) callWith(ctx context.Context, id string, edit func(*transcoder.Call), fields ...string) outcome {
	data, err := proto.Marshal(&testv1.CanaryRequest{Id: id})
	if err != nil {
		return outcome{err: err}
	}
	head := &transcoder.Request{Method: "POST", Path: r.method.Path}
	for i := 0; i < len(fields); i += 2 {
		head.Header = append(head.Header, wire.Field{Name: fields[i], Value: fields[i+1]})
	}
	c := transcoder.NewCall(ctx, head)
	c.Method = r.method
	c.Metadata = append(c.Metadata, head.Header...)
	if edit != nil {
		edit(c)
	}
	s := &client{request: data}
	err = r.route.Forward(c, s) //nolint:contextcheck // what is fetched beside a call has the life of the snapshot
	return outcome{body: s.got, call: c, err: err}
}

// want fails unless a call had that answer in that way.
func (r *rig) want(what string, o outcome, result, body string) {
	r.t.Helper()
	if o.err != nil || o.result() != result || o.body != body {
		r.t.Errorf("%s: %s; want %s %s", what, o, result, body)
	}
}

// says has the backend send fields with each answer.
func says(fields ...string) func(*transcoder.Call, int64) error {
	return func(c *transcoder.Call, _ int64) error {
		for i := 0; i < len(fields); i += 2 {
			c.Header = append(c.Header, wire.Field{Name: fields[i], Value: fields[i+1]})
		}
		return nil
	}
}

func ttl(d time.Duration) cache.PolicyConfig { return cache.PolicyConfig{TTL: d} }
