// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"fmt"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// What breaks the rules of connections ends them, with the code that RFC 9113 names, and harms nothing else.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	const zero, one = 0, 1
	for _, row := range []struct {
		name string
		send func(*world)
		want xhttp2.ErrCode
	}{
		{"DATA of no stream (6.1)", func(w *world) { w.Raw(0, 0, 1, 0, 0, 0, 0, 0, 0, 'x') }, xhttp2.ErrCodeProtocol},
		{"DATA of a stream that has not begun (5.1)", func(w *world) { w.Raw(0, 0, 1, 0, 0, 0, 0, 0, 1, 'x') }, xhttp2.ErrCodeProtocol},
		{"DATA shorter than its padding (6.1)", func(w *world) {
			w.Headers(1, false, w.get())
			w.Raw(0, 0, 2, 0, 8, 0, 0, 0, 1, 9, 'x')
		}, xhttp2.ErrCodeProtocol},
		{"DATA without room for padding", func(w *world) {
			w.Headers(1, false, w.get())
			w.Raw(0, 0, 0, 0, 8, 0, 0, 0, 1)
		}, xhttp2.ErrCodeFrameSize},
		{"HEADERS of an even stream (5.1.1)", func(w *world) { w.Headers(2, true, w.get()) }, xhttp2.ErrCodeProtocol},
		{"HEADERS of no stream (6.2)", func(w *world) { w.Raw(0, 0, 1, 1, 4, 0, 0, 0, 0, 0x82) }, xhttp2.ErrCodeProtocol},
		{"HEADERS shorter than their padding (6.2)", func(w *world) { w.Raw(0, 0, 2, 1, 0xc, 0, 0, 0, 1, 9, 0x82) }, xhttp2.ErrCodeProtocol},
		{"HEADERS without room for a priority", func(w *world) { w.Raw(0, 0, 2, 1, 0x24, 0, 0, 0, 1, 9, 0x82) }, xhttp2.ErrCodeFrameSize},
		{"a head that cannot be decoded (4.3)", func(w *world) { w.Headers(1, true, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) }, xhttp2.ErrCodeCompression},
		{"a head that refers to nothing", func(w *world) { w.Headers(1, true, []byte{0xbe}) }, xhttp2.ErrCodeCompression},
		{"a head that breaks off", func(w *world) { w.Headers(1, true, []byte{0x40, 0x05, 'a'}) }, xhttp2.ErrCodeCompression},
		{"another frame within a head (6.2)", func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.get()}))
			w.Must(w.Framer.WritePing(false, [8]byte{}))
		}, xhttp2.ErrCodeProtocol},
		{"CONTINUATION of another stream (6.10)", func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.get()}))
			w.Must(w.Framer.WriteContinuation(3, true, nil))
		}, xhttp2.ErrCodeProtocol},
		{"CONTINUATION of nothing (6.10)", func(w *world) { w.Must(w.Framer.WriteContinuation(1, true, w.get())) }, xhttp2.ErrCodeProtocol},
		{"PRIORITY of no stream (6.3)", func(w *world) { w.Raw(0, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"RST_STREAM of no stream (6.4)", func(w *world) { w.Raw(0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 8) }, xhttp2.ErrCodeProtocol},
		{"RST_STREAM of a stream that has not begun (6.4)", func(w *world) { w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeCancel)) }, xhttp2.ErrCodeProtocol},
		{"RST_STREAM of another length (6.4)", func(w *world) { w.Raw(0, 0, 3, 3, 0, 0, 0, 0, 1, 0, 0, 8) }, xhttp2.ErrCodeFrameSize},
		{"SETTINGS of a stream (6.5)", func(w *world) { w.Raw(0, 0, 0, 4, 0, 0, 0, 0, 1) }, xhttp2.ErrCodeProtocol},
		{"SETTINGS of another length (6.5)", func(w *world) { w.Raw(0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"an acknowledgement that says something (6.5)", func(w *world) { w.Raw(0, 0, 6, 4, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1) }, xhttp2.ErrCodeFrameSize},
		{"ENABLE_PUSH of 2 (6.5.2)", func(w *world) { w.Must(w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingEnablePush, Val: 2})) }, xhttp2.ErrCodeProtocol},
		{"a window that is too large (6.5.2)", func(w *world) {
			w.Raw(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x80, 0, 0, 0)
		}, xhttp2.ErrCodeFlowControl},
		{"frames that are too small (6.5.2)", func(w *world) { w.Raw(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x3f, 0xff) }, xhttp2.ErrCodeProtocol},
		{"frames that are too large (6.5.2)", func(w *world) { w.Raw(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"a window that becomes too large (6.9.2)", func(w *world) {
			w.Headers(1, false, w.get())
			w.Must(w.Framer.WriteWindowUpdate(1, 1<<31-1-65535))
			w.Must(w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 65536}))
		}, xhttp2.ErrCodeFlowControl},
		{"PUSH_PROMISE (8.4)", func(w *world) { w.Raw(0, 0, 5, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0x82) }, xhttp2.ErrCodeProtocol},
		{"PING of a stream (6.7)", func(w *world) { w.Raw(0, 0, 8, 6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"PING of another length (6.7)", func(w *world) { w.Raw(0, 0, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"GOAWAY of a stream (6.8)", func(w *world) { w.Raw(0, 0, 8, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeProtocol},
		{"GOAWAY that is too short (4.2)", func(w *world) { w.Raw(0, 0, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of nothing (6.9)", func(w *world) { w.Raw(0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, zero) }, xhttp2.ErrCodeProtocol},
		{"WINDOW_UPDATE of a stream that has not begun (6.9)", func(w *world) { w.Raw(0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, one) }, xhttp2.ErrCodeProtocol},
		{"WINDOW_UPDATE of another length (6.9)", func(w *world) { w.Raw(0, 0, 3, 8, 0, 0, 0, 0, 0, 0, 0, one) }, xhttp2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of too much (6.9.1)", func(w *world) { w.Must(w.Framer.WriteWindowUpdate(0, 1<<31-1)) }, xhttp2.ErrCodeFlowControl},
		{"a frame that is too large (4.2)", func(w *world) { w.Raw(0, 0x40, 1, 0, 0, 0, 0, 0, 1) }, xhttp2.ErrCodeFrameSize},
		{"a PING that is far too large", func(w *world) { w.Raw(0, 0x40, 0, 6, 0, 0, 0, 0, 0) }, xhttp2.ErrCodeFrameSize},
		{"more than the connection's window", func(w *world) {
			w.Headers(1, false, w.get("x-hold", "1"))
			w.Headers(3, false, w.get("x-hold", "1"))
			w.Headers(5, false, w.get("x-hold", "1"))
			for range 5 {
				for _, stream := range []uint32{1, 3, 5} {
					_ = w.Framer.WriteData(stream, false, make([]byte, 12<<10))
				}
			}
		}, xhttp2.ErrCodeFlowControl},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(holding))
			row.send(w)
			if got, text := w.ends(); got != row.want || text == "" {
				t.Errorf("ends with %s %q, want %s", got, text, row.want)
			}
		})
	}
}

// Settings come first.
func TestWithoutSettings(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*world){
		"a request":          func(w *world) { w.Headers(1, true, w.get()) },
		"an acknowledgement": func(w *world) { w.Must(w.Framer.WriteSettingsAck()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, plain(echo))
			send(w)
			if got, _ := w.ends(); got != xhttp2.ErrCodeProtocol {
				t.Errorf("ends with %s", got)
			}
		})
	}
}

// What breaks the rules of streams ends them alone.
func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		send func(*world)
		want xhttp2.ErrCode
	}{
		{"DATA behind the end (5.1)", func(w *world) {
			w.Headers(1, true, w.get("x-hold", "1"))
			w.Must(w.Framer.WriteData(1, false, []byte("x")))
		}, xhttp2.ErrCodeStreamClosed},
		{"HEADERS behind the end (5.1)", func(w *world) {
			w.Headers(1, true, w.get("x-hold", "1"))
			w.Headers(1, true, w.Fields("a", "b"))
		}, xhttp2.ErrCodeStreamClosed},
		{"trailers that are not the end (8.1)", func(w *world) {
			w.Headers(1, false, w.get("x-hold", "1"))
			w.Headers(1, false, w.Fields("a", "b"))
		}, xhttp2.ErrCodeProtocol},
		{"WINDOW_UPDATE of nothing (6.9)", func(w *world) {
			w.Headers(1, false, w.get("x-hold", "1"))
			w.Raw(0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0)
		}, xhttp2.ErrCodeProtocol},
		{"WINDOW_UPDATE of too much (6.9.1)", func(w *world) {
			w.Headers(1, false, w.get("x-hold", "1"))
			w.Must(w.Framer.WriteWindowUpdate(1, 1<<31-1))
		}, xhttp2.ErrCodeFlowControl},
		{"PRIORITY of another length (6.3)", func(w *world) {
			w.Headers(1, false, w.get("x-hold", "1"))
			w.Raw(0, 0, 4, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0)
		}, xhttp2.ErrCodeFrameSize},
		{"more than the stream's window", func(w *world) {
			w.Headers(1, false, w.get("x-hold", "1"))
			for range 6 {
				w.Must(w.Framer.WriteData(1, false, make([]byte, 12<<10)))
			}
		}, xhttp2.ErrCodeFlowControl},
		{"no body where content-length says one", func(w *world) { w.Headers(1, true, w.get("content-length", "5")) }, xhttp2.ErrCodeProtocol},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(holding))
			row.send(w)
			if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != 1 || f.ErrCode != row.want {
				t.Errorf("stream %d ends with %s, want 1 with %s", f.StreamID, f.ErrCode, row.want)
			}
			w.Headers(7, true, w.get())
			if a := w.answer(7); a.status != "200" {
				t.Errorf("another stream got %+v", a)
			}
		})
	}
}

