// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// cheap answers each request with a message of ten bytes, as soon as that has ended, and does nothing else: what it read at a time it answers at a time.
func cheap(socket net.Conn) {
	defer func() { _ = socket.Close() }()
	// ":status: 200", "content-type: application/grpc" and "grpc-status: 0", of which the latter two are put into the table by the first answer.
	first := [2]string{"\x88\x5f\x10application/grpc", "\x40\x0bgrpc-status\x010"}
	later := [2]string{"\x88\xbf", "\xbe"}
	in, out := make([]byte, 0, 64<<10), []byte{}
	if _, err := io.ReadFull(socket, in[:len(xhttp2.ClientPreface)]); err != nil {
		return
	}
	out = frames.Append(out, frames.SettingSize, frames.Settings, 0, 0)
	out = frames.AppendSetting(out, frames.SettingWindow, frames.MostWindow)
	out = frames.AppendWindowUpdate(out, 0, frames.MostWindow-frames.FirstWindow)
	answer := framed("0123456789")
	head := first
	for {
		if _, err := socket.Write(out); err != nil {
			return
		}
		out = out[:0]
		n, err := socket.Read(in[len(in):cap(in)])
		if err != nil {
			return
		}
		in = in[:len(in)+n]
		at := 0
		for len(in)-at >= frames.HeaderSize {
			f := frames.Parse(in[at:])
			if len(in)-at < frames.HeaderSize+f.Length {
				break
			}
			body := in[at+frames.HeaderSize:]
			at += frames.HeaderSize + f.Length
			switch {
			case f.Kind == frames.Settings && !f.Has(frames.FlagAck):
				out = frames.Append(out, 0, frames.Settings, frames.FlagAck, 0)
			case f.Kind == frames.Ping && !f.Has(frames.FlagAck):
				out = frames.AppendPing(out, frames.FlagAck, body[:frames.PingSize])
			case f.Kind == frames.Data && f.Has(frames.FlagEndStream):
				out = append(frames.Append(out, len(head[0]), frames.Headers, frames.FlagEndHeaders, f.Stream), head[0]...)
				out = append(frames.Append(out, len(answer), frames.Data, 0, f.Stream), answer...)
				out = append(frames.Append(out, len(head[1]), frames.Headers, frames.FlagEndHeaders|frames.FlagEndStream, f.Stream), head[1]...)
				head = later
			}
		}
		in = in[:copy(in, in[at:])]
	}
}

// BenchmarkUnary are calls with small messages over one connection on loopback, of so many goroutines, to a server that costs little.
func BenchmarkUnary(b *testing.B) { unary(b, "plain") }

// BenchmarkSecureUnary are the same, encrypted.
func BenchmarkSecureUnary(b *testing.B) { unary(b, "secure") }

func unary(b *testing.B, kind string) {
	for _, goroutines := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			client, server := framestest.Pair(b)
			client, server = sockets[kind](b, client, server)
			var served sync.WaitGroup
			served.Go(func() { cheap(server) })
			ready := make(chan uint32, 1)
			conn := http2.New(client, &http2.Config{
				UserAgent: "test/1", MaxHeader: 64 << 10, StreamWindow: 512 << 10, ConnectionWindow: 4 << 20, PingInterval: time.Minute, PingTimeout: time.Minute,
				Ready: func(n uint32) { ready <- n }, Left: func(error, bool) {},
			})
			<-ready
			ctx := b.Context()
			r := request("x-request-id", "0123456789abcdef")
			body := mem.BufferSlice{mem.SliceBuffer("0123456789")}
			share := make(chan int, goroutines)
			for i := range goroutines {
				share <- (b.N + i) / goroutines
			}
			b.ReportAllocs()
			b.ResetTimer()
			var calls sync.WaitGroup
			for range goroutines {
				calls.Go(func() {
					for range <-share {
						s := http2.NewStream(most, true)
						if err := conn.Open(ctx, s, r, &http2.Message{Data: body}, true); err != nil {
							b.Error(err)
							return
						}
						if st := s.Wait(ctx); st.Code() != codes.OK {
							b.Error(st)
							return
						}
						m, ok := s.Message()
						if !ok || m.Data.Len() != 10 {
							b.Error("the answer is another")
							return
						}
						m.Data.Free()
					}
				})
			}
			calls.Wait()
			b.StopTimer()
			conn.Drain()
			<-conn.Done()
			served.Wait()
		})
	}
}

