// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
)

func base64Of(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// httpAnswers are of servers that may not be gRPC's.
var httpAnswers = slices.Concat(httpStatuses(), []answer{
	{name: "a page", serve: page("200", "text/html", "<p>hello"), but: bodyUnread, ours: withoutBody},
	{name: "a page without a type", serve: page("200", "", "hello"), but: bodyUnread, ours: withoutBody},
	{name: "a page of JSON", serve: page("200", "application/json", "{}"), but: bodyUnread, ours: withoutBody},
	{name: "an empty page", serve: func(c *conn, id uint32) { c.head(id, true, ":status", "200", "content-type", "text/html") }, but: bodyUnread, ours: withoutBody},
	{name: "an error without a type", serve: func(c *conn, id uint32) { c.head(id, true, ":status", "503") }},
	{name: "gRPC-Web", serve: page("200", "application/grpc-web", "AAAA"), but: bodyUnread, ours: withoutBody},
	{name: "a type that begins like gRPC's", serve: page("200", "application/grpcx", ""), but: bodyUnread, ours: withoutBody},
	{name: "a large page", serve: page("502", "text/html", strings.Repeat("x", 100<<10)), but: bodyUnread, ours: withoutBody},
	{name: "a page with trailers", serve: func(c *conn, id uint32) {
		c.head(id, false, ":status", "502", "content-type", "text/html")
		c.data(id, false, []byte("hello"))
		c.head(id, true, "grpc-status", "5")
	}, but: bodyUnread, ours: withoutBody},
	{name: "a type with a subtype", serve: typed("application/grpc+proto")},
	{name: "a type with an empty subtype", serve: typed("application/grpc+")},
	{name: "a type with a parameter", serve: typed("application/grpc;charset=utf-8")},
	{name: "two types", serve: func(c *conn, id uint32) {
		c.ok(id, "content-type", "application/grpc+proto")
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}},
	{name: "no HTTP status", serve: func(c *conn, id uint32) { c.head(id, true, "content-type", "text/html") }},
	{name: "no HTTP status but a type of gRPC's", serve: func(c *conn, id uint32) {
		c.head(id, false, "content-type", "application/grpc")
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}, but: "an answer has an HTTP status (RFC 9113 section 8.3.2)", ours: func(_ *kind, o, _ *outcome) {
		o.is(codes.Internal, "malformed header: missing HTTP status")
		o.Header, o.StreamHeader, o.Messages = nil, nil, nil
	}},
	{name: "an HTTP status that is none", serve: func(c *conn, id uint32) { c.head(id, true, ":status", "fine", "content-type", "text/html") }},
	{name: "an informational head first", serve: func(c *conn, id uint32) {
		c.head(id, false, ":status", "103", "link", "</a>")
		answering("one")(c, id)
	}},
	{name: "informational heads first", serve: func(c *conn, id uint32) {
		for range 10 {
			c.head(id, false, ":status", "100")
		}
		trailing("grpc-status", "5")(c, id)
	}},
	{name: "an informational head that says it is gRPC's", serve: func(c *conn, id uint32) {
		c.head(id, false, ":status", "103", "content-type", "application/grpc", "a", "1")
		answering("one")(c, id)
	}, but: "what is informational is not the head, whatever it says (RFC 9110 section 15.2)", ours: func(_ *kind, o, engine *outcome) {
		*o = *engine
		o.is(codes.OK, "")
	}},
	{name: "a type in capitals", serve: typed("Application/GRPC"), but: "a media type is the same in capitals (RFC 9110 section 8.3.1)", ours: func(_ *kind, o, engine *outcome) {
		*o = *engine
		o.is(codes.OK, "")
	}},
	{name: "an informational head last", serve: func(c *conn, id uint32) { c.head(id, true, ":status", "103") }},
})

const bodyUnread = "nobody but a person reads the body of a strange answer, and it may say what callers are not to know; that its status is 200 was to be expected"

// withoutBody cuts the body of a page off the text, and what is no news.
func withoutBody(_ *kind, o, _ *outcome) {
	o.Text, _, _ = strings.Cut(o.Text, "\ndata: ")
	o.Text = strings.TrimPrefix(o.Text, "unexpected HTTP status code received from server: 200 (OK); ")
}

// page returns what answers as a server of the web does.
func page(status, contentType, body string) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		fields := []string{":status", status, "server", "web"}
		if contentType != "" {
			fields = append(fields, "content-type", contentType)
		}
		c.head(id, false, fields...)
		c.data(id, true, []byte(body[:min(len(body), 2000)]))
	}
}

