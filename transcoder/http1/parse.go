// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// sharedHead is up to which size the strings of a head are pieces of one: whoever keeps one of them, as the key of a limit, say, keeps all.
const sharedHead = 2 << 10

// refusal is why a request is not served, and what it is answered.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func bad(text string) *refusal { return &refusal{http.StatusBadRequest, text} }

// errTooLarge says that a head has more than the listener takes.
var errTooLarge = &refusal{http.StatusRequestHeaderFieldsTooLarge, "the head is too large"}

// requestHead is what a request begins with.
type requestHead struct {
	method, path, query, authority string
	// fields are all but host and transfer-encoding, in the order in which they came.
	fields  wire.Header
	length  int64 // of the body; -1 for one in chunks
	minor   int   // of the version
	close   bool  // the client makes no other request
	keep    bool  // one of HTTP/1.0 may
	asks    bool  // the client waits to be told that it may send the body
	upgrade bool  // it wants to speak something else
}

// headEnd looks for the end of a head. It begins where the search before it has ended, and reads each byte once.
type headEnd struct {
	at   int // up to where there is no end
	line int // where the line begins that at is in
}

// find returns how long the head is that b begins with, or 0 if its end is not there yet. Lines end with CR LF, and nothing else does (RFC 9112 section
// 2.2 leaves it to servers; those in front may have another opinion, threat D12).
func (e *headEnd) find(b []byte) (int, error) {
	for {
		i := bytes.IndexByte(b[e.at:], '\n')
		if i < 0 {
			e.at = len(b)
			return 0, nil
		}
		i += e.at
		if i == 0 || b[i-1] != '\r' {
			return 0, bad("a line ends without CR")
		}
		if i-1 == e.line {
			if e.line == 0 {
				return 0, bad("the request line is empty")
			}
			return i + 1, nil
		}
		e.at, e.line = i+1, i+1
	}
}

// parse reads a head, with the empty line at its end; names of fields are made lower case in b. Of more fields than most one is kept, by which it is
// seen that there are too many.
func (h *requestHead) parse(b []byte, most int) error {
	names := b[bytes.IndexByte(b, '\n')+1:]
	if err := lowerNames(names); err != nil {
		return err
	}
	text := string(b)
	at := strings.IndexByte(text, '\n') + 1
	p := fieldParser{head: h, most: most, apart: len(b) > sharedHead}
	line := text[:at-len("\r\n")]
	if p.apart {
		line = strings.Clone(line)
	}
	if err := h.requestLine(line); err != nil {
		return err
	}
	for at < len(text)-len("\r\n") {
		end := at + strings.IndexByte(text[at:], '\n')
		if err := p.field(text[at : end-1]); err != nil {
			return err
		}
		at = end + 1
	}
	return p.finish()
}

// lowerNames makes the names of fields lower case, and refuses what is none: a space before the colon, a line that continues the one before it (RFC 9112
// section 5).
func lowerNames(b []byte) error {
	for len(b) > len("\r\n") {
		i := 0
		for i < len(b) && tokens[b[i]] != 0 {
			b[i] = tokens[b[i]]
			i++
		}
		if i == 0 || i == len(b) || b[i] != ':' {
			return bad("a field has a name that none may have")
		}
		b = b[bytes.IndexByte(b, '\n')+1:]
	}
	return nil
}

// tokens has for each byte that a name may have that byte, in lower case; 0 for others (RFC 9110 section 5.6.2).
var tokens = func() (table [256]byte) {
	for b := range 256 {
		if c := byte(b); httpguts.IsTokenRune(rune(b)) && b < 0x80 { //nolint:gosec // it has 8 bits
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			table[b] = c
		}
	}
	return table
}()