// BenchmarkMessages are the messages of one stream that come, of all sizes.
func BenchmarkMessages(b *testing.B) {
	for _, size := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			client, server := framestest.Pair(b)
			var served sync.WaitGroup
			served.Go(func() { source(server, size) })
			ready := make(chan uint32, 1)
			conn := http2.New(client, &http2.Config{
				UserAgent: "test/1", MaxHeader: 64 << 10, StreamWindow: 512 << 10, ConnectionWindow: 4 << 20, PingInterval: time.Minute, PingTimeout: time.Minute,
				Ready: func(n uint32) { ready <- n }, Left: func(error, bool) {},
			})
			<-ready
			s := http2.NewStream(most, false)
			if err := conn.Open(b.Context(), s, request(), &http2.Message{}, true); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				m, err := s.Recv(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				m.Data.Free()
			}
			conn.Close(io.EOF)
			<-conn.Done()
			served.Wait()
		})
	}
}

// source answers the first call with messages without end, as far as it is granted.
func source(socket net.Conn, size int) {
	defer func() { _ = socket.Close() }()
	if _, err := io.ReadFull(socket, make([]byte, len(xhttp2.ClientPreface))); err != nil {
		return
	}
	framer := xhttp2.NewFramer(socket, socket)
	_ = framer.WriteSettings()
	windows := map[uint32]int{0: frames.FirstWindow, 1: 512 << 10}
	text := binary.BigEndian.AppendUint32([]byte{0}, uint32(size)) //nolint:gosec // small
	text = append(text, make([]byte, size)...)
	out := make([]byte, 0, 128<<10)
	begun, at := false, 0
	for {
		out = out[:0]
		for begun && windows[0] > frames.LeastSize && windows[1] > frames.LeastSize && len(out) < 64<<10 {
			header := len(out)
			out = frames.Append(out, 0, frames.Data, 0, 1)
			for len(out)-header < frames.LeastSize {
				n := min(len(text)-at, frames.LeastSize+frames.HeaderSize-(len(out)-header))
				out = append(out, text[at:at+n]...)
				at = (at + n) % len(text)
			}
			n := len(out) - header - frames.HeaderSize
			out[header+1], out[header+2] = byte(n>>8), byte(n) //nolint:gosec // 16 KiB at most
			windows[0] -= n
			windows[1] -= n
		}
		if len(out) > 0 {
			if _, err := socket.Write(out); err != nil {
				return
			}
			continue
		}
		f, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *xhttp2.HeadersFrame:
			begun = true
			_ = framer.WriteSettingsAck()
			_ = framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("\x88\x5f\x10application/grpc"), EndHeaders: true})
		case *xhttp2.WindowUpdateFrame:
			windows[f.StreamID] += int(f.Increment)
		}
	}
}

// BenchmarkSending are the messages of one stream that are sent, of all sizes, to a server that grants without end and drops them.
func BenchmarkSending(b *testing.B) {
	for _, kind := range []string{"plain", "secure"} {
		for _, size := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprint(kind, "/", size), func(b *testing.B) {
				client, server := framestest.Pair(b)
				client, server = sockets[kind](b, client, server)
				var served sync.WaitGroup
				served.Go(func() { drop(server) })
				ready := make(chan uint32, 1)
				conn := http2.New(client, &http2.Config{
					UserAgent: "test/1", MaxHeader: 64 << 10, StreamWindow: 64 << 10, ConnectionWindow: 64 << 10, PingInterval: time.Minute, PingTimeout: time.Minute,
					Ready: func(n uint32) { ready <- n }, Left: func(error, bool) {},
				})
				<-ready
				s := http2.NewStream(most, false)
				if err := conn.Open(b.Context(), s, request(), nil, false); err != nil {
					b.Fatal(err)
				}
				m := http2.Message{Data: mem.BufferSlice{mem.SliceBuffer(make([]byte, size))}}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Send(b.Context(), &m, false); err != nil {
						b.Fatal(err)
					}
				}
				conn.Close(io.EOF)
				<-conn.Done()
				served.Wait()
			})
		}
	}
}

// drop grants as much as comes.
func drop(socket net.Conn) {
	defer func() { _ = socket.Close() }()
	out := frames.Append(nil, frames.SettingSize, frames.Settings, 0, 0)
	out = frames.AppendSetting(out, frames.SettingWindow, 1<<30)
	out = frames.AppendWindowUpdate(out, 0, 1<<30)
	in, came := make([]byte, 256<<10), 0
	for {
		if _, err := socket.Write(out); err != nil {
			return
		}
		const many = 1 << 28
		for out = out[:0]; len(out) == 0; {
			n, err := socket.Read(in)
			if err != nil {
				return
			}
			if came += n; came >= many { // with the headers of frames, which is more than was taken
				out = frames.AppendWindowUpdate(frames.AppendWindowUpdate(out, 0, came/2), 1, came/2)
				came -= came / 2
			}
		}
	}
}
