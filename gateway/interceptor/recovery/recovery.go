// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package recovery provides the last line against a panic: the call fails, and nothing else does.
package recovery

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Policy turns a panic behind it into the outcome INTERNAL, and logs it with its stack.
type Policy struct{ log *slog.Logger }

// New returns the policy; it logs to log.
func New(log *slog.Logger) *Policy { return &Policy{log: log} }

// Recovered is called with what recover returned, in the deferred function of whoever serves a call. It returns the
// outcome of the call.
func (p *Policy) Recovered(c *transcoder.Call, panicked any) error {
	stack := debug.Stack()
	if p, ok := panicked.(*transcoder.Panic); ok {
		panicked, stack = p.Value, p.Stack
	}
	method := ""
	if c.Method != nil {
		method = c.Method.Path
	}
	p.log.LogAttrs(context.Background(), slog.LevelError, "a call panicked",
		slog.String("request_id", c.RequestID), slog.String("method", method), slog.Any("panic", panicked), slog.String("stack", string(stack)))
	return &status.Error{
		Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: fmt.Errorf("panic: %v", panicked),
	}
}

// StreamServerInterceptor is the policy for any gRPC server.
func (p *Policy) StreamServerInterceptor() grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if r := recover(); r != nil {
				c := &transcoder.Call{Method: transcoder.BareMethod(info.FullMethod, info.IsClientStream, info.IsServerStream)}
				err = p.Recovered(c, r)
			}
		}()
		return handler(srv, ss)
	}
}
