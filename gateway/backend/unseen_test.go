// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
)

// refuser is a server that refuses the first streams before it looks at them, or goes away without them, and answers the others.
type refuser struct {
	address  string
	refuse   atomic.Int64
	goAway   bool
	early    bool // before the request has come
	answered atomic.Int64
}

func newRefuser(t *testing.T, refuse int64, goAway, early bool) *refuser {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &refuser{address: l.Addr().String(), goAway: goAway, early: early}
	r.refuse.Store(refuse)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				r.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return r
}

func (r *refuser) serve(c net.Conn) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	refused := map[uint32]bool{}
	_ = f.WriteSettings()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				_ = f.WritePing(true, frame.Data)
			}
		case *http2.HeadersFrame:
			if r.early && r.refuse.Add(-1) >= 0 {
				refused[frame.StreamID] = true
				_ = f.WriteRSTStream(frame.StreamID, http2.ErrCodeRefusedStream)
			}
		case *http2.DataFrame:
			switch {
			case !frame.StreamEnded() || refused[frame.StreamID]:
			case r.early || r.refuse.Add(-1) < 0:
				r.answer(f, frame.StreamID)
			case r.goAway:
				_ = f.WriteGoAway(frame.StreamID-1, http2.ErrCodeNo, nil)
				return
			default:
				_ = f.WriteRSTStream(frame.StreamID, http2.ErrCodeRefusedStream)
			}
		}
	}
}

// answer answers with a message of one byte.
func (r *refuser) answer(f *http2.Framer, stream uint32) {
	r.answered.Add(1)
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	fields := func(pairs ...string) []byte {
		block.Reset()
		for i := 0; i < len(pairs); i += 2 {
			_ = enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
		}
		return block.Bytes()
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields(":status", "200", "content-type", "application/grpc"), EndHeaders: true})
	_ = f.WriteData(stream, false, append(binary.BigEndian.AppendUint32([]byte{0}, 1), 'x'))
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields("grpc-status", "0"), EndHeaders: true, EndStream: true})
}

// Threat H9: a call that no backend has looked at is tried again, also of a method with side effects. grpc-go tries once by itself; what
// it does not try again is tried here.
func TestThreatH9WhatNobodyHasSeenIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		refuse int64
		goAway bool
		early  bool
		retry  backend.RetryConfig
		want   codes.Code
	}{
		{"refused once", 1, false, false, backend.RetryConfig{Attempts: 1}, codes.OK},
		{"refused twice", 2, false, false, backend.RetryConfig{Attempts: 2}, codes.OK},
		{"refused twice, without retries", 2, false, false, backend.RetryConfig{Attempts: 1}, codes.Unavailable},
		{"refused always", 1000, false, false, backend.RetryConfig{Attempts: 3}, codes.Unavailable},
		{"refused always, before the request has come", 1000, false, true, backend.RetryConfig{Attempts: 3}, codes.Unavailable},
		{"gone away once", 1, true, false, backend.RetryConfig{Attempts: 1}, codes.OK},
		{"gone away twice", 2, true, false, backend.RetryConfig{Attempts: 2}, codes.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newRefuser(t, c.refuse, c.goAway, c.early)
			b := open(t, backend.Config{}, &server{address: s.address})
			m := charge()
			if c.early {
				m = streaming(false, true) // of which an end without a status would look like an answer without a message
			}
			_, err := forward(t.Context(), route(t, b, backend.PolicyConfig{Retry: c.retry}), m, newClient("x"), 10*time.Second)
			if status.Code(err) != c.want {
				t.Errorf("got %v", err)
			}
			if n := s.answered.Load(); (n == 1) != (c.want == codes.OK) || n > 1 {
				t.Errorf("it was answered %d times", n)
			}
		})
	}
}
