// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// memory is a socket whose client has sent all that it sends.
type memory struct {
	net.Conn
	*bytes.Reader
}

func (m memory) Read(p []byte) (int, error)    { return m.Reader.Read(p) }
func (memory) RemoteAddr() net.Addr            { return &net.TCPAddr{} }
func (memory) SetReadDeadline(time.Time) error { return nil }
func (memory) Close() error                    { return nil }

// received is a request as it was read.
type received struct {
	head requestHead
	body []byte
	rest int // how many bytes are behind it
}

// readOwn reads the first request as a connection does.
func readOwn(data []byte) (*received, error) {
	const most = 32 << 10
	socket := memory{Reader: bytes.NewReader(data)}
	c := NewConn(socket, &Config{MaxHeader: most, HeaderTimeout: time.Hour, IdleTimeout: time.Hour}, time.Now().Add(time.Hour), nil)
	defer c.in.free()
	x := &exchange{conn: c}
	if err := c.readHead(&x.head); err != nil {
		return nil, err
	}
	x.begin()
	defer x.scope.End()
	x.head.asks = false
	var body []byte
	for {
		b, err := x.Read()
		if b != nil {
			body = append(body, b.ReadOnlyData()...)
			b.Free()
		}
		if err == io.EOF { //nolint:errorlint // it is given as it is
			return &received{x.head, body, socket.Len() + len(c.in.bytes())}, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// readTheirs reads it as net/http does.
func readTheirs(data []byte) (r *http.Request, body []byte, rest int, err error) {
	from := bytes.NewReader(data)
	in := bufio.NewReader(from)
	if r, err = http.ReadRequest(in); err != nil {
		return nil, nil, 0, err
	}
	if body, err = io.ReadAll(r.Body); err != nil {
		return nil, nil, 0, err
	}
	return r, body, from.Len() + in.Buffered(), nil
}

// FuzzReadRequest holds what is read to net/http: it takes all that is taken here, and takes the same for head and body. It takes more: lines without CR,
// folded fields, lengths that are given twice or beside a coding, space behind the size of a chunk, other versions, codings of HTTP/1.0, users in a
// host. It refuses escapes in a target that are none, which are refused later here, where the path is read (T38).
func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a%2Fb?c=d HTTP/1.0\r\n\r\nrest", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nX: y\r\n\r\nGET", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a.example/x HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		own, err := readOwn(data)
		if err != nil || own.head.fields.Has("trailer") { // of which net/http refuses some names
			return
		}
		h := &own.head
		theirs, body, rest, err := readTheirs(data)
		if err != nil {
			if strings.Contains(err.Error(), "invalid URL escape") || strings.HasPrefix(err.Error(), "parse ") {
				return // the target, which is looked at where the path is read
			}
			t.Fatalf("it is taken, and net/http says: %v", err)
		}
		if !bytes.Equal(body, own.body) || rest != own.rest {
			t.Fatalf("the body is %q with %d bytes behind it; net/http has %q with %d", own.body, own.rest, body, rest)
		}
		if h.method != theirs.Method || h.authority != theirs.Host && h.method != http.MethodConnect || h.length != theirs.ContentLength {
			t.Fatalf("%q for %q, %d bytes; net/http has %q for %q, %d bytes", h.method, h.authority, h.length, theirs.Method, theirs.Host, theirs.ContentLength)
		}
		if h.close != theirs.Close {
			t.Fatalf("the last request: %v; net/http has %v", h.close, theirs.Close)
		}
		sameFields(t, h, theirs.Header)
	})
}

// sameFields compares the fields, of which net/http keeps the order of those of one name.
func sameFields(t *testing.T, h *requestHead, theirs http.Header) {
	t.Helper()
	theirs.Del("Host")
	if h.fields.Get("pragma") == "no-cache" && !h.fields.Has("cache-control") {
		theirs.Del("Cache-Control") // which it makes of Pragma
	}
	if len(h.fields) > maxFieldsOfTest {
		return
	}
	n := 0
	for name, values := range theirs {
		lower := strings.ToLower(name)
		for _, f := range h.fields {
			if f.Name != lower {
				continue
			}
			if len(values) == 0 || values[0] != f.Value {
				t.Fatalf("%q is %q; net/http has %q", f.Name, f.Value, values)
			}
			values = values[1:]
			n++
		}
		if len(values) > 0 {
			t.Fatalf("net/http has %q: %q", name, values)
		}
	}
	if n != len(h.fields) {
		t.Fatalf("got %q; net/http has %q", h.fields, theirs)
	}
}

// maxFieldsOfTest is how many fields are kept where no limit is set.
const maxFieldsOfTest = 100

// FuzzPieces reads what comes in one piece and what comes in several: it must be the same.
func FuzzPieces(f *testing.F) {
	for _, chunk := range []string{"3\r\nabc\r\n0\r\n\r\n", "3;x\r\nabc\r\n0\r\nX: y\r\n\r\n", "1\nx\r\n", "0\r\nX\r\n\r\n", "A\r\n0123456789\r\n00\r\n\r\n"} {
		f.Add([]byte(chunk), uint8(1))
		f.Add([]byte(chunk), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		whole, wholeErr := allChunks(data, len(data))
		pieces, piecesErr := allChunks(data, int(piece)+1)
		if (wholeErr == nil) != (piecesErr == nil) || wholeErr == nil && !bytes.Equal(whole, pieces) {
			t.Errorf("whole: %q, %v; in pieces: %q, %v", whole, wholeErr, pieces, piecesErr)
		}
	})
}

// allChunks reads chunks of which so many bytes come at a time.
func allChunks(data []byte, piece int) (body []byte, err error) {
	var c chunks
	var there []byte
	for !c.over {
		if n := min(int64(len(there)), c.left); n > 0 {
			body = append(body, there[:n]...)
			there = there[n:]
			c.took(int(n))
			continue
		}
		used := 0
		if c.left == 0 {
			if used, err = c.next(there); err != nil {
				return nil, err
			}
			there = there[used:]
		}
		if used > 0 {
			continue
		}
		if len(data) == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		n := min(piece, len(data))
		there = append(there, data[:n]...)
		data = data[n:]
	}
	return body, nil
}

// FuzzFields: a field that is written is one line that reads as it was, or none.
func FuzzFields(f *testing.F) {
	f.Add("x-a", "b")
	f.Add("X-A\r\n", "b\r\nc: d")
	f.Add("connection", "close")
	f.Fuzz(func(t *testing.T, name, value string) {
		b := appendFields(nil, wire.Header{{Name: name, Value: value}}, true)
		if len(b) == 0 {
			return
		}
		got, rest, _ := strings.Cut(strings.TrimSuffix(string(b), "\r\n"), ": ")
		if !strings.EqualFold(got, name) || rest != value || strings.ContainsAny(rest, "\r\n\x00") {
			t.Errorf("%q: %q is written as %q", name, value, b)
		}
	})
}
