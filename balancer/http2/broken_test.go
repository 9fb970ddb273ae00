// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// What breaks the rules of connections ends them, with the code that RFC 9113 names, and all their calls. Stream 1 has sent its request, stream 3 its
// head.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		send func(*world)
		want xhttp2.ErrCode
	}{
		{"DATA of no stream (6.1)", func(w *world) { w.Raw(0, 0, 1, 0, 0, 0, 0, 0, 0, 'x') }, xhttp2.ErrCodeProtocol},
		{"DATA of a stream that has not begun (5.1)", func(w *world) { w.Raw(0, 0, 1, 0, 0, 0, 0, 0, 5, 'x') }, xhttp2.ErrCodeProtocol},
		{"DATA of a stream of the server's (5.1.1)", func(w *world) { w.Raw(0, 0, 1, 0, 0, 0, 0, 0, 2, 'x') }, xhttp2.ErrCodeProtocol},
		{"DATA shorter than its padding (6.1)", func(w *world) {
			w.Headers(1, false, w.okay())
			w.Raw(0, 0, 2, 0, 8, 0, 0, 0, 1, 9, 'x')
		}, xhttp2.ErrCodeProtocol},
		{"DATA without room for padding (6.1)", func(w *world) {
			w.Headers(1, false, w.okay())
			w.Raw(0, 0, 0, 0, 8, 0, 0, 0, 1)
		}, xhttp2.ErrCodeFrameSize},
		{"HEADERS of a stream of the server's (5.1.1)", func(w *world) { w.Headers(2, true, w.okay()) }, xhttp2.ErrCodeProtocol},
		{"HEADERS of a stream that has not begun (5.1)", func(w *world) { w.Headers(5, true, w.okay()) }, xhttp2.ErrCodeProtocol},
		{"HEADERS of no stream (6.2)", func(w *world) { w.Raw(0, 0, 1, 1, 4, 0, 0, 0, 0, 0x88) }, xhttp2.ErrCodeProtocol},
		{"HEADERS shorter than their padding (6.2)", func(w *world) { w.Raw(0, 0, 2, 1, 0xc, 0, 0, 0, 1, 9, 0x88) }, xhttp2.ErrCodeProtocol},
		{"HEADERS without room for padding (6.2)", func(w *world) { w.Raw(0, 0, 0, 1, 0xc, 0, 0, 0, 1) }, xhttp2.ErrCodeFrameSize},
		{"HEADERS without room for a priority (6.2)", func(w *world) { w.Raw(0, 0, 2, 1, 0x24, 0, 0, 0, 1, 9, 0x88) }, xhttp2.ErrCodeFrameSize},
		{"a head that cannot be decoded (4.3)", func(w *world) { w.Headers(1, true, bytes.Repeat([]byte{0xff}, 8)) }, xhttp2.ErrCodeCompression},
		{"a head that refers to nothing (4.3)", func(w *world) { w.Headers(1, true, []byte{0xbe}) }, xhttp2.ErrCodeCompression},
		{"a head that breaks off (4.3)", func(w *world) { w.Headers(1, true, []byte{0x40, 0x05, 'a'}) }, xhttp2.ErrCodeCompression},
		{"a table that is larger than it may be (4.3.1)", func(w *world) { w.Headers(1, true, []byte{0x3f, 0xe2, 0x1f, 0x88}) }, xhttp2.ErrCodeCompression},
		{"trailers that cannot be decoded (4.3)", func(w *world) {
			w.Headers(3, false, w.okay())
			w.Headers(3, true, []byte{0x80})
		}, xhttp2.ErrCodeCompression},
		{"another frame within a head (6.2)", func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
			w.Must(w.Framer.WritePing(false, [8]byte{}))
		}, xhttp2.ErrCodeProtocol},
		{"a frame of no known kind within a head (5.5)", func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
			w.Must(w.Framer.WriteRawFrame(0xfa, 0, 1, nil))
		}, xhttp2.ErrCodeProtocol},
		{"another head within a head (6.2)", func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
			w.Headers(1, true, w.okay())
		}, xhttp2.ErrCodeProtocol},
		{"CONTINUATION of another stream (6.10)", func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
			w.Must(w.Framer.WriteContinuation(3, true, nil))
		}, xhttp2.ErrCodeProtocol},
		{"CONTINUATION of nothing (6.10)", func(w *world) { w.Must(w.Framer.WriteContinuation(1, true, w.okay())) }, xhttp2.ErrCodeProtocol},
		{"CONTINUATION behind the end of a head (6.10)", func(w *world) {
			w.Headers(1, false, w.okay())
			w.Must(w.Framer.WriteContinuation(1, true, nil))
		}, xhttp2.ErrCodeProtocol},
		{"PRIORITY of no stream (6.3)", func(w *world) { w.Raw(0, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"PRIORITY of another length (6.3)", func(w *world) { w.Raw(0, 0, 4, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"RST_STREAM of no stream (6.4)", func(w *world) { w.Raw(0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 8) }, xhttp2.ErrCodeProtocol},
		{"RST_STREAM of a stream that has not begun (6.4)", func(w *world) { w.Must(w.Framer.WriteRSTStream(5, xhttp2.ErrCodeCancel)) }, xhttp2.ErrCodeProtocol},
		{"RST_STREAM of another length (6.4)", func(w *world) { w.Raw(0, 0, 3, 3, 0, 0, 0, 0, 1, 0, 0, 8) }, xhttp2.ErrCodeFrameSize},
		{"SETTINGS of a stream (6.5)", func(w *world) { w.Raw(0, 0, 0, 4, 0, 0, 0, 0, 1) }, xhttp2.ErrCodeProtocol},
		{"SETTINGS of another length (6.5)", func(w *world) { w.Raw(0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"an acknowledgement that says something (6.5)", func(w *world) { w.Raw(0, 0, 6, 4, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1) }, xhttp2.ErrCodeFrameSize},
		{"ENABLE_PUSH of a server (6.5.2)", func(w *world) { w.Must(w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingEnablePush, Val: 1})) }, xhttp2.ErrCodeProtocol},
		{"ENABLE_PUSH of 2 (6.5.2)", func(w *world) { w.Must(w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingEnablePush, Val: 2})) }, xhttp2.ErrCodeProtocol},
		{"a window that is too large (6.5.2)", func(w *world) { w.Raw(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x80, 0, 0, 0) }, xhttp2.ErrCodeFlowControl},
		{"frames that are too small (6.5.2)", func(w *world) { w.Raw(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x3f, 0xff) }, xhttp2.ErrCodeProtocol},
		{"frames that are too large (6.5.2)", func(w *world) { w.Raw(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"a window that becomes too large (6.9.2)", func(w *world) {
			w.Must(w.Framer.WriteWindowUpdate(3, 1<<31-1-65535))
			w.Must(w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 65536}))
		}, xhttp2.ErrCodeFlowControl},
		{"PUSH_PROMISE (8.4)", func(w *world) { w.Raw(0, 0, 5, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0x82) }, xhttp2.ErrCodeProtocol},
		{"PING of a stream (6.7)", func(w *world) { w.Raw(0, 0, 8, 6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"PING of another length (6.7)", func(w *world) { w.Raw(0, 0, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"GOAWAY of a stream (6.8)", func(w *world) { w.Raw(0, 0, 8, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"GOAWAY that is too short (4.2)", func(w *world) { w.Raw(0, 0, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of nothing (6.9)", func(w *world) { w.Raw(0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"WINDOW_UPDATE of a stream that has not begun (5.1)", func(w *world) { w.Raw(0, 0, 4, 8, 0, 0, 0, 0, 5, 0, 0, 0, 1) }, xhttp2.ErrCodeProtocol},
		{"WINDOW_UPDATE of another length (6.9)", func(w *world) { w.Raw(0, 0, 3, 8, 0, 0, 0, 0, 0, 0, 0, 1) }, xhttp2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of too much (6.9.1)", func(w *world) { w.Must(w.Framer.WriteWindowUpdate(0, 1<<31-1)) }, xhttp2.ErrCodeFlowControl},
		{"a frame that is too large (4.2)", func(w *world) { w.Raw(0, 0x40, 1, 0, 0, 0, 0, 0, 1) }, xhttp2.ErrCodeFrameSize},
		{"a PING that is far too large (4.2)", func(w *world) { w.Raw(0xff, 0xff, 0xff, 6, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"a frame of no known kind that is too large (4.2)", func(w *world) { w.Raw(0, 0x40, 1, 0xfa, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain())
			one := w.unary("request")
			three, _ := w.streaming()
			row.send(w)
			code, text := w.farewell()
			if code != row.want || text == "" {
				t.Errorf("ends with %s %q, want %s", code, text, row.want)
			}
			if st := one.fails(t, codes.Unavailable); !strings.Contains(st.Message(), text) {
				t.Errorf("the caller is told %q, the server %q", st.Message(), text)
			}
			if _, err := received(t, three); status.Code(err) != codes.Unavailable {
				t.Errorf("a stream ends with %v", err)
			}
			if one.Unseen() || three.Unseen() {
				t.Error("the server may have seen the calls")
			}
			if l := w.gone(); l.tired || !strings.Contains(l.err.Error(), text) {
				t.Errorf("it leaves because of %v", l)
			}
			late := message("late")
			if err := w.conn.Open(t.Context(), http2.NewStream(most, true), request(), &late, true); !http2.ErrLeaving(err) {
				t.Errorf("a later call gets %v", err)
			}
		})
	}
}

// Settings come first.
func TestWithoutSettings(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*world){
		"an acknowledgement":    func(w *world) { w.Must(w.Framer.WriteSettingsAck()) },
		"a ping":                func(w *world) { w.Must(w.Framer.WritePing(false, [8]byte{})) },
		"a window":              func(w *world) { w.Must(w.Framer.WriteWindowUpdate(0, 1)) },
		"a goodbye":             func(w *world) { w.Must(w.Framer.WriteGoAway(0, xhttp2.ErrCodeNo, nil)) },
		"what nobody knows":     func(w *world) { w.Must(w.Framer.WriteRawFrame(0xfa, 0, 0, nil)) },
		"another protocol":      func(w *world) { w.Raw([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...) },
		"an answer to no call":  func(w *world) { w.Headers(1, true, w.okay()) },
		"an answer to its call": func(w *world) { w.unary("request"); w.Headers(1, true, w.okay()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, plain())
			send(w)
			// An answer of another protocol is a frame that is too large.
			if code, _ := w.farewell(); code != xhttp2.ErrCodeProtocol && code != xhttp2.ErrCodeFrameSize {
				t.Errorf("ends with %s", code)
			}
			w.gone()
			if len(w.ready) > 0 {
				t.Error("it was said to be ready")
			}
		})
	}
}

// What breaks the rules of streams ends them alone. Stream 1 is the one that is wrong; what comes of it later harms nothing.
func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		send func(*world)
		want xhttp2.ErrCode
		code codes.Code
	}{
		{"DATA before a head (8.1)", func(w *world) { w.data(1, false, framed("x")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"DATA behind a head that is not the last (8.1)", func(w *world) {
			w.Headers(1, false, w.Fields(":status", "103"))
			w.data(1, false, framed("x"))
		}, xhttp2.ErrCodeProtocol, codes.Internal},
		{"HEADERS in the middle (8.1)", func(w *world) {
			w.Headers(1, false, w.okay())
			w.Headers(1, false, w.Fields("a", "b"))
		}, xhttp2.ErrCodeProtocol, codes.Internal},
		{"an end without trailers", func(w *world) {
			w.Headers(1, false, w.okay())
			w.data(1, true, nil)
		}, xhttp2.ErrCodeNo, codes.Internal},
		{"WINDOW_UPDATE of nothing (6.9)", func(w *world) { w.Raw(0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"WINDOW_UPDATE of too much (6.9.1)", func(w *world) { w.Must(w.Framer.WriteWindowUpdate(1, 1<<31-1)) }, xhttp2.ErrCodeFlowControl, codes.Internal},
		{"more than the stream's window (6.9.1)", func(w *world) {
			w.Headers(1, false, w.okay())
			for range 9 { // nobody takes it
				w.data(1, false, bytes.Repeat(framed(strings.Repeat("x", 1019)), 12))
			}
		}, xhttp2.ErrCodeFlowControl, codes.Internal},
		{"a message that is larger than it may be", func(w *world) {
			w.Headers(1, false, w.okay())
			w.data(1, false, []byte{0, 0, 0x40, 0, 1, 'x'})
		}, xhttp2.ErrCodeCancel, codes.ResourceExhausted},
		{"a prefix that is none", func(w *world) {
			w.Headers(1, false, w.okay())
			w.data(1, false, []byte{2, 0, 0, 0, 1, 'x'})
		}, xhttp2.ErrCodeCancel, codes.Internal},
		{"a head that is too large (10.5.1)", func(w *world) { w.Headers(1, false, w.okay("a", strings.Repeat("x", 9<<10))) }, xhttp2.ErrCodeEnhanceYourCalm, codes.Internal},
		{"trailers that are too large (10.5.1)", func(w *world) {
			w.Headers(1, false, w.okay())
			w.trailers(1, "a", strings.Repeat("x", 9<<10))
		}, xhttp2.ErrCodeEnhanceYourCalm, codes.Internal},
		{"a field without a name (8.2.1)", func(w *world) { w.Headers(1, false, w.okay("", "b")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a name in upper case (8.2.1)", func(w *world) { w.Headers(1, false, w.okay("Upper", "b")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a name with a space (8.2.1)", func(w *world) { w.Headers(1, false, w.okay("a b", "b")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a value with a line's end (8.2.1)", func(w *world) { w.Headers(1, false, w.okay("a", "b\r\nc: d")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a value with a zero (8.2.1)", func(w *world) { w.Headers(1, false, w.okay("a", "b\x00")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a content type with a line's end (8.2.1)", func(w *world) {
			w.Headers(1, false, w.Fields(":status", "200", "content-type", "application/grpc+\r\na: b"))
		}, xhttp2.ErrCodeProtocol, codes.Internal},
		{"trailers with a line's end (8.2.1)", func(w *world) {
			w.Headers(1, false, w.okay())
			w.trailers(1, "a", "b\nc")
		}, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a pseudo field that nobody knows (8.3)", func(w *world) { w.Headers(1, false, w.okay(":strange", "b")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a pseudo field of requests (8.3)", func(w *world) {
			w.Headers(1, false, w.Fields(":status", "200", ":path", "/", "content-type", "application/grpc"))
		}, xhttp2.ErrCodeProtocol, codes.Internal},
		{"a status behind another field (8.3)", func(w *world) { w.Headers(1, false, w.Fields("content-type", "application/grpc", ":status", "200")) }, xhttp2.ErrCodeProtocol, codes.Internal},
		{"two statuses (8.3)", func(w *world) {
			w.Headers(1, false, w.Fields(":status", "200", ":status", "200", "content-type", "application/grpc"))
		}, xhttp2.ErrCodeProtocol, codes.Internal},
		{"no status (8.3.2)", func(w *world) { w.Headers(1, false, w.Fields("content-type", "application/grpc")) }, xhttp2.ErrCodeProtocol, codes.Internal},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain())
			one, _ := w.streaming()
			three := w.unary("request")
			row.send(w)
			if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != 1 || f.ErrCode != row.want {
				t.Errorf("stream %d ends with %s, want 1 with %s", f.StreamID, f.ErrCode, row.want)
			}
			var err error
			for err == nil {
				_, err = received(t, one)
			}
			if status.Code(err) != row.code {
				t.Errorf("the call ends with %v, want %v", err, row.code)
			}
			m := message("more")
			if err := one.Send(t.Context(), &m, true); !errors.Is(err, io.EOF) {
				t.Errorf("sending more: %v", err)
			}
			// The server does not know yet that the stream has ended.
			w.Headers(1, false, w.okay())
			w.data(1, false, framed("late"))
			w.Must(w.Framer.WriteWindowUpdate(1, 1))
			w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeCancel))
			w.answer(three.id, "answer")
			three.ends(t, "answer")
			w.works()
			if w.lefts.Load() > 0 {
				t.Error("the connection was said to take no more")
			}
		})
	}
}

// What comes of a stream that has ended, is not what was asked for, or has no use, harms nothing (RFC 9113 sections 5.1, 5.5).
func TestThingsOfNoUse(t *testing.T) {
	t.Parallel()
	w := open(t, plain(), xhttp2.Setting{ID: 0xfafa, Val: 1}, xhttp2.Setting{ID: xhttp2.SettingMaxFrameSize, Val: 1<<24 - 1},
		xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 0}, xhttp2.Setting{ID: xhttp2.SettingEnablePush, Val: 0})
	one := w.unary("request")
	for kind := xhttp2.FrameType(0x0a); kind < 0x20; kind++ {
		w.Must(w.Framer.WriteRawFrame(kind, 0xff, 1, []byte("anything")))
		w.Must(w.Framer.WriteRawFrame(kind, 0, 0, nil))
	}
	w.Must(w.Framer.WritePriority(9, xhttp2.PriorityParam{StreamDep: 9}))
	w.Must(w.Framer.WritePing(true, [8]byte{1}))
	w.Must(w.Framer.WriteSettingsAck())
	// A head that says of itself what it may, in one frame, and then in four.
	w.Must(w.Framer.WriteRawFrame(xhttp2.FrameHeaders, xhttp2.FlagHeadersEndHeaders|xhttp2.FlagHeadersPriority|xhttp2.FlagHeadersPadded, 1,
		append(append([]byte{3, 0, 0, 0, 0, 7}, w.okay("a", "b")...), 0, 0, 0)))
	w.Must(w.Framer.WriteDataPadded(1, false, framed("answer"), make([]byte, 100)))
	trailers := w.Fields("grpc-status", "0", "c", "d")
	w.Must(w.Framer.WriteRawFrame(xhttp2.FrameHeaders, xhttp2.FlagHeadersEndStream, 1, trailers[:1]))
	w.Must(w.Framer.WriteContinuation(1, false, nil))
	w.Must(w.Framer.WriteContinuation(1, false, trailers[1:3]))
	w.Must(w.Framer.WriteContinuation(1, true, trailers[3:]))
	one.ends(t, "answer")
	if got := fmt.Sprint(one.Head(), one.Trailer()); got != "[{content-type application/grpc} {a b}] [{c d}]" {
		t.Errorf("the answer has %s", got)
	}
	// Behind the end.
	w.Headers(1, false, w.okay())
	w.data(1, true, framed("late"))
	w.trailers(1)
	w.Must(w.Framer.WriteWindowUpdate(1, 1))
	w.Must(w.Framer.WriteWindowUpdate(1, 1<<31-1))
	w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeInternal))
	w.works()
}

// Who waits for one message gets that alone: a second one ends the call, and none is none. Heads that are not the last are passed over.
func TestAnswersOfOneMessage(t *testing.T) {
	t.Parallel()
	w := open(t, plain())
	one := w.unary("request")
	w.Headers(1, false, w.Fields(":status", "103", "link", "a"))
	w.Headers(1, false, w.Fields(":status", "100"))
	w.answer(1, "answer")
	one.ends(t, "answer")
	if len(one.Head()) != 1 {
		t.Errorf("the head is %v", one.Head())
	}
	for _, text := range []string{"", "second"} {
		two := w.unary("request")
		w.Headers(two.id, false, w.okay())
		w.data(two.id, false, framed("answer"))
		w.data(two.id, false, framed(text))
		if two.fails(t, codes.Internal); two.Unseen() {
			t.Error("the server may have seen it")
		}
		if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != two.id || f.ErrCode != xhttp2.ErrCodeCancel {
			t.Errorf("got %v", f)
		}
	}
	none := w.unary("request")
	w.answer(none.id)
	none.fails(t, codes.OK)
	if _, ok := none.Message(); ok {
		t.Error("there is a message")
	}
	w.works()
}

// A server that resets a stream ends it alone, and the code says how (gRPC's table of errors); what RFC 9113 does not name, too (7).
func TestResets(t *testing.T) {
	t.Parallel()
	for code, want := range map[xhttp2.ErrCode]codes.Code{
		xhttp2.ErrCodeNo:                 codes.Internal,
		xhttp2.ErrCodeProtocol:           codes.Internal,
		xhttp2.ErrCodeInternal:           codes.Internal,
		xhttp2.ErrCodeFlowControl:        codes.Internal,
		xhttp2.ErrCodeSettingsTimeout:    codes.Internal,
		xhttp2.ErrCodeStreamClosed:       codes.Internal,
		xhttp2.ErrCodeFrameSize:          codes.Internal,
		xhttp2.ErrCodeRefusedStream:      codes.Unavailable,
		xhttp2.ErrCodeCancel:             codes.Canceled,
		xhttp2.ErrCodeCompression:        codes.Internal,
		xhttp2.ErrCodeConnect:            codes.Internal,
		xhttp2.ErrCodeEnhanceYourCalm:    codes.ResourceExhausted,
		xhttp2.ErrCodeInadequateSecurity: codes.PermissionDenied,
		xhttp2.ErrCodeHTTP11Required:     codes.Internal,
		0xfafafafa:                       codes.Unknown,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t, plain())
			one := w.unary("request")
			three, _ := w.streaming()
			w.Must(w.Framer.WriteRSTStream(1, code))
			one.fails(t, want)
			if one.Unseen() != (code == xhttp2.ErrCodeRefusedStream) || one.Answered() {
				t.Errorf("unseen is %v, answered %v", one.Unseen(), one.Answered())
			}
			// In the middle of an answer.
			w.Headers(3, false, w.okay())
			w.data(3, false, framed("first"))
			w.data(3, false, framed("second")[:7])
			w.Must(w.Framer.WriteRSTStream(3, code))
			if got, err := received(t, three); got != "first" || err != nil {
				t.Errorf("received %q, %v", got, err)
			}
			if _, err := received(t, three); status.Code(err) != want {
				t.Errorf("a stream ends with %v", err)
			}
			w.works()
		})
	}
}