// A head that RFC 9113 calls malformed is not served (threats B1, D12).
func TestMalformedHeads(t *testing.T) {
	t.Parallel()
	method, scheme, authority, path := []string{":method", "GET"}, []string{":scheme", "http"}, []string{":authority", "a.example"}, []string{":path", "/"}
	join := func(all ...[]string) (fields []string) {
		for _, f := range all {
			fields = append(fields, f...)
		}
		return fields
	}
	for i, fields := range [][]string{
		join(scheme, authority, path),
		join(method, authority, path),
		join(method, scheme, authority),
		join(method, scheme, path),
		join(method, method, scheme, authority, path),
		join(method, scheme, authority, []string{":path", ""}),
		join(method, scheme, authority, []string{":path", "x"}),
		join(method, scheme, authority, []string{":path", "/a b"}),
		join(method, scheme, []string{":authority", "u@a.example"}, path),
		join(method, scheme, authority, path, []string{":protocol", "websocket"}),
		join(method, scheme, authority, path, []string{":status", "200"}),
		join(method, scheme, authority, []string{"a", "b"}, path),
		join(method, scheme, authority, path, []string{"Upper", "b"}),
		join(method, scheme, authority, path, []string{"a b", "b"}),
		join(method, scheme, authority, path, []string{"", "b"}),
		join(method, scheme, authority, path, []string{"a", "b\r\nc: d"}),
		join(method, scheme, authority, path, []string{"connection", "close"}),
		join(method, scheme, authority, path, []string{"transfer-encoding", "chunked"}),
		join(method, scheme, authority, path, []string{"upgrade", "h2c"}),
		join(method, scheme, authority, path, []string{"te", "gzip"}),
		join(method, scheme, authority, path, []string{"content-length", "-1"}),
		join(method, scheme, authority, path, []string{"content-length", "1", "content-length", "2"}),
		join(method, scheme, authority, path, []string{"host", "b.example"}),
		join([]string{":method", "G T"}, scheme, authority, path),
		join([]string{":method", "CONNECT"}, scheme, authority, path),
	} {
		t.Run(fmt.Sprint(i, fields), func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(echo))
			w.Headers(1, true, w.Fields(fields...))
			if a := w.answer(1); !a.isReset || a.reset != xhttp2.ErrCodeProtocol {
				t.Errorf("got %+v", a)
			}
			w.Headers(3, true, w.get())
			if a := w.answer(3); a.status != "200" || w.begun.Load() != 1 {
				t.Errorf("another request got %+v; %d were served", a, w.begun.Load())
			}
		})
	}
}

