// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// opens: Open sets the method and the metadata, and needs nothing of the body.
func (c *contract) opens(t *testing.T) {
	r, _ := c.request(t, c.messages()...)
	r.Header.Add("x-mine", "a")
	r.Header.Add("x-mine", "b")
	r.Header.Add("connection", "x-hop")
	r.Header.Add("x-hop", "1")
	call, f := c.open(t, r)
	defer f.Close()
	if call.Method != c.method {
		t.Errorf("the method is %v, want %s", call.Method, c.method.Path)
	}
	var mine []string
	for _, field := range call.Metadata {
		switch field.Name {
		case "x-mine":
			mine = append(mine, field.Value)
		case "x-hop", "connection", "content-type", "te": // T161
			t.Errorf("%s is metadata", field.Name)
		}
	}
	if !slices.Equal(mine, []string{"a", "b"}) {
		t.Errorf("x-mine is %q at the backend, want a and b", mine) // T166
	}
	if call.Err != nil {
		t.Errorf("Open has set the outcome: %v", call.Err)
	}
}

// cuts: E11.
func (c *contract) cuts(t *testing.T) {
	want := c.messages()
	r, body := c.request(t, want...)
	check := func(pieces ...[]byte) {
		t.Helper()
		got, err := c.pushAll(t, r, pieces...)
		if !errors.Is(err, io.EOF) {
			t.Fatalf("in %d pieces the request ends with %v, want io.EOF", len(pieces), err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("in %d pieces (-want +got):\n%s", len(pieces), diff)
		}
	}
	check(body)
	check(slices.Collect(slices.Chunk(body, 1))...)
	for a := range len(body) + 1 {
		check(body[:a], body[a:])
	}
	check(body, nil)
}

// pushAll pushes the pieces of a body, takes each message as soon as it is there, and returns them all with what Next said last. A
// piece of no bytes is pushed as nil.
func (c *contract) pushAll(t testing.TB, r *transcoder.Request, pieces ...[]byte) ([][]byte, error) {
	t.Helper()
	var p pool
	defer func() {
		if n, _ := p.outstanding(); n != 0 {
			t.Errorf("%d buffers were not given back", n)
		}
	}()
	call, f := c.open(t, r)
	defer f.Close()
	messages, err := read(call, f)
	for i := 0; i < len(pieces) && err == nil; i++ {
		last := i == len(pieces)-1
		if len(pieces[i]) == 0 {
			err = f.Push(call, nil, last)
		} else {
			err = f.Push(call, p.buffer(pieces[i]), last)
		}
		if err != nil {
			break
		}
		var more [][]byte
		more, err = read(call, f)
		messages = append(messages, more...)
	}
	return messages, err
}

// truncated: T197.
func (c *contract) truncated(t *testing.T) {
	if c.Bare {
		t.Skip("the protocol does not know where a body ends")
	}
	all := c.messages()
	r, body := c.request(t, all...)
	for n := range len(body) {
		got, err := c.pushAll(t, r, body[:n])
		if len(got) > len(all) || !slices.EqualFunc(got, all[:len(got)], bytes.Equal) {
			t.Fatalf("after %d of %d bytes there are other messages: %x", n, len(body), got)
		}
		if err == nil {
			t.Fatalf("after %d of %d bytes, which are said to be all, more are waited for", n, len(body))
		}
		if errors.Is(err, io.EOF) && len(got) == len(all) {
			t.Fatalf("after %d of %d bytes the request counts as whole", n, len(body))
		}
		if !errors.Is(err, io.EOF) {
			wantStatus(t, err)
		}
	}
}

// wantStatus fails unless an error is a refusal of the client.
func wantStatus(t testing.TB, err error, wanted ...codes.Code) {
	t.Helper()
	e, ok := errors.AsType[*status.Error](err)
	if !ok {
		t.Fatalf("the error is a %T: %v; want a *status.Error", err, err)
	}
	if len(wanted) > 0 && !slices.Contains(wanted, e.Code) {
		t.Fatalf("the error is %v, want %v", err, wanted)
	}
}

// closes: whatever was pushed and taken, Close gives the rest back.
func (c *contract) closes(t *testing.T) {
	r, body := c.request(t, c.messages()...)
	pieces := slices.Collect(slices.Chunk(body, max(1, len(body)/7)))
	for pushed := range len(pieces) + 1 {
		for _, take := range []int{0, 1, 100} {
			var p pool
			call, f := c.open(t, r)
			for i := range pushed {
				if err := f.Push(call, p.buffer(pieces[i]), i == len(pieces)-1); err != nil {
					t.Fatal(err)
				}
			}
			for range take {
				m, ok, err := f.Next(call)
				if !ok || err != nil {
					break
				}
				m.Free()
			}
			f.Close()
			if n, _ := p.outstanding(); n != 0 {
				t.Errorf("with %d pieces pushed and up to %d messages taken, %d buffers were not given back", pushed, take, n)
			}
		}
	}
}

// limits: T196, and E10: what a client sends is refused by what it says, or after what is allowed, and not when memory is full.
func (c *contract) limits(t *testing.T) {
	const limit = 1000
	c.refusesMessage(t, limit, limit+1)
	c.refusesMessage(t, limit, 100*limit)
	// Half of the limit is let through, in whatever form.
	fits := message(strings.Repeat("x", limit/2))
	r, body := c.request(t, fits)
	r.Limits = &transcoder.Limits{MaxMessage: limit}
	if got, err := c.pushAll(t, r, body); len(got) != 1 || !bytes.Equal(got[0], fits) {
		t.Errorf("a message under the limit: %d messages, %v", len(got), err)
	}
}

// refusesMessage sends a message that is too large, piece by piece.
func (c *contract) refusesMessage(t *testing.T, limit int64, size int) {
	t.Helper()
	const slack = 600
	r, body := c.request(t, message(strings.Repeat("x", size)))
	r.Limits = &transcoder.Limits{MaxMessage: limit}
	r.ContentLength = -1
	var p pool
	call := transcoder.NewCall(t.Context(), r)
	f, err := c.mux.Open(call)
	if err == nil {
		_, err = read(call, f) // of a head that has the message
	}
	for piece := range slices.Chunk(body, 100) {
		if err != nil {
			break
		}
		if err = f.Push(call, p.buffer(piece), false); err == nil {
			_, err = read(call, f)
		}
		if _, n := p.outstanding(); int64(n) > limit+slack {
			t.Fatalf("%d bytes are held; the limit is %d", n, limit)
		}
	}
	f.Close()
	wantStatus(t, err, codes.ResourceExhausted)
}

// owned: a message stays as it is when what was pushed has gone, when others are taken, and when the call is closed.
func (c *contract) owned(t *testing.T) {
	want := c.messages()
	r, body := c.request(t, want...)
	for _, size := range []int{len(body) + 1, 7} {
		var (
			p    pool
			held []transcoder.Message
		)
		call, f := c.open(t, r)
		take := func() {
			for {
				m, ok, err := f.Next(call)
				if !ok || err != nil {
					return
				}
				held = append(held, m)
			}
		}
		take()
		for i := 0; i < len(body); i += size {
			end := min(i+size, len(body))
			if err := f.Push(call, p.buffer(body[i:end]), end == len(body)); err != nil {
				t.Fatal(err)
			}
			take()
		}
		f.Close()
		if len(held) != len(want) {
			t.Fatalf("there are %d messages, want %d", len(held), len(want))
		}
		for i := range held {
			if got := held[i].Data.Materialize(); !bytes.Equal(got, want[i]) {
				t.Errorf("message %d is %x when the call is closed, want %x", i, got, want[i])
			}
		}
		for i := range held {
			held[i].Free()
		}
		if n, _ := p.outstanding(); n != 0 {
			t.Errorf("%d buffers were not given back", n)
		}
	}
}
