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

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// conversation is a call with its client and its Stream.
type conversation struct {
	*contract

	client *client
	call   *transcoder.Call
	stream transcoder.Stream
}

// converse opens a call whose client sends messages when it is told to.
func (c *contract) converse(t *testing.T, limits *transcoder.Limits) *conversation {
	t.Helper()
	r, _ := c.request(t, c.messages()...)
	r.Limits, r.ContentLength = limits, -1
	client := newClient(t, c, r)
	call := transcoder.NewCall(client.ctx, r)
	f, err := c.mux.Open(call)
	if err != nil {
		t.Fatalf("the call is refused: %v", err)
	}
	call.RequestID = "the-id"
	call.Header.Add("x-h", "1")
	return &conversation{contract: c, client: client, call: call, stream: transcoder.NewStream(call, client, f)}
}

// receive takes messages until there are no more, and returns what Recv said then.
func (v *conversation) receive() (messages [][]byte, err error) {
	for {
		m, err := v.stream.Recv()
		if err != nil {
			return messages, err
		}
		messages = append(messages, append([]byte{}, m.Data.Materialize()...))
		m.Free()
	}
}

// send says messages, header first.
func (v *conversation) send(messages ...[]byte) error {
	if err := v.stream.SendHeader(); err != nil {
		return err
	}
	for _, data := range messages {
		m := transcoder.Message{}
		for piece := range slices.Chunk(data, 100) {
			m.Data = append(m.Data, v.client.pool.buffer(piece))
		}
		if err := v.stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the call, with an error or well, and returns what the client makes of it.
func (v *conversation) finish(t *testing.T, err error) Outcome {
	t.Helper()
	if err := v.end(t, err); err != nil {
		t.Errorf("the end could not be said: %v", err)
	}
	o := v.client.outcome(t)
	v.client.vanish()
	return o
}

// end ends the call, and returns what Finish says.
func (v *conversation) end(t *testing.T, err error) error {
	t.Helper()
	v.call.Err = err
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = v.stream.Finish()
	}()
	v.client.await(t, done, "Finish")
	if n, _ := v.client.pool.outstanding(); n != 0 {
		t.Errorf("%d buffers were not given back", n)
	}
	return err
}

// inHead tells whether a request is all in its head: then there is nothing to wait for.
func (c *contract) inHead(t *testing.T) bool {
	t.Helper()
	_, body := c.request(t, c.messages()...)
	return body == nil && c.Socket == nil
}

// halfCloses: the client's end is not the answer's: what the backend says afterwards still comes, behind its head.
func (c *contract) halfCloses(t *testing.T) {
	for _, reply := range c.replies() {
		v := c.converse(t, nil)
		want := c.messages()
		v.client.say(t, want...)
		v.client.end()
		if got, err := v.receive(); !errors.Is(err, io.EOF) || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("the request came as %x, %v", got, err)
		}
		if err := v.send(reply...); err != nil {
			t.Errorf("behind the end of the request: %v", err)
		}
		if got := v.finish(t, nil); got.Code != codes.OK || !slices.EqualFunc(got.Messages, reply, bytes.Equal) {
			t.Errorf("%x came as %s, %x", reply, got.Code, got.Messages)
		}
		if h := v.client.writer.Header.Get("x-h"); c.Socket == nil && h != "1" {
			t.Errorf("the head has x-h %q", h)
		}
	}
}

// leaves: T140: a client that goes away fails the Recv that waits and the Send that comes, ends the call's context, and is never
// taken for one that has said all.
func (c *contract) leaves(t *testing.T) {
	if c.inHead(t) {
		t.Skip("the request is all in its head")
	}
	for _, said := range []int{0, len(c.messages())} {
		v := c.converse(t, nil)
		received := make(chan struct{})
		var err error
		go func() {
			defer close(received)
			_, err = v.receive()
		}()
		v.client.say(t, c.messages()[:said]...)
		whole := c.Socket != nil && !c.method.ClientStreams && said > 0 // such a request ends with its message
		if whole {
			v.client.await(t, received, "Recv")
		}
		v.client.vanish()
		v.client.await(t, received, "Recv")
		v.client.await(t, v.call.Context().Done(), "the call's context")
		if !whole {
			if errors.Is(err, io.EOF) {
				t.Fatalf("behind %d messages a client that is gone has said all", said)
			}
			wantStatus(t, err, codes.Canceled)
		}
		sent := v.send(message("nobody reads it"))
		if ended := v.end(t, nil); sent == nil && ended == nil {
			t.Errorf("behind %d messages an answer that nobody takes was sent", said)
		}
	}
}

// interrupted: a Recv that waits returns when nothing more is wanted, and the answer still ends well.
func (c *contract) interrupted(t *testing.T) {
	if c.inHead(t) {
		t.Skip("the request is all in its head")
	}
	v := c.converse(t, nil)
	received := make(chan struct{})
	var err error
	go func() {
		defer close(received)
		_, err = v.receive()
	}()
	v.stream.CloseRecv()
	v.client.await(t, received, "Recv")
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a Recv that was interrupted says %v", err)
	}
	reply := c.replies()[0]
	if err := v.send(reply...); err != nil {
		t.Errorf("behind a Recv that was interrupted: %v", err)
	}
	if got := v.finish(t, nil); got.Code != codes.OK || !slices.EqualFunc(got.Messages, reply, bytes.Equal) {
		t.Errorf("the answer came as %s, %x", got.Code, got.Messages)
	}
}

// breaksOff: T136: a call that fails is never whole, whatever was said before; one that fails before says its code.
func (c *contract) breaksOff(t *testing.T) {
	for sent := range 2 {
		v := c.converse(t, nil)
		v.client.say(t, c.messages()...)
		v.client.end()
		if _, err := v.receive(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := v.send(slices.Repeat([][]byte{message("m")}, sent)...); err != nil {
			t.Fatal(err)
		}
		got := v.finish(t, status.Errorf(codes.NotFound, status.ReasonBackendError, "not here"))
		if got.Code == codes.OK || sent == 0 && got.Code != codes.NotFound {
			t.Errorf("behind %d messages it ends with %s: %+v", sent, got.Code, v.client.writer)
		}
		if sent == 0 && got.Text != "" && got.Text != "not here" {
			t.Errorf("it says %q", got.Text)
		}
	}
}

// bounds: T196, at the Stream.
func (c *contract) bounds(t *testing.T) {
	if c.inHead(t) {
		t.Skip("the request is all in its head, and refused with it")
	}
	const limit = 1000
	v := c.converse(t, &transcoder.Limits{MaxMessage: limit})
	received := make(chan struct{})
	var err error
	go func() {
		defer close(received)
		_, err = v.receive()
	}()
	v.client.say(t, message(strings.Repeat("x", 2*limit)))
	v.client.end()
	v.client.await(t, received, "Recv")
	wantStatus(t, err, codes.ResourceExhausted)
	if got := v.finish(t, err); got.Code != codes.ResourceExhausted {
		t.Errorf("it ends with %s", got.Code)
	}
}

// declined: a call that is refused before anything of it was taken is told so.
func (c *contract) declined(t *testing.T) {
	v := c.converse(t, nil)
	if got := v.finish(t, status.Errorf(codes.PermissionDenied, status.ReasonBackendError, "not you")); got.Code != codes.PermissionDenied {
		t.Errorf("it ends with %s: %+v", got.Code, v.client.writer)
	}
}
