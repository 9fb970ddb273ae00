// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// maxMirroredMessages is how many messages of an answer that streams are read before a copy is cancelled.
const maxMirroredMessages = 100

// MirrorStats counts the copies of calls that a backend was to have.
type MirrorStats struct {
	// Sent is how many were sent, Failed how many of those did not end with OK.
	Sent, Failed int64
	// Busy is how many were not sent because as many as may be were in flight, TooLarge because of their size.
	Busy, TooLarge int64
	// InFlight is how many are in flight, and MostInFlight how many there were at most.
	InFlight, MostInFlight int
}

// mirrored is what a backend knows of the copies of calls that it is sent. They are its own, not of the snapshot that sent them, so
// that their limit holds over reloads.
type mirrored struct {
	log                          *slog.Logger
	sent, failed, busy, tooLarge atomic.Int64

	ctx    context.Context //nolint:containedctx // copies have the backend's life, not the call's
	cancel context.CancelFunc

	mu       sync.Mutex
	inFlight int  // guarded by mu
	most     int  // guarded by mu
	closed   bool // guarded by mu
	running  sync.WaitGroup
}

func newMirrored(log *slog.Logger) *mirrored {
	m := &mirrored{log: log}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// begin takes a place in flight, if there is one.
func (m *mirrored) begin(limit int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.inFlight >= limit {
		return false
	}
	m.inFlight++
	m.most = max(m.most, m.inFlight)
	m.running.Add(1)
	return true
}

func (m *mirrored) end() {
	m.mu.Lock()
	m.inFlight--
	m.mu.Unlock()
	m.running.Done()
}

// close ends all copies and waits for them.
func (m *mirrored) close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.running.Wait()
}

// Mirrored counts the copies of calls that the backend was to have, since it was opened.
func (b *Backend) Mirrored() MirrorStats {
	m := b.mirrored
	s := MirrorStats{Sent: m.sent.Load(), Failed: m.failed.Load(), Busy: m.busy.Load(), TooLarge: m.tooLarge.Load()}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.InFlight, s.MostInFlight = m.inFlight, m.most
	return s
}

// mirroredCall is the copy of a call.
type mirroredCall struct {
	method  *transcoder.Method
	header  wire.Header
	request transcoder.Message // freed when the copy was sent, or was not
	config  *MirrorConfig
}

// mirror sends the copy of a call, unless there are too many. It does not wait.
func (b *Backend) mirror(c mirroredCall) {
	if !b.mirrored.begin(c.config.MaxInFlight) {
		b.mirrored.busy.Add(1)
		c.request.Free()
		return
	}
	go func() {
		defer b.mirrored.end()
		defer func() {
			if r := recover(); r != nil { // a copy must not end the process
				b.mirrored.failed.Add(1)
				b.mirrored.log.Error("a copy of a call panicked", slog.String("backend", b.name), slog.String("method", c.method.Path),
					slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			}
		}()
		defer c.request.Free()
		b.send(&c)
	}()
}

// send sends a copy, reads its answer as far as it may, and counts how it ended.
func (b *Backend) send(c *mirroredCall) {
	if err := c.request.Decompress(int64(c.config.MaxMessage)); err != nil { // the second backend may not read it
		b.mirrored.tooLarge.Add(1)
		return
	}
	// The buffers that a request stands in may be far larger than it, and are the call's.
	own := transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(c.request.Data.Materialize())}}
	c.request.Free()
	c.request = own
	md := wire.MD(c.header)
	md.Set(MirroredHeader, "1")
	ctx, cancel := context.WithTimeout(b.mirrored.ctx, c.config.Timeout)
	defer cancel()
	b.mirrored.sent.Add(1)
	if err := b.sendOne(metadata.NewOutgoingContext(ctx, md), c); err != nil {
		b.mirrored.failed.Add(1)
	}
}

func (b *Backend) sendOne(ctx context.Context, c *mirroredCall) error {
	call := picker.Call{Streaming: c.method.ServerStreams}
	sink := &sink{}
	desc := &grpc.StreamDesc{StreamName: c.method.Name, ServerStreams: c.method.ServerStreams}
	s, err := b.channel.NewStream(picker.WithCall(ctx, &call), desc, c.method.Path,
		grpc.ForceCodecV2(sink), grpc.MaxCallRecvMsgSize(c.config.MaxMessage))
	if err != nil {
		return err
	}
	if s.SendMsg(&c.request) == nil { // its error comes again, with the status, from RecvMsg
		_ = s.CloseSend() // likewise
	}
	for sink.messages < maxMirroredMessages && sink.bytes < c.config.MaxMessage {
		err := s.RecvMsg(sink)
		if errors.Is(err, io.EOF) || cut(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if !c.method.ServerStreams {
			return nil // grpc-go has looked for a second one
		}
	}
	return nil
}

// cut tells whether an answer was larger than it may be, which is no failure: nobody wants it.
func cut(err error) bool {
	st, ok := grpcstatus.FromError(err)
	return ok && st.Code() == codes.ResourceExhausted && strings.HasPrefix(st.Message(), "grpc: received message larger than max")
}

// sink is a codec that sends messages as RawCodec does and counts those that come.
type sink struct {
	transcoder.RawCodec

	messages, bytes int
}

// Unmarshal counts a message and drops it.
func (s *sink) Unmarshal(data mem.BufferSlice, _ any) error {
	s.messages++
	s.bytes += data.Len()
	return nil
}
