// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package websocket_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/websocket"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// silent is a connection whose client says nothing: it answers so many pings, and then no more.
type silent struct {
	request *transcoder.Request
	ctx     context.Context //nolint:containedctx // it is what Context returns
	answers int
	aborted bool
}

func (s *silent) Request() *transcoder.Request { return s.request }
func (s *silent) Context() context.Context     { return s.ctx }
func (s *silent) Read() (mem.Buffer, error)    { return nil, io.EOF }
func (s *silent) CloseRead()                   {}
func (s *silent) Write(out *transcoder.Out) error {
	out.Data.Free()
	return errors.New("it is a WebSocket")
}

func (s *silent) Upgrade(string, wire.Header, int64) (transcoder.Socket, error) {
	return &silentSocket{s}, nil
}

type silentSocket struct{ of *silent }

func (s *silentSocket) Read(ctx context.Context) (bool, mem.Buffer, error) {
	<-ctx.Done()
	return false, nil, ctx.Err()
}

func (s *silentSocket) Ping(ctx context.Context) error {
	if s.of.answers > 0 {
		s.of.answers--
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *silentSocket) Write(bool, []byte) error { return nil }

func (s *silentSocket) Close(int, string) error { return nil }

func (s *silentSocket) Abort() { s.of.aborted = true }

// T144: a client is asked for a sign of life at each heartbeat, and one that gives none within 10 seconds is gone.
func TestT144_ClientsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mux := protocoltest.NewMux(t)
		p, err := websocket.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		mux.SetProtocols(p)
		const beat, answers, patience = 5 * time.Second, 3, 10 * time.Second
		client := &silent{ctx: t.Context(), answers: answers, request: &transcoder.Request{
			Method: "GET", Path: "/protocoltest.Contract/Both", Authority: "example.com", Scheme: "http", Major: 1, Limits: &transcoder.Limits{Heartbeat: beat},
			Header: wire.Header{{Name: "connection", Value: "Upgrade"}, {Name: "upgrade", Value: "websocket"}},
		}}
		call := transcoder.NewCall(client.ctx, client.request)
		f, err := mux.Open(call)
		if err != nil {
			t.Fatal(err)
		}
		stream := transcoder.NewStream(call, client, f)
		began := time.Now()
		_, err = stream.Recv()
		if took, want := time.Since(began), (answers+1)*beat+patience; took != want {
			t.Errorf("it was given up after %s, want %s", took, want)
		}
		if e, ok := errors.AsType[*status.Error](err); !ok || e.Code != codes.Canceled || e.Message != "the client does not answer" {
			t.Errorf("it is told as %v", err)
		}
		if call.Context().Err() == nil {
			t.Error("the call goes on")
		}
		call.Err = err
		_ = stream.Finish() // there is nobody to say it to
		if !client.aborted {
			t.Error("the connection stays open")
		}
	})
}
