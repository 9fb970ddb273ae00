// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// refused are heads that are none, with what RFC 9112 says of them, and bodies whose end could be taken in two ways.
var refused = []struct {
	name, request string
	status        int
}{
	{"bare LF behind the request line (2.2)", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
	{"bare LF behind a field (2.2)", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
	{"bare LF as the end (2.2)", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
	{"bare CR in a field (2.2)", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
	{"bare CR between fields (2.2)", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
	{"bare CR in a name (2.2)", "GET / HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n", 400},
	{"bare CR in the request line (2.2)", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
	{"an empty line first (2.2)", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"space in front of the first field (2.2)", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	{"a folded field (5.2)", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
	{"a folded field, by a tab (5.2)", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb: c\r\n\r\n", 400},
	{"a folded coding (5.2)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
	{"space in front of the colon (5.1)", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	{"space in front of the colon of a coding (5.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
	{"tab in front of the colon of a length (5.1)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 1\r\n\r\nx", 400},
	{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
	{"no name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x00: x\r\n\r\n", 400},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", 400},
	{"a name that is not ASCII", "GET / HTTP/1.1\r\nHost: a\r\n\xc3\xa4: b\r\n\r\n", 400},
	{"quotes about a name", "GET / HTTP/1.1\r\nHost: a\r\n\"X\": b\r\n\r\n", 400},

	{"no method (3)", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"a method that is no token (3.1)", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"two spaces behind the method (3)", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"two spaces behind the target (3)", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"space behind the version (3)", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	{"a tab for a space (3)", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"space in the target (3.2)", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"control character in the target (3.2)", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"no target (3)", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"HTTP/0.9", "GET /\r\n\r\n", 400},
	{"another protocol (2.3)", "GET / ICAP/1.0\r\nHost: a\r\n\r\n", 400},
	{"a version in small letters (2.3)", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
	{"a version of three numbers (2.3)", "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", 400},
	{"a version with a sign (2.3)", "GET / HTTP/+1.1\r\nHost: a\r\n\r\n", 400},
	{"HTTP/2.0 (2.3)", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
	{"HTTP/1.2 (2.3)", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
	{"HTTP/0.9, said (2.3)", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},

	{"no host (3.2)", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two hosts (3.2)", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	{"the same host twice (3.2)", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
	{"two hosts of HTTP/1.0 (3.2)", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	{"a host with a path (3.2)", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"a host with a user (3.2)", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
	{"a host with a space (3.2)", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"no host beside a target that has one (3.2)", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
	{"a target without a slash (3.2.1)", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"another scheme (3.2.2)", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"no authority in a target (3.2.2)", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"a user in a target (3.2.2)", "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
	{"a path without // (3.2.2)", "GET http:/x HTTP/1.1\r\nHost: b\r\n\r\n", 400},
	{"an authority alone (3.2.3)", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"CONNECT of a path (3.2.3)", "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"an asterisk (3.2.4)", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"an asterisk with a query (3.2.4)", "OPTIONS *?a HTTP/1.1\r\nHost: a\r\n\r\n", 400},

	{"a coding and a length (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"a length and a coding (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400},
	{"an unknown coding and a length (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nContent-Length: 0\r\n\r\n", 400},
	{"two lengths (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
	{"the same length twice (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
	{"a list of lengths (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400},
	{"no length in content-length (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
	{"a length with a sign (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400},
	{"a length below nothing (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
	{"a length in hex (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400},
	{"a length with _ (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\nhello", 400},
	{"a length beyond 63 bits (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400},
	{"a length with space in it (6.3)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 0\r\n\r\n", 400},
	{"another coding (6.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	{"another coding behind chunked (6.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 501},
	{"another coding before chunked (6.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
	{"chunked twice (7.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 501},
	{"chunked in two fields (7.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
	{"identity (7.4)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501},
	{"a coding that is empty (6.1)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 501},
	{"chunked with a parameter (7)", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", 501},
	{"a vertical tab in front of chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 400},
	{"a coding of HTTP/1.0 (6.1)", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"another expectation (RFC 9110 section 10.1.1)", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx", 417},
	{"too large a head", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", 431},
	{"too long a target", "GET /" + strings.Repeat("x", 16<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 431},
	{"too large a head that does not end", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 4<<10), 431},
}

// What is no request in one reading alone is refused, and its connection closed with what else is on it (threats D12, B14).
func TestThreatD12HeadsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(echo))
			w.send(tt.request + get)
			if a := w.answer("POST"); a.status != tt.status || !a.last || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("got %+v", a)
			}
			if rest := w.closes(); rest != "" || w.begun.Load() > 0 {
				t.Errorf("then %q; %d requests are served", rest, w.begun.Load())
			}
		})
	}
}

// Bodies in chunks that could be taken in two ways are refused by who reads them, and what is behind them is no request (threat D12).
func TestThreatD12ChunksThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no size":                           "\r\n\r\n",
		"a size that is none":               "g\r\nx\r\n0\r\n\r\n",
		"a size in another notation":        "0x1\r\nx\r\n0\r\n\r\n",
		"a size with a sign":                "+1\r\nx\r\n0\r\n\r\n",
		"a size below nothing":              "-1\r\nx\r\n0\r\n\r\n",
		"a size with _":                     "1_0\r\nx\r\n0\r\n\r\n",
		"space in front of a size":          " 1\r\nx\r\n0\r\n\r\n",
		"space behind a size":               "1 \r\nx\r\n0\r\n\r\n",
		"more digits than count":            "0000000000000001\r\nx\r\n0\r\n\r\n",
		"more bytes than count":             "ffffffffffffffff1\r\nx\r\n0\r\n\r\n",
		"bare LF behind a size":             "1\nx\r\n0\r\n\r\n",
		"bare LF behind an extension":       "1;a\nx\r\n0\r\n\r\n",
		"bare CR in an extension":           "1;a\rb\r\nx\r\n0\r\n\r\n",
		"NUL in an extension":               "1;a\x00\r\nx\r\n0\r\n\r\n",
		"an extension without ;":            "1 a=b\r\nx\r\n0\r\n\r\n",
		"bare LF behind data":               "1\r\nx\n0\r\n\r\n",
		"bare CR behind data":               "1\r\nx\r0\r\n\r\n",
		"more data than the size":           "1\r\nxy\r\n0\r\n\r\n",
		"no end of data":                    "1\r\nx0\r\n\r\n",
		"bare LF as the end":                "1\r\nx\r\n0\r\n\n",
		"bare LF behind the last size":      "1\r\nx\r\n0\n\r\n",
		"a trailer that is none":            "1\r\nx\r\n0\r\nGET / HTTP/1.1\r\n\r\n",
		"a trailer with a space":            "1\r\nx\r\n0\r\nX : y\r\n\r\n",
		"a folded trailer":                  "1\r\nx\r\n0\r\nX: y\r\n z\r\n\r\n",
		"a trailer without CR":              "1\r\nx\r\n0\r\nX: y\n\r\n",
		"a long extension":                  "1;" + strings.Repeat("x", 5<<10) + "\r\nx\r\n0\r\n\r\n",
		"many extensions":                   strings.Repeat("1;"+strings.Repeat("x", 100)+"\r\nx\r\n", 50) + "0\r\n\r\n",
		"a long trailer":                    "1\r\nx\r\n0\r\nX: " + strings.Repeat("x", 5<<10) + "\r\n\r\n",
		"many trailers":                     "1\r\nx\r\n0\r\n" + strings.Repeat("X: y\r\n", 1<<10) + "\r\n",
		"an extension that does not end":    "1;" + strings.Repeat("x", 9<<10),
		"a size of digits that do not end":  strings.Repeat("0", 9<<10),
		"trailers of which none has an end": "0\r\n" + strings.Repeat("x", 9<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(echo))
			w.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body + get)
			if a := w.answer("POST"); a.status != 400 || !a.last {
				t.Errorf("got %+v", a)
			}
			if rest := w.closes(); rest != "" || w.begun.Load() != 1 {
				t.Errorf("then %q; %d requests are served", rest, w.begun.Load())
			}
		})
	}
}

// Threat D12: whatever is done to the framing of a request that carries another one in its body, that is never served. What is served has either been
// the whole of what was sent, as RFC 9112 reads it, or its first request.
func TestThreatD12Smuggling(t *testing.T) {
	t.Parallel()
	const poison = "GET /poison HTTP/1.1\r\nHost: a\r\n\r\n"
	names := []string{"Transfer-Encoding", "transfer-encoding", "Transfer-Encoding ", " Transfer-Encoding", "Transfer-Encoding\t", "Transfer_Encoding", "X: y\nTransfer-Encoding", "X: y\rTransfer-Encoding", "Transfer-Encoding\x00", "Transfer\r\n -Encoding"}
	values := []string{"chunked", "Chunked", " chunked", "\tchunked", "chunked ", "xchunked", "chunked, identity", "identity, chunked", "chunked,", ",chunked", "\"chunked\"", "chunked;q=1", "chun\x00ked", "\x0bchunked", "chunked\x0b", "cow", "\r\n chunked"}
	lengths := []string{"", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Content-Length: 05\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length:\r\n", "content-length : 5\r\n"}
	served := 0
	for _, name := range names {
		for _, value := range values {
			for _, length := range lengths {
				for _, first := range []bool{true, false} {
					fields := name + ": " + value + "\r\n"
					if first {
						fields = length + fields
					} else {
						fields += length
					}
					// In chunks, the poison is the data of one; by its length, or without, it is not.
					body := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(poison), poison)
					w := open(t, plain(func(ex transcoder.Exchange) {
						if ex.Request().Path == "/poison" {
							t.Errorf("%q smuggles a request", fields)
						}
						echo(ex)
					}))
					w.send("POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body)
					_ = w.below.CloseWrite()
					w.closes()
					<-w.ended
					served += int(w.begun.Load())
					_ = w.socket.Close()
				}
			}
		}
	}
	if served == 0 {
		t.Error("nothing was served at all")
	}
}

// Targets come in four forms, and say for which host they are.
func TestTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, host, authority, path, query string }{
		{"GET /v1//a/../%2F?b=%41?c#d", "a.example:80", "a.example:80", "/v1//a/../%2F", "b=%41?c#d"}, // T35
		{"GET /%zz\xc3\xa4", "a", "a", "/%zz\xc3\xa4", ""},
		{"GET HTTP://b.example:1/x?y", "a", "b.example:1", "/x", "y"},
		{"GET https://b.example?y", "a", "b.example", "/", "y"},
		{"OPTIONS *", "a", "a", "*", ""},
		{"CONNECT b.example:443", "a", "b.example:443", "b.example:443", ""},
		{"GET /", "", "", "/", ""},
		{"g*t /", "[::1]:80", "[::1]:80", "/", ""},
	} {
		w := open(t, plain(echo))
		a := w.ask(tt.line + " HTTP/1.1\r\nHost: " + tt.host + "\r\n\r\n")
		got := []string{a.header.Get("X-Authority"), a.header.Get("X-Path"), a.header.Get("X-Query")}
		if want := []string{tt.authority, tt.path, tt.query}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %q, want %q", tt.line, got, want)
		}
	}
}

// Threat B14: of more fields than there may be, one more is kept, so that it is seen; where some may be dropped it is refused here.
func TestThreatB14ManyFields(t *testing.T) {
	t.Parallel()
	request := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("x: y\r\n", 500) + "\r\n"
	cfg := plain(func(ex transcoder.Exchange) { say(ex, 200, fmt.Sprint(len(ex.Request().Header))) })
	if a := open(t, cfg).ask(request); a.body != "21" {
		t.Errorf("%s fields are kept", a.body)
	}
	cfg.Limits.DropInvalidHeaders = true
	if a := open(t, cfg).ask(request); a.status != 431 || !a.last {
		t.Errorf("got %+v", a)
	}
}
