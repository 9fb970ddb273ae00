// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/quic-go/qpack"
	"golang.org/x/net/http/httpguts"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// fieldOverhead is what a field counts for beside its name and its value (RFC 9114 section 4.2.2).
const fieldOverhead = 32

// head is what a request begins with.
type head struct {
	method, scheme, authority, path string
	fields                          wire.Header
	length                          int64 // of the body; -1 for unknown
	seen                            [4]bool
}

// The pseudo fields of a request, by the index of head.seen.
const (
	pseudoMethod = iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
)

// errHeadTooLarge says that a head has more than the listener takes.
var errHeadTooLarge = errors.New("the head is too large")

// malformed is why a request cannot be served (RFC 9114 section 4.1.2).
type malformed string

func (m malformed) Error() string { return string(m) }

// decodeHead reads the fields of a request.
func decodeHead(block []byte, limit int) (*head, error) {
	h := &head{length: -1}
	next := qpack.NewDecoder().Decode(block)
	for {
		f, err := next()
		if errors.Is(err, io.EOF) {
			return h, h.check()
		}
		if err != nil {
			return nil, &connError{connDecompressionFailed, "the fields of a head cannot be read"}
		}
		if limit -= len(f.Name) + len(f.Value) + fieldOverhead; limit < 0 {
			return nil, errHeadTooLarge
		}
		if err := h.add(f.Name, f.Value); err != nil {
			return nil, err
		}
	}
}

func (h *head) add(name, value string) error {
	if !httpguts.ValidHeaderFieldValue(value) {
		return malformed("a value has bytes that none may have")
	}
	if strings.HasPrefix(name, ":") {
		return h.pseudo(name, value)
	}
	if !httpguts.ValidHeaderFieldName(name) || strings.ToLower(name) != name {
		return malformed("a field has a name that none may have")
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return malformed("a field is about connections of HTTP/1.1")
	case "te":
		if value != "trailers" {
			return malformed("te is not trailers")
		}
	case "cookie": // they may come in pieces (RFC 9114 section 4.2.1)
		for i := range h.fields {
			if h.fields[i].Name == name {
				h.fields[i].Value += "; " + value
				return nil
			}
		}
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return malformed("content-length is no length")
		}
		if h.length >= 0 {
			if h.length != int64(n) { //nolint:gosec // it has 63 bits
				return malformed("content-length is given twice")
			}
			return nil
		}
		h.length = int64(n) //nolint:gosec // it has 63 bits
	case "host":
		// It says what :authority does, and is kept there alone.
		if h.authority != "" && h.authority != value {
			return malformed("host is not what :authority is")
		}
		h.authority = value
		return nil
	}
	h.fields = append(h.fields, wire.Field{Name: name, Value: value})
	return nil
}

func (h *head) pseudo(name, value string) error {
	if len(h.fields) > 0 {
		return malformed("a pseudo field comes behind a field")
	}
	var which int
	switch name {
	case ":method":
		which, h.method = pseudoMethod, value
	case ":scheme":
		which, h.scheme = pseudoScheme, value
	case ":authority":
		which, h.authority = pseudoAuthority, value
	case ":path":
		which, h.path = pseudoPath, value
	default:
		return malformed("a pseudo field that no request has") // :protocol too: we did not say that we take it
	}
	if h.seen[which] {
		return malformed("a pseudo field is given twice")
	}
	h.seen[which] = true
	return nil
}

// check looks at what the fields make together (RFC 9114 section 4.3.1).
func (h *head) check() error {
	if !httpguts.ValidHeaderFieldName(h.method) { // a method is a token as well
		return malformed("the method is none")
	}
	if h.authority == "" || strings.Contains(h.authority, "@") || !httpguts.ValidHostHeader(h.authority) {
		return malformed("the authority is none")
	}
	if h.method == http.MethodConnect {
		if h.seen[pseudoScheme] || h.seen[pseudoPath] {
			return malformed("CONNECT has neither scheme nor path")
		}
		h.path = h.authority // where HTTP/1.1 has it
		return nil
	}
	if h.scheme == "" {
		return malformed("the scheme is missing")
	}
	if !strings.HasPrefix(h.path, "/") && (h.path != "*" || h.method != http.MethodOptions) {
		return malformed("the path is none")
	}
	for i := range len(h.path) {
		if h.path[i] <= ' ' || h.path[i] == 0x7f {
			return malformed("the path has bytes that none may have")
		}
	}
	return nil
}
