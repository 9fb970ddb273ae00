// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// arrival is a call that reached a backend.
type arrival struct {
	Method   string
	Metadata metadata.MD
	Deadline bool // it has one
	Messages []proto.Message

	streams bool // its client streams
}

// recorder keeps the calls that reach the backends of one gateway.
type recorder struct {
	// onlyWhole leaves out the calls that were given up before their message came. gRPC opens a call before it encodes the message;
	// where that fails, the call may arrive or not, and late. Where the client streams, they are always left out.
	onlyWhole bool

	mu       sync.Mutex
	arrivals []*arrival
	running  int
	quiet    *sync.Cond // running has become 0
}

func newRecorder() *recorder {
	r := &recorder{}
	r.quiet = sync.NewCond(&r.mu)
	return r
}

// take returns the calls since the last time, when all of them are over.
func (r *recorder) take(t *testing.T) []*arrival {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		late = true
		r.quiet.Broadcast()
	})
	defer timer.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.running > 0 {
		if late {
			t.Fatalf("a call at the backend does not end: %+v", r.arrivals)
		}
		r.quiet.Wait()
	}
	arrivals := r.arrivals
	r.arrivals = nil
	return slices.DeleteFunc(arrivals, func(a *arrival) bool { return len(a.Messages) == 0 && (r.onlyWhole || a.streams) })
}

// begin notes a call that has come.
func (r *recorder) begin(ctx context.Context, method string) *arrival {
	md, _ := metadata.FromIncomingContext(ctx)
	a := &arrival{Method: method, Metadata: md.Copy()}
	if d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))); err == nil {
		m, ok := d.(protoreflect.MethodDescriptor)
		a.streams = ok && m.IsStreamingClient()
	}
	for name := range a.Metadata { // what belongs to the connection
		if strings.HasPrefix(name, ":") || name == "user-agent" || name == "content-type" || name == "grpc-accept-encoding" {
			delete(a.Metadata, name)
		}
	}
	_, a.Deadline = ctx.Deadline()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running++
	r.arrivals = append(r.arrivals, a)
	return a
}

func (r *recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	r.quiet.Broadcast()
}

func (r *recorder) message(a *arrival, m any) {
	message, ok := m.(proto.Message)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a.Messages = append(a.Messages, proto.Clone(message))
}

// options make a gRPC server tell the recorder of its calls.
func (r *recorder) options() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(r.unary), grpc.ChainStreamInterceptor(r.stream)}
}

func (r *recorder) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	a := r.begin(ctx, info.FullMethod)
	defer r.end()
	r.message(a, request)
	return handler(ctx, request)
}

func (r *recorder) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	a := r.begin(stream.Context(), info.FullMethod)
	defer r.end()
	return handler(service, &recordedStream{ServerStream: stream, recorder: r, arrival: a})
}

// recordedStream notes the messages that come.
type recordedStream struct {
	grpc.ServerStream
	recorder *recorder
	arrival  *arrival
}

func (s *recordedStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.recorder.message(s.arrival, m)
	}
	return err
}
