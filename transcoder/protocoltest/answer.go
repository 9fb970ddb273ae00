// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// writer is an Exchange's answer: it takes what a Framer has in Outs, in the way in which a Stream gives it.
type writer struct {
	Answer

	ended bool
}

// take takes an Out, and frees and empties it. It fails where the order of things is wrong.
func (w *writer) take(t testing.TB, out *transcoder.Out) {
	t.Helper()
	if w.ended && (out.Status != 0 || len(out.Data) > 0) {
		t.Error("something follows the end")
	}
	if out.Status != 0 {
		if w.Status != 0 {
			t.Error("there are two heads")
		}
		w.Status, w.Header = out.Status, slices.Clone(out.Header)
	}
	if w.Status == 0 && (out.Data.Len() > 0 || out.End != transcoder.EndNone) {
		t.Error("an answer has no head")
	}
	for _, f := range slices.Concat(out.Header, out.Trailer) {
		if f.Name != string(bytes.ToLower([]byte(f.Name))) || !wire.ValidValue(f.Value) {
			t.Errorf("field %q: %q is not fit for a head", f.Name, f.Value)
		}
	}
	for _, b := range out.Data {
		w.Body = append(w.Body, b.ReadOnlyData()...)
	}
	if len(out.Trailer) > 0 && out.End != transcoder.EndClean {
		t.Error("there are trailers without an end")
	}
	w.Trailer = append(w.Trailer, out.Trailer...)
	w.ended = w.ended || out.End != transcoder.EndNone
	w.Aborted = w.Aborted || out.End == transcoder.EndAbort
	out.Data.Free()
	out.Reset()
}

// send says messages, as a backend has them: header first.
func (c *contract) send(t testing.TB, p *pool, call *transcoder.Call, f transcoder.Framer, w *writer, messages ...[]byte) error {
	t.Helper()
	var out transcoder.Out
	f.Header(call, &out)
	w.take(t, &out)
	for _, data := range messages {
		m := transcoder.Message{}
		for piece := range slices.Chunk(data, 100) {
			m.Data = append(m.Data, p.buffer(piece))
		}
		if err := f.Message(call, m, &out); err != nil {
			out.Data.Free()
			out.Reset()
			return err
		}
		w.take(t, &out)
	}
	return nil
}

// end ends the answer and reads it.
func (c *contract) end(t testing.TB, call *transcoder.Call, f transcoder.Framer, w *writer) Outcome {
	t.Helper()
	var out transcoder.Out
	f.Close()
	f.End(call, &out)
	w.take(t, &out)
	if !w.ended {
		t.Error("End has not ended the answer")
	}
	return c.Answer(t, c.method, &w.Answer)
}

// replies are answers that a method can give.
func (c *contract) replies() [][][]byte {
	one := [][][]byte{{message("hello")}, {{}}, {message(string(bytes.Repeat([]byte("long "), 1000)))}}
	if !c.method.ServerStreams {
		return one
	}
	return append(one, [][]byte{}, [][]byte{message("a"), {}, message("b")})
}

func (c *contract) answers(t *testing.T) {
	for _, messages := range c.replies() {
		var (
			p pool
			w writer
		)
		r, _ := c.request(t, c.messages()...)
		call, f := c.open(t, r)
		call.RequestID = "the-id"
		call.Header.Add("x-h", "1")
		call.Header.Add("x-h", "2")
		call.Trailer.Add("x-t", "3")
		if err := c.send(t, &p, call, f, &w, messages...); err != nil {
			t.Fatal(err)
		}
		got := c.end(t, call, f, &w)
		if got.Code != codes.OK || !slices.EqualFunc(got.Messages, messages, bytes.Equal) {
			t.Errorf("%x came as %s, %x", messages, got.Code, got.Messages)
		}
		if w.Aborted {
			t.Error("a good answer was cut off")
		}
		var h []string
		for _, field := range w.Header {
			if field.Name == "x-h" {
				h = append(h, field.Value)
			}
		}
		if !slices.Equal(h, []string{"1", "2"}) || w.Header.Get("x-request-id") != "the-id" { // T166, T216
			t.Errorf("the head has x-h %q and x-request-id %q", h, w.Header.Get("x-request-id"))
		}
		if got.Trailer.Get("x-t") != "3" {
			t.Errorf("the trailers are %v", got.Trailer)
		}
		if n, _ := p.outstanding(); n != 0 {
			t.Errorf("%d buffers were not given back", n)
		}
	}
}

