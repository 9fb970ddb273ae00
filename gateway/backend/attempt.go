// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// attempt is the channel as one call sees it. It tells the balancer about the call, and knows afterwards how far it came:
// an UNAVAILABLE that the backend itself sent is its word, and one that grpc-go made up is ours to tell.
type attempt struct {
	channel *balancer.Channel
	call    picker.Call
	gzip    bool // the backend reads it
}

var (
	_ grpc.ClientConnInterface  = (*attempt)(nil)
	_ transcoder.CompressedConn = (*attempt)(nil)
)

// ReadsCompressed says what the configuration does. New has opened the channel with transcoder.DialOptions.
func (a *attempt) ReadsCompressed() bool { return a.gzip }

func (a *attempt) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return a.outcome(a.channel.Invoke(picker.WithCall(ctx, &a.call), method, args, reply, opts...))
}

func (a *attempt) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	a.call.Streaming = true
	s, err := a.channel.NewStream(picker.WithCall(ctx, &a.call), desc, method, opts...)
	if err != nil {
		return nil, a.outcome(err)
	}
	return &attemptStream{ClientStream: s, attempt: a}, nil
}

// attemptStream is the stream of an attempt.
type attemptStream struct {
	grpc.ClientStream
	attempt *attempt
}

func (s *attemptStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err == nil {
		return nil
	}
	return s.attempt.outcome(err)
}

// outcome puts a failure that is not the backend's word into words that name no address (threat H5).
func (a *attempt) outcome(err error) error {
	if err == nil {
		return nil
	}
	code := grpcstatus.Code(err)
	if balancer.IsUnready(err, &a.call) {
		return &status.Error{
			Code: codes.Unavailable, Reason: status.ReasonNoReadyBackend, Message: "no endpoint of the backend is ready", Cause: err,
		}
	}
	if stage := a.call.Stage(); code != codes.Unavailable || (stage != picker.StageChosen && stage != picker.StageSent) {
		return err
	}
	return &status.Error{
		Code: codes.Unavailable, Reason: status.ReasonBackendReset, Message: "the connection to the backend broke before it answered", Cause: err,
	}
}