// Threats B14, D1: a head that is too large is refused alone; of one with too many fields, pieces of a cookie counted, whoever serves it sees that.
func TestThreatB14D1LargeHeads(t *testing.T) {
	t.Parallel()
	w := open(t, plain(echo))
	// MaxHeader is 8 KiB, and each of 20 fields counts 32 bytes more.
	w.Headers(1, true, w.get("a", strings.Repeat("x", 9<<10)))
	if a := w.answer(1); a.status != "431" {
		t.Errorf("a large field got %+v", a)
	}
	w.Headers(3, false, w.get("a", strings.Repeat("x", 9<<10)))
	if a := w.answer(3); a.status != "431" {
		t.Errorf("a large field before a body got %+v", a)
	}
	var many []string
	for range 100 {
		many = append(many, "cookie", "a=b")
	}
	w.Headers(5, true, w.get(many...))
	if a := w.answer(5); a.status != "200" || a.header["x-fields"] != "21" {
		t.Errorf("a hundred pieces of a cookie are seen as %+v", a)
	}
	w.Headers(7, true, w.get(many[:20]...))
	if a := w.answer(7); a.status != "200" || a.header["x-fields"] != "1" {
		t.Errorf("ten pieces of a cookie are seen as %+v", a)
	}
	w.Headers(9, true, w.get())
	if a := w.answer(9); a.status != "200" {
		t.Errorf("then a plain one got %+v", a)
	}
}
