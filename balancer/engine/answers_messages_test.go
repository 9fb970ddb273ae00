// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// messageAnswers have messages of all forms.
var messageAnswers = []answer{
	{name: "a message as large as can be", serve: answering(strings.Repeat("x", mostMessage))},
	{name: "a message that is too large", serve: answering(strings.Repeat("x", mostMessage+1)), loose: lateTrailer},
	{name: "a second message that is too large", serve: answering("one", strings.Repeat("x", mostMessage+1)), loose: lateTrailer},
	{name: "a message that says it is very large", serve: bytesThen([]byte{0, 0xff, 0xff, 0xff, 0xff}, "grpc-status", "0"), loose: lateTrailer},
	{name: "a message that cannot be decoded", serve: answering("undecodable"), loose: lateTrailer},
	{name: "a second message that cannot be decoded", serve: answering("one", "undecodable"), loose: lateTrailer, but: secondUnread, ours: saysTooMany},
	{name: "a message that is cut", serve: bytesThen(message(0, "one")[:7], "grpc-status", "0")},
	{name: "a second message that is cut", serve: bytesThen(append(message(0, "one"), message(0, "two")[:7]...), "grpc-status", "0"), but: secondUnread, ours: func(k *kind, o, engine *outcome) {
		if k.desc == nil { // it looks at a prefix
			saysTooMany(k, o, engine)
		}
	}},
	{name: "a prefix that is cut", serve: bytesThen([]byte{0, 0}, "grpc-status", "0")},
	{name: "a message that has only its prefix", serve: bytesThen([]byte{0, 0, 0, 0, 3}, "grpc-status", "0")},
	{name: "a message that is cut by an error", serve: bytesThen(message(0, "one")[:7], "grpc-status", "5", "grpc-message", "none"), but: "a server that fails in the middle of a message says why", ours: func(_ *kind, o, _ *outcome) { o.is(codes.NotFound, "none") }},
	{name: "a wrong flag", serve: bytesThen(message(2, "one"), "grpc-status", "0"), loose: lateTrailer},
	{name: "another wrong flag", serve: bytesThen(message(255, "one"), "grpc-status", "0"), loose: lateTrailer},
	{name: "a wrong flag on a second message", serve: bytesThen(append(message(0, "one"), message(3, "two")...), "grpc-status", "0"), loose: lateTrailer},
	{name: "compressed with nothing", serve: bytesThen(message(1, "one"), "grpc-status", "0"), loose: lateTrailer},
	{name: "compressed with identity", serve: compressed("identity", message(1, "one")), loose: lateTrailer},
	{name: "identity", serve: compressed("identity", message(0, "one"))},
	{name: "compressed with gzip", serve: compressed("gzip", message(1, zip("one")))},
	{name: "compressed with gzip, and not", serve: compressed("gzip", append(message(1, zip("one")), message(0, "two")...)), but: neverEnds, ours: endsAll},
	{name: "gzip, and nothing compressed", serve: compressed("gzip", message(0, "one"))},
	{name: "compressed with gzip that is none", serve: compressed("gzip", message(1, "one")), loose: lateTrailer},
	{name: "compressed with gzip that is cut", serve: compressed("gzip", message(1, zip("one")[:15])), loose: lateTrailer},
	{name: "an empty message that is compressed", serve: compressed("gzip", message(1, "")), loose: lateTrailer},
	{name: "compressed and too large", serve: compressed("gzip", message(1, zip(strings.Repeat("x", mostMessage+1)))), loose: lateTrailer},
	{name: "compressed and as large as can be", serve: compressed("gzip", message(1, zip(strings.Repeat("x", mostMessage))))},
	{name: "compressed with what nobody knows", serve: compressed("pied-piper", message(1, "one")), loose: lateTrailer},
	{name: "what nobody knows, and nothing compressed", serve: compressed("pied-piper", message(0, "one"))},
	{name: "padded", serve: func(c *conn, id uint32) {
		c.ok(id)
		c.write(func(w *xhttp2.Framer) error {
			return w.WriteDataPadded(id, false, message(0, "one"), make([]byte, 200))
		})
		c.write(func(w *xhttp2.Framer) error { return w.WriteDataPadded(id, false, nil, make([]byte, 200)) })
		c.head(id, true, "grpc-status", "0")
	}},
}

// bytesThen returns what answers with bytes and trailers.
func bytesThen(b []byte, trailers ...string) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		c.ok(id)
		c.data(id, false, b)
		c.head(id, true, trailers...)
	}
}

func compressed(with string, b []byte) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		c.ok(id, "grpc-encoding", with)
		c.data(id, false, b)
		c.head(id, true, "grpc-status", "0")
	}
}

func zip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // to memory
	_ = w.Close()
	return b.String()
}

