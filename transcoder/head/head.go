// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package head provides the rules for heads that the versions of HTTP have in common.
package head

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Limit is how large a head may be by the measure of HTTP/2 and HTTP/3, which counts FieldOverhead for each field: one that keeps to both limits of a
// listener, that of its bytes and that of its fields, has room.
func Limit(bytes, fields int) int { return bytes + FieldOverhead*fields }

// FieldOverhead is what a field counts for beside its name and its value (RFC 9113 section 6.5.2, RFC 9114 section 4.2.2).
const FieldOverhead = 32

// Head is what a request begins with. It begins with a Length of -1 and with Most.
type Head struct {
	// Method, Scheme, Authority and Path are the pseudo fields; Authority may come from the field host. The path of CONNECT is its authority.
	Method, Scheme, Authority, Path string
	// Fields are all others but host, in the order in which they came; pieces of a cookie are one.
	Fields wire.Header
	// Length is that of the body as content-length says; -1 for unknown.
	Length int64
	// Most is how many fields there may be, the pieces of a cookie counted one by one (threat B14). Of what is more one is kept, by which it is seen
	// that there are too many.
	Most int

	seen [4]bool
}

// The pseudo fields of a request, by the index of Head.seen.
const (
	pseudoMethod = iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
)

// Malformed is why a request cannot be served (RFC 9113 section 8.1.1, RFC 9114 section 4.1.2).
type Malformed string

func (m Malformed) Error() string { return string(m) }

// Add takes a field in. Its error is Malformed.
func (h *Head) Add(name, value string) error {
	if !httpguts.ValidHeaderFieldValue(value) {
		return Malformed("a value has bytes that none may have")
	}
	if strings.HasPrefix(name, ":") {
		return h.pseudo(name, value)
	}
	if !httpguts.ValidHeaderFieldName(name) || strings.ToLower(name) != name {
		return Malformed("a field has a name that none may have")
	}
	if ofConnections(name) {
		return Malformed("a field is about connections of HTTP/1.1")
	}
	switch name {
	case "te":
		if value != "trailers" {
			return Malformed("te is not trailers")
		}
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return Malformed("content-length is no length")
		}
		if h.Length >= 0 {
			if h.Length != int64(n) { //nolint:gosec // it has 63 bits
				return Malformed("content-length is given twice")
			}
			return nil
		}
		h.Length = int64(n) //nolint:gosec // it has 63 bits
	case "host":
		// It says what :authority does, and is kept there alone.
		if h.Authority != "" && h.Authority != value {
			return Malformed("host is not what :authority is")
		}
		h.Authority = value
		return nil
	}
	if !h.Many() {
		h.Fields = append(h.Fields, wire.Field{Name: name, Value: value})
	}
	return nil
}

// Many tells that there are more fields than there may be.
func (h *Head) Many() bool { return len(h.Fields) > h.Most }

// joinCookies makes one of the pieces in which a cookie may come (RFC 9113 section 8.2.3, RFC 9114 section 4.2.1).
func (h *Head) joinCookies() {
	const name = "cookie"
	if h.Many() || h.Fields.Count(name) < 2 {
		return
	}
	var whole strings.Builder
	first, kept := -1, h.Fields[:0]
	for _, f := range h.Fields {
		switch {
		case f.Name != name:
			kept = append(kept, f)
			continue
		case first < 0:
			first = len(kept)
			kept = append(kept, f)
		default:
			whole.WriteString("; ")
		}
		whole.WriteString(f.Value)
	}
	h.Fields = kept
	h.Fields[first].Value = whole.String()
}

func (h *Head) pseudo(name, value string) error {
	if len(h.Fields) > 0 {
		return Malformed("a pseudo field comes behind a field")
	}
	var which int
	switch name {
	case ":method":
		which, h.Method = pseudoMethod, value
	case ":scheme":
		which, h.Scheme = pseudoScheme, value
	case ":authority":
		which, h.Authority = pseudoAuthority, value
	case ":path":
		which, h.Path = pseudoPath, value
	default:
		return Malformed("a pseudo field that no request has") // :protocol too: we did not say that we take it
	}
	if h.seen[which] {
		return Malformed("a pseudo field is given twice")
	}
	h.seen[which] = true
	return nil
}

// Check looks at what the fields make together, once all are there (RFC 9113 section 8.3.1, RFC 9114 section 4.3.1).
func (h *Head) Check() error {
	h.joinCookies()
	if !httpguts.ValidHeaderFieldName(h.Method) { // a method is a token as well
		return Malformed("the method is none")
	}
	if !ValidAuthority(h.Authority) {
		return Malformed("the authority is none")
	}
	if h.Method == http.MethodConnect {
		if h.seen[pseudoScheme] || h.seen[pseudoPath] {
			return Malformed("CONNECT has neither scheme nor path")
		}
		h.Path = h.Authority // where HTTP/1.1 has it
		return nil
	}
	if h.Scheme == "" {
		return Malformed("the scheme is missing")
	}
	if !strings.HasPrefix(h.Path, "/") && (h.Path != "*" || h.Method != http.MethodOptions) {
		return Malformed("the path is none")
	}
	for i := range len(h.Path) {
		if h.Path[i] <= ' ' || h.Path[i] == 0x7f {
			return Malformed("the path has bytes that none may have")
		}
	}
	return nil
}

// ofConnections tells whether a field is about a connection of HTTP/1.1. Who serves the connection alone says such things, and HTTP/2 and HTTP/3 have
// none of them.
func ofConnections(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// Sendable tells whether a field of an answer can be sent, and by which name: one that cannot would make the whole answer malformed.
func Sendable(f *wire.Field) (name string, ok bool) {
	name = strings.ToLower(f.Name)
	return name, !ofConnections(name) && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(f.Value)
}

// ValidAuthority tells whether a request can be for that host (RFC 9110 section 4.2.4: without what is before "@").
func ValidAuthority(authority string) bool {
	return authority != "" && !strings.Contains(authority, "@") && httpguts.ValidHostHeader(authority)
}
