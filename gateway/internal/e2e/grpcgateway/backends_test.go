// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// backends are what stands behind one gateway: the test service and a bookstore.
type backends struct {
	recorder *recorder
	test     *grpc.ClientConn
	books    *grpc.ClientConn
	store    atomic.Pointer[bookstore.Service]
	used     atomic.Bool // the store is not as it was at first
}

func startBackends(t *testing.T) *backends {
	t.Helper()
	b := &backends{recorder: newRecorder()}
	test := testbackend.Run(t, testbackend.Config{Name: "b1", Options: b.recorder.options()})
	b.test, b.books = dial(t, test.Address()), dial(t, b.serveBooks(t))
	b.used.Store(true)
	b.restore(t)
	return b
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// serveBooks serves the store that b has at the time of a call, so that a test can go back to the beginning.
func (b *backends) serveBooks(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(b.recorder.options(), grpc.ChainUnaryInterceptor(b.keepTime))...)
	desc := bookstorev1.BookstoreService_ServiceDesc
	desc.HandlerType = nil
	desc.Methods, desc.Streams = slices.Clone(desc.Methods), slices.Clone(desc.Streams)
	for i := range desc.Methods {
		handler := desc.Methods[i].Handler
		desc.Methods[i].Handler = func(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			return handler(b.store.Load(), ctx, decode, interceptor)
		}
	}
	for i := range desc.Streams {
		handler := desc.Streams[i].Handler
		desc.Streams[i].Handler = func(_ any, stream grpc.ServerStream) error { return handler(b.store.Load(), stream) }
	}
	server.RegisterService(&desc, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// restore makes the store what it was at first.
func (b *backends) restore(t *testing.T) {
	t.Helper()
	if !b.used.Swap(false) {
		return
	}
	service, err := bookstore.New(bookstore.Config{Store: bookstore.NewSeededStore(), Name: "b1"})
	if err != nil {
		t.Fatal(err)
	}
	b.store.Store(service)
}

// keepTime gives what was just made one time and one etag, so that two stores tell the same.
func (b *backends) keepTime(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	answer, err := handler(ctx, request)
	if m, ok := answer.(proto.Message); ok && err == nil {
		pin(m.ProtoReflect())
	}
	return answer, err
}

// pin replaces the times of today in a message, and with them its etag.
func pin(m protoreflect.Message) {
	fields, pinned := m.Descriptor().Fields(), false
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || fd.IsList() || fd.IsMap() || !m.Has(fd) {
			continue
		}
		stamp, ok := m.Get(fd).Message().Interface().(*timestamppb.Timestamp)
		if !ok || time.Since(stamp.AsTime()) > time.Hour {
			continue
		}
		m.Set(fd, protoreflect.ValueOfMessage(timestamppb.New(time.Unix(0, 0)).ProtoReflect()))
		pinned = true
	}
	if etag := fields.ByName("etag"); etag != nil && pinned {
		m.Set(etag, protoreflect.ValueOfString("pinned"))
	}
}
