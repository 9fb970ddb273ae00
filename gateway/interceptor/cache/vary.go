// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// maxPartText is the length of a part as it is written.
const maxPartText = 256

// subjectText is the part that is who calls.
const subjectText = "auth.subject"

// part is one thing of a call of which each value has answers of its own.
type part struct {
	kind partKind
	name string // of the claim or the header field
}

type partKind uint8

const (
	partSubject partKind = iota
	partTenant
	partProvider
	partClaim
	partHeader
)

func comparePart(a, b part) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
}

// parsePart reads a part: auth.subject, auth.tenant, auth.provider, auth.claims.NAME or auth.claims["NAME"], headers["NAME"].
func parsePart(text string) (part, error) {
	if len(text) > maxPartText {
		return part{}, fmt.Errorf("has %d bytes; it may have %d", len(text), maxPartText)
	}
	switch text {
	case subjectText:
		return part{kind: partSubject}, nil
	case "auth.tenant":
		return part{kind: partTenant}, nil
	case "auth.provider":
		return part{kind: partProvider}, nil
	}
	if name, ok := strings.CutPrefix(text, "auth.claims"); ok {
		if plain, ok := strings.CutPrefix(name, "."); ok && plain != "" && !strings.ContainsAny(plain, "[]\" ") {
			return part{kind: partClaim, name: plain}, nil
		}
		if quoted, ok := bracketed(name); ok && quoted != "" {
			return part{kind: partClaim, name: quoted}, nil
		}
	}
	if name, ok := strings.CutPrefix(text, "headers"); ok {
		if quoted, ok := bracketed(name); ok {
			if !wire.ValidName(quoted) {
				return part{}, fmt.Errorf("is %s, which names no header field in lower case", text)
			}
			return part{kind: partHeader, name: quoted}, nil
		}
	}
	return part{}, fmt.Errorf("is %.64q, which is unknown; there are auth.subject, auth.tenant, auth.provider, auth.claims.NAME and headers[%q]", text, "NAME")
}

func bracketed(s string) (string, bool) {
	s, open := strings.CutPrefix(s, "[")
	s, closed := strings.CutSuffix(s, "]")
	if !open || !closed {
		return "", false
	}
	name, err := strconv.Unquote(s)
	return name, err == nil
}

// What stands before a value in a key: a value that is not there is another than one that is empty.
const (
	absent  = 0
	present = 1
)

// append adds what a call has of a part.
func (p *part) append(dst []byte, c *transcoder.Call) []byte {
	id := c.Identity
	switch p.kind {
	case partTenant:
		if id == nil {
			return append(dst, absent)
		}
		return appendText(appendText(append(dst, present), id.Provider), id.Tenant)
	case partProvider:
		if id == nil {
			return append(dst, absent)
		}
		return appendText(append(dst, present), id.Provider)
	case partClaim:
		if id == nil {
			return append(dst, absent)
		}
		return appendClaim(appendText(append(dst, present), id.Provider), id.Claims, p.name)
	case partHeader:
		return appendFields(dst, c.Metadata, func(name string) bool { return name == p.name })
	case partSubject: // is appendWho
	}
	return dst
}

// appendFields adds the fields of some names, in their order: a backend sees them all.
func appendFields(dst []byte, h wire.Header, in func(name string) bool) []byte {
	for i := range h {
		if in(h[i].Name) {
			dst = appendText(appendText(append(dst, present), h[i].Name), h[i].Value)
		}
	}
	return append(dst, absent)
}

// appendWho adds who calls: the identities that the call has proven, and all that the backend is told of them. Where the gateway passes
// credentials on, they are part of it: they may be of somebody whom the gateway does not know. callers are names of fields that rules set to tell of it.
func appendWho(dst []byte, c *transcoder.Call, callers []string) []byte {
	dst = appendIdentity(dst, c.Identity)
	return appendFields(dst, c.Metadata, func(name string) bool { return isCredential(name) || slices.Contains(callers, name) })
}

func appendIdentity(dst []byte, id *transcoder.Identity) []byte {
	if id == nil {
		return append(dst, absent)
	}
	dst = append(dst, present)
	dst = appendText(appendText(appendText(dst, id.Provider), id.Tenant), id.Subject)
	dst = appendFields(dst, id.Forward, func(string) bool { return true })
	for _, other := range id.Also {
		dst = appendIdentity(dst, other)
	}
	return append(dst, absent)
}

// isCredential tells whether metadata of a name proves to the backend who calls.
func isCredential(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "cookie", "x-api-key":
		return true
	}
	return false
}

// hasCredentials tells whether the backend is sent any.
func hasCredentials(c *transcoder.Call) bool {
	for i := range c.Metadata {
		if isCredential(c.Metadata[i].Name) {
			return true
		}
	}
	return false
}

// appendClaim adds a claim, by its name or, failing that, by the path that the name is. Whatever it is, one value has one form:
// encoding/json sorts the members of objects.
func appendClaim(dst []byte, claims map[string]any, name string) []byte {
	for {
		if v, ok := claims[name]; ok {
			if text, ok := v.(string); ok {
				return appendText(append(dst, present, 's'), text)
			}
			data, err := json.Marshal(v)
			if err != nil { // it is not what encoding/json has read
				return appendText(append(dst, present, '?'), fmt.Sprintf("%#v", v))
			}
			return appendText(append(dst, present, 'j'), string(data))
		}
		head, rest, ok := strings.Cut(name, ".")
		if !ok {
			return append(dst, absent)
		}
		if claims, ok = claims[head].(map[string]any); !ok {
			return append(dst, absent)
		}
		name = rest
	}
}

// appendText adds a text behind its length, so that no two lists of texts are one (threat C12).
func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
