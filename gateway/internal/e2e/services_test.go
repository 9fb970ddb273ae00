// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// switchable is a gRPC service that policies ask. It moves raw messages, can be made to do anything else than its work, and be stopped and run again
// at its address.
type switchable struct {
	address string
	stop    func()
	serve   func(grpc.ServerStream) error
	instead atomic.Pointer[func(grpc.ServerStream) error] // nil for its work
}

// runSwitchable runs a service until the test ends.
func runSwitchable(t *testing.T, serve func(grpc.ServerStream) error) *switchable {
	t.Helper()
	s := &switchable{address: "127.0.0.1:0", serve: serve}
	s.run(t)
	t.Cleanup(func() { s.stop() })
	return s
}

// run serves at the address of the service; the first time that is a free one.
func (s *switchable) run(t *testing.T) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	server := grpc.NewServer(grpc.ForceServerCodecV2(transcoder.RawCodec{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if other := s.instead.Load(); other != nil {
			return (*other)(stream)
		}
		return s.serve(stream)
	}))
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	s.stop = func() {
		server.Stop()
		running.Wait()
	}
}

// misbehaviour is a way in which a service does not do its work.
type misbehaviour struct {
	name    string
	instead func(grpc.ServerStream) error // nil is a service that is not there
}

// evil are all such ways; yes is an answer that is good.
func evil(yes string) []misbehaviour {
	return []misbehaviour{
		{"down", nil},
		{"slow", func(s grpc.ServerStream) error { <-s.Context().Done(); return s.Context().Err() }},
		{"no protobuf", sendsRaw("\xff\xff\xff\xff")},
		{"another message", sendsRaw("\x0a\x03abc\x12\x03def")},
		{"half a message", sendsRaw("\x0a\x7f\x08")},
		{"a text that is not UTF-8", sendsRaw("\x08\x01\x0a\x03\x12\x01\xff\x1a\x06\x0a\x04\xff\xfe\xfd\xfc")},
		{"ten megabytes", sendsRaw(yes + string(protowire.AppendBytes([]byte{0x2a}, make([]byte, 10<<20))))},
		{"two answers", func(s grpc.ServerStream) error {
			_ = sendsRaw(yes)(s)
			return s.SendMsg(raw(yes))
		}},
		{"no answer", func(grpc.ServerStream) error { return nil }},
		{"an error", func(grpc.ServerStream) error { return grpcstatus.Error(codes.Internal, "\xff") }},
		{"it says that it is not the service", func(grpc.ServerStream) error { return grpcstatus.Error(codes.Unimplemented, "") }},
		{"it is overloaded", func(grpc.ServerStream) error { return grpcstatus.Error(codes.ResourceExhausted, "") }},
		{"an answer and an error", func(s grpc.ServerStream) error {
			_ = sendsRaw(yes)(s)
			return grpcstatus.Error(codes.Unavailable, "")
		}},
	}
}

// sendsRaw answers a unary call with bytes.
func sendsRaw(data string) func(grpc.ServerStream) error {
	return func(s grpc.ServerStream) error {
		m := raw("")
		if err := s.RecvMsg(m); err != nil {
			return err
		}
		m.Free()
		return s.SendMsg(raw(data))
	}
}
