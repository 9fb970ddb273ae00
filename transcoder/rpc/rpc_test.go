// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rpc_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// call makes a call of the contract's unary method.
func call(t testing.TB) *transcoder.Call {
	t.Helper()
	c := transcoder.NewCall(t.Context(), &transcoder.Request{})
	c.Method = protocoltest.NewMux(t).Method("/protocoltest.Contract/Unary")
	return c
}

// text makes a message.
func text(s string) transcoder.Message {
	data := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), s)
	return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}}
}

func packed(t testing.TB, encoding string, m transcoder.Message) transcoder.Message {
	t.Helper()
	data, err := compression.Find(encoding).Compress(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	return transcoder.Message{Data: data, Encoding: encoding}
}

// What the gateway compresses, and in what: nothing unless it is told to, and what the backend compressed as it is.
func TestWriterCompresses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 500)
	noise := make([]byte, 2000)
	_, _ = rand.Read(noise)
	for _, tt := range []struct {
		name    string
		from    int
		form    rpc.Form
		accepts string
		message transcoder.Message
		want    string // encoding of the message
		stream  string // encoding that the head of a stream says
	}{
		{"by default, nothing", 0, rpc.Proto, "gzip", text(long), "", "gzip"}, // the backend may have compressed the next
		{"by default, nothing in JSON", 0, rpc.JSON, "gzip", text(long), "", ""},
		{"nothing that nobody accepts", 100, rpc.Proto, "", text(long), "", ""},
		{"nothing that only others know", 100, rpc.Proto, "deflate, identity", text(long), "", ""},
		{"from a size on", 100, rpc.Proto, "gzip", text(long), "gzip", "gzip"},
		{"below it", 10_000, rpc.Proto, "gzip", text(long), "", "gzip"},
		{"JSON", 100, rpc.JSON, "br", text(long), "br", "br"},
		{"what the client prefers", 100, rpc.JSON, "zstd, gzip, br", text(long), "zstd", "zstd"},
		{"what can pass before what the client prefers", 100, rpc.Proto, "zstd, gzip", text(long), "gzip", "gzip"},
		{"what does not get smaller", 100, rpc.Proto, "gzip", text(string(noise)), "", "gzip"},
		{"the backend's own", 0, rpc.Proto, "gzip", packed(t, "gzip", text(long)), "gzip", "gzip"},
		{"the backend's own, small", 100, rpc.Proto, "gzip", packed(t, "gzip", text("short")), "gzip", "gzip"},
		{"the backend's own for JSON", 0, rpc.JSON, "gzip", packed(t, "gzip", text(long)), "", ""},
		{"the backend's own for who does not accept it", 0, rpc.Proto, "br", packed(t, "gzip", text(long)), "", ""},
	} {
		c := call(t)
		want := tt.message
		want.Data.Ref()
		if err := want.Decompress(1 << 20); err != nil {
			t.Fatal(err)
		}
		w := rpc.NewWriter(&rpc.Config{CompressFrom: tt.from}, tt.form)
		w.Accept(c, tt.accepts)
		got, err := w.Encode(c, tt.message)
		if err != nil || got.Encoding != tt.want || w.Encoding(c) != tt.stream {
			t.Errorf("%s: the message is in %q and the stream in %q, %v; want %q and %q", tt.name, got.Encoding, w.Encoding(c), err, tt.want, tt.stream)
			continue
		}
		if err := got.Decompress(1 << 20); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		data := got.Data.Materialize()
		if plain := want.Data.Materialize(); tt.form == rpc.Proto && !bytes.Equal(data, plain) {
			t.Errorf("%s: the message is another: %x", tt.name, data)
		}
		if tt.form == rpc.JSON && !bytes.HasPrefix(data, []byte(`{"text":"`)) {
			t.Errorf("%s: the message is %q", tt.name, data)
		}
	}
}

// A backend's message that is not what it says it is, is the backend's fault.
func TestT120_AnswersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]transcoder.Message{
		"not gzip": {Data: mem.BufferSlice{mem.SliceBuffer("no")}, Encoding: "gzip"},
		"not text": {Data: mem.BufferSlice{mem.SliceBuffer("\xff")}},
		"a bomb":   packed(t, "gzip", text(strings.Repeat("x", transcoder.DefaultMaxAnswer+1))),
	} {
		c := call(t)
		w := rpc.NewWriter(&rpc.Config{}, rpc.JSON)
		_, err := w.Encode(c, m)
		if e, ok := errors.AsType[*status.Error](err); !ok || e.Code != codes.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a Reader keeps compressed, and what it does not.
func TestReaderKeepsCompressed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, encoding string
		form           rpc.Form
		keep           bool
		want           string
	}{
		{"kept", "gzip", rpc.Proto, true, "gzip"},
		{"nobody asked", "gzip", rpc.Proto, false, ""},
		{"JSON", "gzip", rpc.JSON, true, ""},
	} {
		c := call(t)
		r := rpc.NewReader(tt.form, 1000)
		if err := r.SetEncoding(c, "grpc-encoding", tt.encoding); err != nil {
			t.Fatal(err)
		}
		c.KeepCompressed = tt.keep
		plain := text("hello")
		if tt.form == rpc.JSON {
			plain = transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(`{"text":"hello"}`)}}
		}
		got, err := r.Message(c, packed(t, tt.encoding, plain).Data, true)
		if err != nil || got.Encoding != tt.want {
			t.Errorf("%s: in %q, %v; want %q", tt.name, got.Encoding, err, tt.want)
		}
		if err := got.Decompress(1000); err != nil || !bytes.Equal(got.Data.Materialize(), text("hello").Data.Materialize()) {
			t.Errorf("%s: %s, %v", tt.name, hex.EncodeToString(got.Data.Materialize()), err)
		}
		// E8: what is kept has been measured.
		if _, err := r.Message(c, packed(t, tt.encoding, text(strings.Repeat("x", 1001))).Data, true); status.ReasonOf(err) != status.ReasonMessageTooLarge {
			t.Errorf("%s: a bomb: %v", tt.name, err)
		}
		if _, err := r.Message(c, mem.BufferSlice{mem.SliceBuffer("rubbish")}, true); status.ReasonOf(err) != status.ReasonBadRequest {
			t.Errorf("%s: rubbish: %v", tt.name, err)
		}
	}
}

// Errors of the gateway itself have an ErrorInfo unless that is not wanted; a backend's details stay.
func TestStatusWithoutInfo(t *testing.T) {
	t.Parallel()
	own := status.Errorf(codes.NotFound, status.ReasonNoRoute, "m")
	own.Violations = []status.Violation{{Field: "f"}}
	for without, want := range map[bool][]string{false: {"google.rpc.ErrorInfo", "google.rpc.BadRequest"}, true: {"google.rpc.BadRequest"}} {
		var got []string
		for _, d := range (&rpc.Config{WithoutErrorInfo: without}).Status(own).GetDetails() {
			got = append(got, string(d.MessageName()))
		}
		if !slices.Equal(got, want) {
			t.Errorf("without %v: %q, want %q", without, got, want)
		}
	}
	if err := (&rpc.Config{CompressFrom: -1}).Check(); err == nil {
		t.Error("a negative size is accepted")
	}
}