// brokenAnswers end before they should.
func brokenAnswers() []answer {
	as := []answer{
		{name: "DATA ends", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.data(id, true, message(0, "one"))
		}},
		{name: "empty DATA ends", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.say(id, "one")
			c.data(id, true, nil)
		}},
		{name: "DATA ends in the middle of a message", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.data(id, true, message(0, "one")[:7])
		}, but: "the cause says more than what it leads to", ours: says("server closed the stream without sending trailers")},
		{name: "a head ends without a message", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.data(id, true, nil)
		}},
		{name: "a head in the middle", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.say(id, "one")
			c.ok(id)
			c.say(id, "two")
			c.head(id, true, "grpc-status", "0")
		}},
		{name: "trailers twice", serve: func(c *conn, id uint32) {
			answering("one")(c, id)
			c.head(id, true, "grpc-status", "5")
		}},
		{name: "a message after trailers", serve: func(c *conn, id uint32) {
			answering("one")(c, id)
			c.say(id, "two")
		}},
		{name: "a message before the head", serve: func(c *conn, id uint32) {
			c.say(id, "one")
			c.ok(id)
			c.head(id, true, "grpc-status", "0")
		}, but: headFirst, ours: refusesData},
		{name: "a message and trailers without a head", serve: func(c *conn, id uint32) {
			c.say(id, "one")
			trailing("grpc-status", "0")(c, id)
		}, but: headFirst, ours: refusesData},
		{name: "DATA alone", serve: func(c *conn, id uint32) { c.data(id, true, message(0, "one")) }, but: headFirst, ours: refusesData},
		{name: "the connection is closed before the head", serve: func(c *conn, _ uint32) { c.closeLater() }},
		{name: "the connection is closed after the head", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.closeLater()
		}},
		{name: "the connection is closed after a message", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.say(id, "one")
			c.closeLater()
		}},
		{name: "the connection is closed in the middle of a message", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.data(id, false, message(0, "one")[:7])
			c.closeLater()
		}},
		{name: "the connection is closed after the end", alone: true, serve: func(c *conn, id uint32) {
			answering("one")(c, id)
			c.closeLater()
		}},
		{name: "the server goes away, and answers", serve: func(c *conn, id uint32) {
			c.goAway(id, xhttp2.ErrCodeNo, "bye")
			answering("one")(c, id)
		}},
		{name: "the server goes away, and closes", serve: func(c *conn, id uint32) {
			c.goAway(id, xhttp2.ErrCodeNo, "bye")
			c.closeLater()
		}, but: "it is gRPC's text of its transport", ours: says("error reading from server: EOF")},
		{
			name: "the server goes away, and has seen nothing", serve: func(c *conn, _ uint32) { c.goAway(0, xhttp2.ErrCodeNo, "bye") },
			but: "gRPC has two texts for it", ours: says(draining),
		},
		{name: "the server goes away after the head, and has seen nothing", serve: func(c *conn, id uint32) {
			c.ok(id)
			c.goAway(0, xhttp2.ErrCodeNo, "bye")
		}, but: seenAfterAll, ours: func(k *kind, o, _ *outcome) {
			onceOnly(k, o, nil)
			o.Text = draining
		}},
		{name: "the server goes away twice", serve: func(c *conn, id uint32) {
			c.goAway(1<<31-1, xhttp2.ErrCodeNo, "soon")
			c.goAway(id, xhttp2.ErrCodeNo, "now")
			answering("one")(c, id)
		}},
	}
	for code := xhttp2.ErrCode(0); code <= 14; code++ {
		rows := []answer{
			{name: fmt.Sprintf("reset with %v before the head", code), serve: func(c *conn, id uint32) { c.reset(id, code) }},
			{name: fmt.Sprintf("reset with %v before the end of the request", code), early: true, serve: func(c *conn, id uint32) { c.reset(id, code) }},
			{name: fmt.Sprintf("reset with %v after the head", code), serve: func(c *conn, id uint32) {
				c.ok(id, "a", "1")
				c.reset(id, code)
			}},
			{name: fmt.Sprintf("reset with %v after a message", code), serve: func(c *conn, id uint32) {
				c.ok(id)
				c.say(id, "one")
				c.reset(id, code)
			}},
			{name: fmt.Sprintf("reset with %v in the middle of a message", code), serve: func(c *conn, id uint32) {
				c.ok(id)
				c.data(id, false, message(0, "one")[:7])
				c.reset(id, code)
			}},
		}
		for _, a := range rows {
			switch {
			case code == xhttp2.ErrCodeFlowControl:
				a.but = "PROTOCOL-HTTP2.md has INTERNAL for it"
				a.ours = func(_ *kind, o, _ *outcome) { o.is(codes.Internal, o.Text) }
			case code == xhttp2.ErrCodeRefusedStream && (strings.HasSuffix(a.name, "after the head") || strings.HasSuffix(a.name, "in the middle of a message")):
				a.but, a.ours = seenAfterAll, onceOnly
			}
			as = append(as, a)
		}
	}
	return as
}

// refusesData has the engine take nothing of an answer without a head.
func refusesData(_ *kind, o, _ *outcome) {
	o.Header, o.Trailer, o.StreamHeader, o.StreamTrailer, o.Messages = nil, nil, nil, nil, nil
	o.Done = []done{{Sent: true}}
	o.is(codes.Internal, "the server breaks the rules of HTTP/2: DATA comes before the head")
}

const (
	headFirst    = "an answer has a head before all else (RFC 9113 section 8.1)"
	seenAfterAll = "a server that has answered has looked at the call, whatever it says then: there is no other attempt"
	draining     = "the stream is rejected because server is draining the connection"
)

// onceOnly takes the second attempt out of an outcome.
func onceOnly(_ *kind, o, _ *outcome) { o.Done = o.Done[len(o.Done)-1:] }
