// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http2"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// cheap is a client that costs little: what it reads at a time it follows with requests at a time.
type cheap struct {
	net.Conn

	head    []byte // of a request, with all in the table that can be
	in, out []byte
	next    uint32
}

// newCheap returns one that has sent its settings and one request.
func newCheap(socket net.Conn) (*cheap, error) {
	c := &cheap{Conn: socket, in: make([]byte, 0, 64<<10), next: 1}
	c.out = frames.Append(c.out, frames.SettingSize, frames.Settings, 0, 0)
	c.out = frames.AppendSetting(c.out, frames.SettingWindow, frames.MostWindow)
	c.out = frames.AppendWindowUpdate(c.out, 0, frames.MostWindow-frames.FirstWindow)
	var section bytes.Buffer
	encoder := hpack.NewEncoder(&section)
	for range 2 {
		section.Reset()
		for _, f := range []hpack.HeaderField{
			{Name: ":method", Value: "POST"},
			{Name: ":scheme", Value: "http"},
			{Name: ":path", Value: "/a.Service/Method"},
			{Name: ":authority", Value: "a.example"},
			{Name: "content-type", Value: "application/grpc"},
			{Name: "user-agent", Value: "test/1"},
			{Name: "te", Value: "trailers"},
		} {
			_ = encoder.WriteField(f)
		}
		if c.head == nil {
			c.head = bytes.Clone(section.Bytes())
			c.ask()
		}
	}
	c.head = section.Bytes()
	return c, c.answers(1, 0)
}

// ask adds a request of ten bytes.
func (c *cheap) ask() {
	c.out = append(frames.Append(c.out, len(c.head), frames.Headers, frames.FlagEndHeaders, c.next), c.head...)
	c.out = append(frames.Append(c.out, 10, frames.Data, frames.FlagEndStream, c.next), "0123456789"...)
	c.next += 2
}

// answers writes what is to be, and waits for n answers, the first of which are followed by so many requests more.
func (c *cheap) answers(n, more int) error {
	for n > 0 {
		if _, err := c.Write(c.out); err != nil {
			return err
		}
		c.out = c.out[:0]
		got, err := c.Read(c.in[len(c.in):cap(c.in)])
		if err != nil {
			return err
		}
		c.in = c.in[:len(c.in)+got]
		at := 0
		for len(c.in)-at >= frames.HeaderSize {
			f := frames.Parse(c.in[at:])
			if len(c.in)-at < frames.HeaderSize+f.Length {
				break
			}
			at += frames.HeaderSize + f.Length
			switch {
			case f.Kind == frames.Reset || f.Kind == frames.GoAway:
				return fmt.Errorf("a frame of kind %d", f.Kind)
			case f.Kind <= frames.Headers && f.Has(frames.FlagEndStream):
				if n--; more > 0 {
					more--
					c.ask()
				}
			}
		}
		c.in = c.in[:copy(c.in, c.in[at:])]
	}
	return nil
}

// BenchmarkRequests are small requests over one connection on loopback, so many of them at a time, of a client that costs little.
func BenchmarkRequests(b *testing.B) {
	header := wire.Header{{Name: "content-type", Value: "application/grpc"}}
	trailer := wire.Header{{Name: "grpc-status", Value: "0"}}
	body := mem.SliceBuffer("0123456789")
	serve := func(ex transcoder.Exchange) {
		for {
			piece, err := ex.Read()
			if piece != nil {
				piece.Free()
			}
			if err != nil {
				break
			}
		}
		_ = ex.Write(&transcoder.Out{Status: 200, Header: header, Trailer: trailer, Data: mem.BufferSlice{body}, End: transcoder.EndClean})
	}
	for _, atATime := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(atATime), func(b *testing.B) {
			client, server := framestest.Pair(b)
			cfg := plain(serve)
			cfg.MaxStreams = atATime
			cfg.StreamWindow, cfg.ConnectionWindow = 64<<10, 1<<20
			cfg.Log = slog.New(slog.DiscardHandler)
			var served sync.WaitGroup
			served.Go(func() { http2.NewConn(server, &cfg, time.Hour).Serve() })
			c, err := newCheap(client)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			first := min(atATime, b.N)
			for range first {
				c.ask()
			}
			if err := c.answers(b.N, b.N-first); err != nil {
				b.Error(err)
			}
			b.StopTimer()
			_ = client.Close()
			served.Wait()
		})
	}
}