// failures: T152, T128, T136: an error is never a good answer, whatever was sent before it.
func (c *contract) failures(t *testing.T) {
	for _, failure := range []error{
		status.Errorf(codes.NotFound, status.ReasonBackendError, "not here"),
		grpcstatus.Error(codes.PermissionDenied, "ä\r\n\"x\""),
		grpcstatus.Error(codes.Code(99), "a code that nobody knows"),
		errors.New("an error that is no status"),
	} {
		for sent := range 3 {
			if sent > 1 && !c.method.ServerStreams {
				continue
			}
			for _, header := range []bool{false, true} {
				var (
					p   pool
					w   writer
					out transcoder.Out
				)
				r, _ := c.request(t, c.messages()...)
				call, f := c.open(t, r)
				if header {
					f.Header(call, &out)
					w.take(t, &out)
				}
				messages := slices.Repeat([][]byte{message("m")}, sent)
				if sent > 0 {
					if err := c.send(t, &p, call, f, &w, messages...); err != nil {
						t.Fatal(err)
					}
				}
				call.Err = failure
				got := c.end(t, call, f, &w)
				if got.Code == codes.OK {
					t.Errorf("%v after %d messages looks whole: %d %q", failure, sent, w.Status, w.Body)
				}
				want := codes.Code(status.Proto(failure).GetCode()) //nolint:gosec // codes are small
				if sent == 0 && want <= codes.Unauthenticated && got.Code != want {
					t.Errorf("%v came as %s", failure, got.Code)
				}
				if sent == 0 && got.Text != "" && got.Text != status.Proto(failure).GetMessage() {
					t.Errorf("%q came as %q", status.Proto(failure).GetMessage(), got.Text)
				}
				if n, _ := p.outstanding(); n != 0 {
					t.Errorf("%d buffers were not given back", n)
				}
			}
		}
	}
}

// unsayable: T120.
func (c *contract) unsayable(t *testing.T) {
	var (
		p pool
		w writer
	)
	r, _ := c.request(t, c.messages()...)
	call, f := c.open(t, r)
	err := c.send(t, &p, call, f, &w, []byte{0xff, 0xff})
	if (err != nil) != c.Converts {
		t.Errorf("a message that is not one of its type: %v; want an error %v", err, c.Converts)
	}
	if call.Err = err; err != nil {
		wantStatus(t, err, codes.Internal)
		if got := c.end(t, call, f, &w); got.Code == codes.OK {
			t.Errorf("the answer looks whole: %d %q", w.Status, w.Body)
		}
	} else {
		c.end(t, call, f, &w)
	}
	if n, _ := p.outstanding(); n != 0 {
		t.Errorf("%d buffers were not given back", n)
	}
}

// refusals: Open always gives a Framer, and that one can say why nothing is to be called.
func (c *contract) refusals(t *testing.T) {
	for name, spoil := range map[string]func(*transcoder.Request){
		"an unknown method":         func(r *transcoder.Request) { r.Path = "/protocoltest.Contract/Nope" },
		"a path that is none":       func(r *transcoder.Request) { r.Path = "/" },
		"metadata that is not":      func(r *transcoder.Request) { r.Header.Add("x-bin", "!") },
		"another verb":              func(r *transcoder.Request) { r.Method = "BREW" },
		"a head that is read twice": func(r *transcoder.Request) { r.Header.Add("x-tab", "\t") },
	} {
		var w writer
		r, _ := c.request(t, c.messages()...)
		spoil(r)
		call := transcoder.NewCall(t.Context(), r)
		f, err := c.protocol.Open(c.mux, call) // it may not accept the request; it must not fail on it
		if f == nil {
			t.Errorf("%s: there is no Framer", name)
			continue
		}
		if err == nil {
			if c.protocol.Accepts(r) {
				t.Errorf("%s is accepted", name)
			}
			continue
		}
		wantStatus(t, err)
		call.Err = err
		if got := c.end(t, call, f, &w); got.Code == codes.OK {
			t.Errorf("%s looks like a good answer: %d %q", name, w.Status, w.Body)
		}
	}
}

// together: the race detector watches.
func (c *contract) together(t *testing.T) {
	want := c.messages()
	r, body := c.request(t, want...)
	call, f := c.open(t, r)
	type result struct {
		messages [][]byte
		err      error
	}
	done := make(chan result)
	go func() {
		var (
			p   pool
			all result
		)
		all.messages, all.err = read(call, f)
		for i := 0; i < len(body) && all.err == nil; i++ {
			if all.err = f.Push(call, p.buffer(body[i:i+1]), i == len(body)-1); all.err == nil {
				var more [][]byte
				more, all.err = read(call, f)
				all.messages = append(all.messages, more...)
			}
		}
		done <- all
	}()
	var (
		p pool
		w writer
	)
	reply := c.replies()[0]
	if err := c.send(t, &p, call, f, &w, reply...); err != nil {
		t.Error(err)
	}
	if got := <-done; !errors.Is(got.err, io.EOF) || !slices.EqualFunc(got.messages, want, bytes.Equal) {
		t.Errorf("the request came as %x, %v", got.messages, got.err)
	}
	if got := c.end(t, call, f, &w); got.Code != codes.OK || !slices.EqualFunc(got.Messages, reply, bytes.Equal) {
		t.Errorf("the answer came as %s, %x", got.Code, got.Messages)
	}
}
