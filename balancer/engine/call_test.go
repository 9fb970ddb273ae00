// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"

	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
)

// raw is a codec of messages that are strings. It does not take the message "undecodable".
type raw struct{}

func (raw) Name() string { return "raw" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	s, ok := v.(*string)
	if !ok {
		return nil, fmt.Errorf("%T is no string", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*s)}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	s, ok := v.(*string)
	if !ok {
		return fmt.Errorf("%T is no string", v)
	}
	if *s = string(data.Materialize()); *s == "undecodable" {
		return errors.New("it cannot be decoded")
	}
	return nil
}

// kind is a way to make a call.
type kind struct {
	name      string
	desc      *grpc.StreamDesc // nil for Invoke
	headFirst bool             // the head is waited for before messages are
}

var kinds = []kind{
	{name: "invoke"},
	{name: "unary stream", desc: &grpc.StreamDesc{}},
	{name: "server stream", desc: &grpc.StreamDesc{ServerStreams: true}},
	{name: "client stream", desc: &grpc.StreamDesc{ClientStreams: true}},
	{name: "bidi stream", desc: &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}},
	{name: "bidi stream, head first", desc: &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, headFirst: true},
}

func (k *kind) streams() bool { return k.desc != nil && k.desc.ServerStreams }

// outcome is all that a caller learns of a call, and the balancer.
type outcome struct {
	Code            codes.Code
	Text            string
	Details         string
	Header, Trailer metadata.MD
	StreamHeader    metadata.MD // what the stream's Header returns, and Trailer
	StreamTrailer   metadata.MD
	Peer            string
	Messages        []string
	Finished        []string // what was told to OnFinish
	Done            []done   // what the balancer was told, for each pick
	Wrong           int      // picks that were told of the end more or less than once
}

// done is what a balancer is told of the end of a call.
type done struct {
	Err            codes.Code
	Sent, Received bool
	Trailer        metadata.MD
}

// address is how addresses are written in errors.
var address = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func textOf(err error) string {
	return address.ReplaceAllString(status.Convert(err).Message(), "ADDRESS")
}

// do makes a call of one message, and learns all about it.
func (k *kind) do(ctx context.Context, c *channel, opts ...grpc.CallOption) *outcome {
	var o outcome
	var p peer.Peer
	var header, trailer metadata.MD
	var mu sync.Mutex // calls of gRPC's own channel may end later than they return
	var finished []string
	opts = append([]grpc.CallOption{
		grpc.ForceCodecV2(raw{}), grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&p), grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(mostMessage),
		grpc.OnFinish(func(err error) {
			mu.Lock()
			defer mu.Unlock()
			finished = append(finished, status.Code(err).String())
		}),
	}, opts...)
	ctx = context.WithValue(ctx, callKey{}, &o)
	err := k.run(ctx, c, &o, opts)
	o.Code, o.Text = status.Code(err), textOf(err)
	for _, d := range status.Convert(err).Proto().GetDetails() {
		o.Details += d.GetTypeUrl() + " " + prototext.Format(d) + "\n"
	}
	told, wrong := c.script.ended(&o)
	for _, d := range told {
		o.Done = append(o.Done, doneOf(d))
	}
	o.Wrong = wrong
	mu.Lock()
	defer mu.Unlock()
	if o.Finished = finished; finished == nil {
		return &o
	}
	o.Header, o.Trailer = header, trailer
	if p.Addr != nil {
		o.Peer = fmt.Sprintf("%v %T %t", p.Addr, p.AuthInfo, p.LocalAddr != nil)
	}
	return &o
}

// mostMessage is how large messages of an answer may be.
const mostMessage = 100

func doneOf(d grpcbalancer.DoneInfo) done {
	return done{status.Code(d.Err), d.BytesSent, d.BytesReceived, d.Trailer}
}

func (k *kind) run(ctx context.Context, c *channel, o *outcome, opts []grpc.CallOption) error {
	request := c.request
	if k.desc == nil {
		var reply string
		err := c.Invoke(ctx, c.method, &request, &reply, opts...)
		if err == nil {
			o.Messages = append(o.Messages, reply)
		}
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.NewStream(ctx, k.desc, c.method, opts...)
	if err != nil {
		return err
	}
	if err := s.SendMsg(&request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	if k.headFirst {
		if o.StreamHeader, err = s.Header(); err != nil {
			return fmt.Errorf("the head: %w", err)
		}
	}
	defer func() { o.StreamTrailer = s.Trailer() }()
	for {
		var m string
		if err := s.RecvMsg(&m); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		o.Messages = append(o.Messages, m)
		if !k.desc.ServerStreams {
			return nil
		}
	}
}
