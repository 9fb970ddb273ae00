// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
)

// A connection whose numbers of streams are used up takes no more calls, and ends with the last of those that it has (RFC 9113 section 5.1.1).
func TestNumbersThatAreUsedUp(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"while calls are under way": false, "when there is none": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := net.Pipe()
			var served sync.WaitGroup
			release := make(chan struct{})
			ids := make(chan uint32, 10)
			served.Go(func() {
				defer func() { _ = server.Close() }()
				_, _ = io.CopyN(io.Discard, server, int64(len(xhttp2.ClientPreface)))
				framer := xhttp2.NewFramer(server, server)
				_ = framer.WriteSettings()
				for {
					f, err := framer.ReadFrame()
					if err != nil {
						return
					}
					if f, ok := f.(*xhttp2.HeadersFrame); ok {
						ids <- f.StreamID
						served.Go(func() {
							<-release
							// ":status: 200", "content-type: application/grpc", "grpc-status: 0"
							block := append([]byte("\x88\x0f\x10\x10application/grpc"), "\x00\x0bgrpc-status\x010"...)
							_ = framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: f.StreamID, BlockFragment: block, EndHeaders: true, EndStream: true})
						})
					}
				}
			})
			ready, left := make(chan uint32, 1), make(chan error, 10)
			cfg := &Config{
				MaxHeader: 8 << 10, StreamWindow: 64 << 10, ConnectionWindow: 64 << 10, PingInterval: time.Minute, PingTimeout: time.Minute,
				Ready: func(n uint32) { ready <- n }, Left: func(err error, _ bool) { left <- err },
			}
			c := New(client, cfg)
			<-ready
			c.mu.Lock()
			c.next = 1<<31 - 1
			c.mu.Unlock()
			open := func() (*Stream, error) {
				s := NewStream(1, true)
				return s, c.Open(t.Context(), s, &Request{Path: "/"}, &Message{Data: mem.BufferSlice{mem.SliceBuffer("x")}}, true)
			}
			last, err := open()
			if id := <-ids; err != nil || id != 1<<31-1 {
				t.Errorf("the last is stream %d, %v", id, err)
			}
			end := func() {
				close(release)
				if st := last.Wait(t.Context()); st.Code() != codes.OK || last.Unseen() {
					t.Errorf("it ends with %v", st)
				}
			}
			if ended {
				end()
			}
			for range 3 {
				if _, err := open(); !ErrLeaving(err) {
					t.Errorf("one more: %v", err)
				}
			}
			if err := <-left; err == nil || errors.Is(err, errDrained) {
				t.Errorf("it leaves because of %v", err)
			}
			if !ended {
				select {
				case <-c.Done():
					t.Error("it does not wait for its last call")
				default:
				}
				end()
			}
			<-c.Done()
			served.Wait()
			if len(left) > 0 || len(ids) > 0 {
				t.Errorf("it left %d times, and began %d streams", 1+len(left), 1+len(ids))
			}
		})
	}
}
