// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func envelope(flags byte, data string) string {
	var head [wire.EnvelopeSize]byte
	wire.PutEnvelope(head[:], flags, len(data))
	return string(head[:]) + data
}

// cut pushes body in pieces that end at the given offsets and returns the messages.
func cut(t *testing.T, limit int64, body string, ends ...int) (messages []string, err error) {
	t.Helper()
	e := wire.NewEnvelopes(limit)
	defer e.Free()
	from := 0
	for _, end := range append(ends, len(body)) {
		e.Push(mem.SliceBuffer(body[from:end]), end == len(body))
		from = end
		for {
			msg, _, ok, err := e.Next()
			if err != nil {
				return messages, err
			}
			if !ok {
				break
			}
			messages = append(messages, string(msg.Materialize()))
			msg.Free()
		}
	}
	if !e.Done() {
		t.Error("the envelopes are not done after the last piece")
	}
	return messages, nil
}

// E11: a body that is cut anywhere gives the same messages.
func TestEnvelopesGiveTheSameMessagesWhereverTheBodyIsCut(t *testing.T) {
	t.Parallel()
	want := []string{"hello", "", "a longer message", "x"}
	body := ""
	for _, m := range want {
		body += envelope(0, m)
	}
	for a := range len(body) + 1 {
		for b := a; b <= len(body); b++ {
			got, err := cut(t, 100, body, a, b)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("cut at %d and %d: got %q, %v; want %q", a, b, got, err, want)
			}
		}
	}
}

// T196, E10: the length is checked before the message is there.
func TestT196LengthPrefixIsCheckedBeforeTheMessageComes(t *testing.T) {
	t.Parallel()
	_, err := cut(t, 100, "\x00\xff\xff\xff\xff")
	large, ok := errors.AsType[*wire.TooLargeError](err)
	if !ok || large.Size != 1<<32-1 || large.Limit != 100 {
		t.Errorf("got %v; want a TooLargeError of 4294967295 over 100", err)
	}
}

// T197: a body that ends inside a message is an error, never a short message.
func TestT197TruncatedBody(t *testing.T) {
	t.Parallel()
	body := envelope(0, "hello")
	for n := 1; n < len(body); n++ {
		if got, err := cut(t, 100, body[:n]); !errors.Is(err, wire.ErrTruncated) || len(got) != 0 {
			t.Errorf("cut after %d bytes: got %q, %v; want ErrTruncated", n, got, err)
		}
	}
}

func FuzzEnvelopes(f *testing.F) {
	f.Add([]byte(envelope(0, "hello")+envelope(1, "")), 3)
	f.Add([]byte("\x00\xff\xff\xff\xff"), 1)
	f.Fuzz(func(t *testing.T, body []byte, piece int) {
		e := wire.NewEnvelopes(1 << 16)
		defer e.Free()
		piece = max(1, piece%64)
		total := 0
		for chunk := range slices.Chunk(body, piece) {
			e.Push(mem.SliceBuffer(chunk), false)
			for {
				msg, _, ok, err := e.Next()
				if err != nil {
					return
				}
				if !ok {
					break
				}
				total += msg.Len() + wire.EnvelopeSize
				msg.Free()
			}
		}
		if total > len(body) {
			t.Errorf("%d bytes of messages came out of %d", total, len(body))
		}
	})
}
