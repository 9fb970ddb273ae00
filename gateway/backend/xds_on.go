// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build xds

package backend

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/xds"
)

// WithXDS says whether this build has xDS.
const WithXDS = true

// openXDS opens a channel that a control plane balances.
func openXDS(cfg *Config, secure credentials.TransportCredentials, options []grpc.DialOption) (*balancer.Channel, error) {
	conn, err := xds.Open(xds.Config{
		Target: cfg.Target, Credentials: secure,
		DialOptions: append(options, grpc.WithChainUnaryInterceptor(noteUnary), grpc.WithChainStreamInterceptor(noteStream)),
	})
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
	}
	return balancer.Adopt(cfg.Name, conn), nil
}

// noteUnary notes whether the backend has answered, which our balancer does for other channels: what it says is told to
// clients, and what gRPC says of a connection is not (threat H5). Of a call that was not answered nobody knows here whether it was sent.
func noteUnary(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	var header, trailer metadata.MD
	err := invoke(ctx, method, request, reply, cc, append(opts, grpc.Header(&header), grpc.Trailer(&trailer))...)
	note(ctx, err == nil || len(header)+len(trailer) > 0)
	return err
}

// noteStream is the same for streams.
func noteStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		note(ctx, false)
		return nil, err
	}
	return &noted{ClientStream: s, ctx: ctx}, nil
}

// noted is a stream of which it is noted whether it was answered.
type noted struct {
	grpc.ClientStream

	ctx      context.Context //nolint:containedctx // a stream is its call's scope
	answered bool
}

func (n *noted) RecvMsg(m any) error {
	err := n.ClientStream.RecvMsg(m)
	if err == nil {
		n.answered = true
		return nil
	}
	header, _ := n.Header() // the call has ended: it does not wait
	note(n.ctx, n.answered || len(header)+len(n.Trailer()) > 0)
	return err
}

func note(ctx context.Context, answered bool) {
	if call := picker.CallFrom(ctx); call != nil {
		call.Ended(true, answered)
	}
}