// requestLine reads the first line.
func (h *requestHead) requestLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !httpguts.ValidHeaderFieldName(method) { // a method is a token as well
		return bad("the request line is none")
	}
	switch version {
	case "HTTP/1.1":
		h.minor = 1
	case "HTTP/1.0":
	default:
		if len(version) == len("HTTP/1.1") && strings.HasPrefix(version, "HTTP/") && version[6] == '.' && isDigit(version[5]) && isDigit(version[7]) {
			return &refusal{http.StatusHTTPVersionNotSupported, "the version of HTTP is neither 1.0 nor 1.1"}
		}
		return bad("the version is none")
	}
	h.method = method
	return h.target(target)
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// target reads what a request is for, in one of the four forms (RFC 9112 section 3.2). Path and query stay as they were sent (T35).
func (h *requestHead) target(target string) error {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return bad("the target has bytes that none may have")
		}
	}
	if h.method == http.MethodConnect {
		if strings.HasPrefix(target, "/") || !head.ValidAuthority(target) {
			return bad("the target of CONNECT is no authority")
		}
		h.path, h.authority = target, target
		return nil
	}
	path, query, _ := strings.Cut(target, "?")
	switch {
	case strings.HasPrefix(path, "/"):
	case target == "*" && h.method == http.MethodOptions:
	default: // absolute-form: the authority of the target counts, and not the field host (RFC 9112 section 3.2.2)
		scheme, rest, ok := strings.Cut(path, "://")
		if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return bad("the target has none of the forms that there are")
		}
		h.authority, path = rest, "/"
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			h.authority, path = rest[:i], rest[i:]
		}
		if !head.ValidAuthority(h.authority) {
			return bad("the authority of the target is none")
		}
	}
	h.path, h.query = path, query
	return nil
}

// fieldParser reads the fields of a head.
type fieldParser struct {
	head    *requestHead
	most    int
	apart   bool // strings are to be no pieces of the head
	hosts   int
	host    string
	coding  string
	codings int
	lengths int
	length  string
	expect  string
}

// field reads a line, whose name was looked at.
func (p *fieldParser) field(line string) error {
	name, value, _ := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	if !httpguts.ValidHeaderFieldValue(value) {
		return bad("a value has bytes that none may have")
	}
	if p.apart {
		name, value = strings.Clone(name), strings.Clone(value)
	}
	h := p.head
	switch name {
	case "host":
		p.hosts++
		p.host = value
		return nil
	case "transfer-encoding":
		p.codings++
		p.coding = value
		return nil
	case "content-length":
		p.lengths++
		p.length = value
	case "transfer_encoding", "content_length":
		return bad("a field has the name of another, with _") // servers that make variables of names confuse the two
	case "connection":
		h.connection(value)
	case "upgrade":
		h.upgrade = true
	case "expect":
		p.expect = value
	}
	if len(h.fields) <= p.most {
		h.fields = append(h.fields, wire.Field{Name: name, Value: value})
	}
	return nil
}

// connection reads what a client says of the connection.
func (h *requestHead) connection(value string) {
	for value != "" {
		var option string
		option, value, _ = strings.Cut(value, ",")
		switch option = strings.Trim(option, " \t"); {
		case strings.EqualFold(option, "close"):
			h.close = true
		case strings.EqualFold(option, "keep-alive"):
			h.keep = true
		}
	}
}

// finish looks at what the fields make together.
func (p *fieldParser) finish() error {
	h := p.head
	if err := p.hostField(); err != nil {
		return err
	}
	if err := p.framing(); err != nil {
		return err
	}
	if h.minor == 0 {
		h.close = h.close || !h.keep
		h.upgrade = false // RFC 9110 section 7.8
		return nil
	}
	if p.expect == "" {
		return nil
	}
	if !strings.EqualFold(p.expect, "100-continue") {
		return &refusal{http.StatusExpectationFailed, "expect is not 100-continue"}
	}
	h.asks = h.length != 0
	return nil
}

// hostField holds the field host to RFC 9112 section 3.2: HTTP/1.1 has one, and it can be taken in one way.
func (p *fieldParser) hostField() error {
	h := p.head
	switch {
	case p.hosts > 1:
		return bad("host is given twice")
	case p.hosts == 0 && h.minor > 0 && h.method != http.MethodConnect:
		return bad("host is missing")
	case p.host != "" && !head.ValidAuthority(p.host):
		return bad("host is none")
	}
	if h.authority == "" {
		h.authority = p.host
	}
	return nil
}

// framing says how long the body is (RFC 9112 section 6.3). Whatever could be taken in two ways is refused (threat D12).
func (p *fieldParser) framing() error {
	h := p.head
	switch {
	case p.codings > 0 && p.lengths > 0:
		return bad("the body has both a transfer coding and a length")
	case p.codings > 0 && h.minor == 0:
		return bad("HTTP/1.0 has no transfer codings")
	case p.codings > 1, p.codings == 1 && !strings.EqualFold(p.coding, "chunked"):
		return &refusal{http.StatusNotImplemented, "Unsupported transfer encoding"}
	case p.codings == 1:
		h.length = -1
	case p.lengths > 1:
		return bad("content-length is given twice")
	case p.lengths == 1:
		n, err := strconv.ParseUint(p.length, 10, 63)
		if err != nil {
			return bad("content-length is no length")
		}
		h.length = int64(n) //nolint:gosec // it has 63 bits
	}
	return nil
}
