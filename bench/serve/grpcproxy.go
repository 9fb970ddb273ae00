// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// newGRPCProxy passes frames between grpc-go's server and grpc-go's client: the least that a proxy on grpc-go can do.
func newGRPCProxy(args []string) (*server, error) {
	conn, err := grpc.NewClient("passthrough:///"+args[0], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(newRaw())))
	if err != nil {
		return nil, err
	}
	socket, err := listen()
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(newRaw()), grpc.MaxConcurrentStreams(streams), grpc.UnknownServiceHandler(
		func(_ any, s grpc.ServerStream) error { return pass(s, conn) }))
	go func() { _ = s.Serve(socket) }()
	return &server{socket.Addr().String(), func() error {
		s.Stop()
		return conn.Close()
	}}, nil
}

func pass(s grpc.ServerStream, conn *grpc.ClientConn) error {
	method, _ := grpc.MethodFromServerStream(s)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = metadata.NewOutgoingContext(ctx, md)
	}
	c, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	requests := make(chan error, 1)
	go func() { requests <- passRequests(s, c) }()
	err = passAnswers(s, c)
	s.SetTrailer(c.Trailer())
	if err == nil {
		return nil
	}
	cancel()
	<-requests
	return err
}

func passRequests(s grpc.ServerStream, c grpc.ClientStream) error {
	for {
		var f frame
		err := s.RecvMsg(&f)
		if errors.Is(err, io.EOF) {
			return c.CloseSend()
		}
		if err != nil {
			return fmt.Errorf("the client: %w", err)
		}
		err = c.SendMsg(&f)
		f.data.Free()
		if err != nil {
			return fmt.Errorf("the backend: %w", err)
		}
	}
}

func passAnswers(s grpc.ServerStream, c grpc.ClientStream) error {
	for first := true; ; first = false {
		var f frame
		err := c.RecvMsg(&f)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if first {
			header, err := c.Header()
			if err != nil {
				return err
			}
			if err := s.SendHeader(header); err != nil {
				return err
			}
		}
		err = s.SendMsg(&f)
		f.data.Free()
		if err != nil {
			return err
		}
	}
}
