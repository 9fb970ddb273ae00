// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

func streams(n uint32) xhttp2.Setting {
	return xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: n}
}

// heads reads so many heads, and fails if another comes before the answer to a PING.
func (w *world) heads(n int) (ids []uint32) {
	w.Helper()
	for len(ids) < n {
		ids = append(ids, until[*xhttp2.MetaHeadersFrame](w).StreamID)
	}
	w.Must(w.Framer.WritePing(false, [8]byte{1}))
	for {
		switch f := until[xhttp2.Frame](w).(type) {
		case *xhttp2.MetaHeadersFrame:
			w.Errorf("stream %d has begun above the limit", f.StreamID)
		case *xhttp2.PingFrame:
			return ids
		}
	}
}

// A server says how many calls it takes at a time, none included, and may change its mind; the others wait, in turn (RFC 9113 section 5.1.2).
func TestPlaces(t *testing.T) {
	t.Parallel()
	w := open(t, plain(), streams(0))
	var all []*call
	for range 6 {
		all = append(all, w.start(t.Context(), "request"))
	}
	w.heads(0)
	w.Must(w.Framer.WriteSettings(streams(2)))
	w.acknowledged()
	ids := w.heads(2)
	w.Must(w.Framer.WriteSettings(streams(4)))
	w.acknowledged()
	ids = append(ids, w.heads(2)...)
	w.Must(w.Framer.WriteSettings(streams(1)))
	w.acknowledged()
	for _, id := range ids[:3] { // there are four: none takes their place
		w.answer(id, "answer")
		w.heads(0)
	}
	w.answer(ids[3], "answer")
	ids = append(ids, w.heads(1)...)
	w.Must(w.Framer.WriteRSTStream(ids[4], xhttp2.ErrCodeRefusedStream)) // gives its place back as well
	ids = append(ids, w.heads(1)...)
	w.answer(ids[5], "answer")
	refused := 0
	for _, c := range all {
		if st := within(t, c.ended); st.Code() == codes.Unavailable && c.Unseen() {
			refused++
		} else if st.Code() != codes.OK {
			t.Errorf("a call ends with %v", st)
		}
	}
	if refused != 1 || ids[5] != 11 {
		t.Errorf("%d calls were refused; the streams are %v", refused, ids)
	}
	w.works()
}

// A place that is given back is not lost when whoever is to have it does not want it any more, or cannot be sent.
func TestPlacesThatNobodyTakes(t *testing.T) {
	t.Parallel()
	t.Run("taken back at the same time", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(), streams(1))
		s := &serverOf{w, func(id uint32) { w.answer(id, "answer") }}
		s.while(func() {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for i := range 100 {
						ctx, cancel := context.WithCancel(t.Context())
						c := w.start(ctx, "request")
						if i%2 == 0 {
							cancel()
						}
						if st := within(t, c.ended); i%2 == 1 && st.Code() != codes.OK {
							t.Errorf("a call ends with %v", st)
						}
						cancel()
					}
				})
			}
			all.Wait()
		})
	})
	t.Run("larger than the server takes", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(), streams(1), xhttp2.Setting{ID: xhttp2.SettingMaxHeaderListSize, Val: 4 << 10})
		for range 20 {
			one := w.unary("request")
			large := w.start(t.Context(), "request", "x-large", strings.Repeat("x", 4<<10))
			next := w.start(t.Context(), "next")
			w.heads(0)
			w.answer(one.id, "answer")
			one.ends(t, "answer")
			next.id = until[*xhttp2.MetaHeadersFrame](w).StreamID
			w.answer(next.id, "answer")
			next.ends(t, "answer")
			large.fails(t, codes.Internal)
			if large.Opened() {
				t.Error("what is too large was sent")
			}
		}
	})
}
