// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	libraryv1 "github.com/dragoman-gateway/dragoman/bench/gen/library/v1"
)

// How many books the answers have.
const (
	// Medium is a list of about 10 KB.
	Medium = 52
	// Large is a list of about 1 MB.
	Large = 5200
	// largeFrom is from which page size on the list is large.
	largeFrom = 1000
)

// Book is what GetBook and CreateBook answer, and what lists are made of: 181 bytes.
func Book() *libraryv1.Book {
	return &libraryv1.Book{
		Name: "shelves/classics/books/moby-dick", Title: "Moby-Dick; or, The Whale", Authors: []string{"Herman Melville"},
		Genre: libraryv1.Genre_GENRE_NOVEL, PageCount: 635, CopiesSold: 1_234_567_890_123, Price: 12.99, InPrint: true,
		Isbn: "978-0-14-243724-7", PublishTime: timestamppb.New(time.Date(1851, 10, 18, 12, 30, 45, 0, time.UTC)),
		Labels: []string{"whale", "sea", "captain", "revenge"},
	}
}

// Books is a list.
func Books(n int) *libraryv1.ListBooksResponse {
	list := &libraryv1.ListBooksResponse{NextPageToken: "next"}
	for range n {
		list.Books = append(list.Books, Book())
	}
	return list
}

// library answers with frames that are encoded once.
type library struct{ book, medium, large *frame }

func encode(m proto.Message) (*frame, error) {
	data, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return &frame{mem.BufferSlice{mem.SliceBuffer(data)}}, nil
}

// streams is more than any client here opens.
const streams = 100_000

func newBackend([]string) (*server, error) {
	var l library
	for _, a := range []struct {
		to *(*frame)
		m  proto.Message
	}{{&l.book, Book()}, {&l.medium, Books(Medium)}, {&l.large, Books(Large)}} {
		f, err := encode(a.m)
		if err != nil {
			return nil, err
		}
		*a.to = f
	}
	sockets, err := listenWidely()
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(newRaw()), grpc.MaxConcurrentStreams(streams), grpc.UnknownServiceHandler(l.serve))
	// Reflection tells of services that are registered.
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "none"}, nil)
	reflection.Register(s)
	for _, socket := range sockets {
		go func() { _ = s.Serve(socket) }()
	}
	return &server{sockets[0].Addr().String(), func() error { s.Stop(); return nil }}, nil
}

// Addresses is on how many addresses of loopback a backend listens, 127.0.0.1 and on, with one port: each can be an endpoint.
const Addresses = 40

func listenWidely() ([]net.Listener, error) {
	first, err := listen()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(first.Addr().String())
	if err != nil {
		return nil, err
	}
	all := []net.Listener{first}
	for i := 2; i <= Addresses; i++ {
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.%d:%s", i, port))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func (l *library) serve(_ any, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	var in frame
	if err := s.RecvMsg(&in); err != nil {
		return err
	}
	defer in.data.Free()
	switch name := method[strings.LastIndexByte(method, '/')+1:]; name {
	case "GetBook", "CreateBook":
		return s.SendMsg(l.book)
	case "Echo":
		return s.SendMsg(&in)
	case "ListBooks":
		var r libraryv1.ListBooksRequest
		if err := proto.Unmarshal(in.data.Materialize(), &r); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		if r.GetPageSize() >= largeFrom {
			return s.SendMsg(l.large)
		}
		return s.SendMsg(l.medium)
	case "WatchBooks":
		var r libraryv1.WatchBooksRequest
		if err := proto.Unmarshal(in.data.Materialize(), &r); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		for range r.GetCount() {
			if err := s.SendMsg(l.book); err != nil {
				return err
			}
		}
		return nil
	default:
		return status.Errorf(codes.Unimplemented, "there is no %s", method)
	}
}