func typed(contentType string) func(*conn, uint32) {
	return func(c *conn, id uint32) {
		c.head(id, false, ":status", "200", "content-type", contentType)
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}
}

// httpStatuses are answers with each status, as the web's and as gRPC's.
func httpStatuses() (as []answer) {
	for _, status := range []int{204, 302, 400, 401, 403, 404, 405, 408, 413, 429, 431, 499, 500, 501, 502, 503, 504, 520, 999} {
		s := fmt.Sprint(status)
		as = append(as,
			answer{name: "HTTP " + s, serve: page(s, "text/html", "no"), but: bodyUnread, ours: withoutBody},
			answer{name: "HTTP " + s + " without a body", serve: func(c *conn, id uint32) { c.head(id, true, ":status", s, "content-type", "text/html") }},
			answer{name: "HTTP " + s + " of gRPC", serve: func(c *conn, id uint32) {
				c.head(id, true, ":status", s, "content-type", "application/grpc", "grpc-status", "8", "grpc-message", "full")
			}},
		)
	}
	return as
}

const sayTheBound = "an error says the bound"

const itsOwnWords = "what breaks the rules of HTTP/2 is told in the engine's own words, and is something that has been received"

// breaks returns what has the engine say so.
func breaks(how string) func(*kind, *outcome, *outcome) {
	return func(_ *kind, o, _ *outcome) {
		o.Text = "the server breaks the rules of HTTP/2: " + how
		o.Done[0].Received = true
	}
}

// fieldAnswers have fields of all forms.
var fieldAnswers = []answer{
	{name: "binary fields", serve: func(c *conn, id uint32) {
		c.ok(id, "a-bin", "AAE", "a-bin", "AAE=", "a-bin", "", "b-bin", "AAEC")
		c.head(id, true, "grpc-status", "5", "c-bin", "/+8", "c-bin", "/+8=")
	}},
	{name: "a binary field that is none in the head", serve: func(c *conn, id uint32) {
		c.ok(id, "a-bin", "%%%")
		c.head(id, true, "grpc-status", "0")
	}},
	{name: "a binary field that is none in trailers", serve: ending("grpc-status", "5", "a-bin", "A")},
	{name: "a binary field that is none in trailers alone", serve: trailing("grpc-status", "5", "a-bin", "A")},
	{name: "a binary field with URLs' alphabet", serve: ending("grpc-status", "0", "a-bin", "_-8")},
	{name: "several values in a binary field", serve: ending("grpc-status", "0", "a-bin", "AAE,AAE")},
	{name: "a binary field that is none, of the web", serve: func(c *conn, id uint32) { c.head(id, true, ":status", "404", "a-bin", "A") }},
	{name: "a status and a binary field that are none", serve: trailing("a-bin", "A", "grpc-status", "x")},
	{name: "gRPC's fields in the head", serve: func(c *conn, id uint32) {
		c.ok(id, "grpc-accept-encoding", "gzip", "grpc-encoding", "identity", "grpc-timeout", "1S", "te", "trailers", "grpc-message-type", "x", "user-agent", "x", "grpc-other", "1",
			"grpc-previous-rpc-attempts", "1", "grpc-retry-pushback-ms", "1")
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}},
	{name: "gRPC's fields in trailers", serve: ending("grpc-status", "0", "content-type", "application/grpc", "grpc-accept-encoding", "gzip", "grpc-encoding", "gzip", "grpc-timeout", "1S",
		"te", "trailers", "grpc-message-type", "x", "user-agent", "x", "grpc-other", "1", "grpc-retry-pushback-ms", "1")},
	{name: "a type in trailers that is not gRPC's", serve: ending("grpc-status", "0", "content-type", "text/html")},
	{name: "fields of HTTP/1.1", serve: func(c *conn, id uint32) {
		c.ok(id, "connection", "close", "transfer-encoding", "chunked", "content-length", "7")
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}},
	{name: "a name with capitals", serve: ending("grpc-status", "0", "Upper", "1"), but: itsOwnWords, ours: breaks("a field is malformed: \"Upper\"")},
	{name: "a name that is none", serve: ending("grpc-status", "0", "a b", "1"), but: itsOwnWords, ours: breaks("a field is malformed: \"a b\"")},
	{name: "a name with a line", serve: ending("grpc-status", "0", "a\r\nb", "1"), but: itsOwnWords, ours: breaks("a field is malformed: \"a\\r\\nb\"")},
	{name: "an empty name", serve: ending("grpc-status", "0", "", "1"), but: itsOwnWords, ours: breaks("a field is malformed: \"\"")},
	{name: "a value with a line", serve: ending("grpc-status", "0", "a", "1\r\nb: 2"), but: itsOwnWords, ours: breaks("a field is malformed: \"a\"")},
	{name: "a value with a line in the head", serve: func(c *conn, id uint32) { c.ok(id, "a", "1\r\nb: 2") }, but: itsOwnWords, ours: breaks("a field is malformed: \"a\"")},
	{name: "a value with a zero", serve: ending("grpc-status", "0", "a", "1\x00"), but: itsOwnWords, ours: breaks("a field is malformed: \"a\"")},
	{name: "a value with a tab and Latin letters", serve: ending("grpc-status", "0", "a", "\t\xe9 ")},
	{name: "a pseudo-field that nobody knows", serve: trailing("grpc-status", "0", ":other", "1"), but: itsOwnWords, ours: breaks(":other is none of an answer, or not where it is to be")},
	{name: "a pseudo-field of requests", serve: func(c *conn, id uint32) {
		c.head(id, true, ":status", "200", ":path", "/", "content-type", "application/grpc", "grpc-status", "0")
	}, but: itsOwnWords, ours: breaks(":path is none of an answer, or not where it is to be")},
	{name: "a pseudo-field after others", serve: func(c *conn, id uint32) {
		c.head(id, true, "content-type", "application/grpc", ":status", "200", "grpc-status", "0")
	}, but: itsOwnWords, ours: breaks(":status is none of an answer, or not where it is to be")},
	{name: "two HTTP statuses", serve: func(c *conn, id uint32) {
		c.head(id, true, ":status", "200", ":status", "200", "content-type", "application/grpc", "grpc-status", "0")
	}, but: itsOwnWords, ours: breaks(":status is none of an answer, or not where it is to be")},
	{name: "an HTTP status in trailers", serve: ending(":status", "200", "grpc-status", "0")},
	{name: "a head that is too large", serve: func(c *conn, id uint32) {
		c.ok(id, "a", strings.Repeat("x", mostHead))
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}, but: sayTheBound, ours: says("the answer's list of fields is larger than 16384 bytes")},
	{name: "trailers that are too large", serve: ending("grpc-status", "0", "a", strings.Repeat("x", mostHead)), but: sayTheBound, ours: says("the answer's list of fields is larger than 16384 bytes")},
	{name: "a head as large as can be", serve: func(c *conn, id uint32) {
		head := 3*32 + len(":status200content-typeapplication/grpca")
		c.ok(id, "a", strings.Repeat("x", mostHead-head))
		c.say(id, "one")
		c.head(id, true, "grpc-status", "0")
	}},
}
