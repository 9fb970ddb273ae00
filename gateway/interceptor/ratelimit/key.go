// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Bounds of keys, as they are written.
const (
	maxKeyText   = 1024
	maxKeyParts  = 16
	maxPlainKey  = 64 // bytes of a key that is kept as it is; longer ones are kept as their hash (threat G2)
	addressBytes = 8  // of an address of IPv6 that count: whoever has one has all of its /64
)

// part says one thing of a call by which it is counted.
type part struct {
	kind  partKind
	name  string // of the claim, the header field, or the path of the field of the request
	label string // as it is written
}

type partKind uint8

const (
	clientAddress partKind = iota
	authSubject
	authTenant
	authProvider
	authClaim
	header
	requestField
	method
	service
	listener
)

// plainParts are the parts that are just a name.
var plainParts = map[string]partKind{
	"client.address": clientAddress, "auth.subject": authSubject, "auth.tenant": authTenant, "auth.provider": authProvider,
	"method": method, "service": service, "listener": listener,
}

// Key says by what calls are counted: each value has a bucket of its own. It is alternatives, of which the first counts that a call has all
// parts of. Calls that have none share one bucket, so that who leaves out what is asked for is not without limit. The zero Key
// has one bucket for all calls.
type Key struct {
	text         string
	alternatives [][]part
}

// ParseKey reads a key: parts with + between, and alternatives with || between. The parts are client.address, auth.subject, auth.tenant,
// auth.provider, auth.claims.NAME or auth.claims["NAME"], headers["NAME"], request.FIELD, method, service and listener.
func ParseKey(s string) (Key, error) {
	if strings.TrimSpace(s) == "" {
		return Key{}, nil
	}
	if len(s) > maxKeyText {
		return Key{}, fmt.Errorf("has %d bytes; it may have %d", len(s), maxKeyText)
	}
	k := Key{text: s}
	parts := 0
	for alternative := range strings.SplitSeq(s, "||") {
		var list []part
		for text := range strings.SplitSeq(alternative, "+") {
			p, err := parsePart(strings.TrimSpace(text))
			if err != nil {
				return Key{}, err
			}
			if slices.Contains(list, p) {
				return Key{}, fmt.Errorf("has %s twice", p.label)
			}
			list = append(list, p)
			parts++
		}
		k.alternatives = append(k.alternatives, list)
	}
	if parts > maxKeyParts {
		return Key{}, fmt.Errorf("has %d parts; it may have %d", parts, maxKeyParts)
	}
	return k, nil
}

func parsePart(text string) (part, error) {
	if kind, ok := plainParts[text]; ok {
		return part{kind: kind, label: text}, nil
	}
	if name, ok := strings.CutPrefix(text, "auth.claims"); ok {
		if plain, ok := strings.CutPrefix(name, "."); ok && plain != "" && !strings.ContainsAny(plain, "[]\" ") {
			return part{kind: authClaim, name: plain, label: text}, nil
		}
		if quoted, ok := bracketed(name); ok && quoted != "" {
			return part{kind: authClaim, name: quoted, label: text}, nil
		}
	}
	if name, ok := strings.CutPrefix(text, "headers"); ok {
		if quoted, ok := bracketed(name); ok {
			if !wire.ValidName(quoted) {
				return part{}, fmt.Errorf("has %s, which is no name of a header field in lower case", text)
			}
			return part{kind: header, name: quoted, label: text}, nil
		}
	}
	if path, ok := strings.CutPrefix(text, "request."); ok && validPath(path) {
		return part{kind: requestField, name: path, label: text}, nil
	}
	if text == "" {
		return part{}, errors.New("has nothing between two + or ||, or before or behind one")
	}
	known := []string{`auth.claims.NAME`, `headers["NAME"]`, `request.FIELD`}
	for name := range plainParts {
		known = append(known, name)
	}
	slices.Sort(known)
	return part{}, fmt.Errorf("has %.64q, which is unknown; there are %s", text, strings.Join(known, ", "))
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

func validPath(path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		if !protoreflect.Name(name).IsValid() {
			return false
		}
	}
	return true
}

// String returns the key as it is written.
func (k Key) String() string { return k.text }

func (k Key) has(kinds ...partKind) bool {
	return slices.ContainsFunc(k.alternatives, func(list []part) bool {
		return slices.ContainsFunc(list, func(p part) bool { return slices.Contains(kinds, p.kind) })
	})
}

// NeedsIdentity tells whether the key is about who calls.
func (k Key) NeedsIdentity() bool { return k.Identity() != "" }

// NeedsMessage tells whether the key is about what a request says.
func (k Key) NeedsMessage() bool { return k.has(requestField) }

// Identity returns a part that is about who calls; "" for none.
func (k Key) Identity() string {
	for _, list := range k.alternatives {
		for _, p := range list {
			switch p.kind {
			case authSubject, authTenant, authProvider, authClaim:
				return p.label
			default:
			}
		}
	}
	return ""
}

// OfCallersAlone returns a part that is about who calls, of a key that calls by nobody in particular have none of; "" where they have one.
func (k Key) OfCallersAlone() string {
	label := ""
	for _, list := range k.alternatives {
		i := slices.IndexFunc(list, func(p part) bool {
			return slices.Contains([]partKind{authSubject, authTenant, authProvider, authClaim}, p.kind)
		})
		if i < 0 {
			return ""
		}
		if label == "" {
			label = list[i].label
		}
	}
	return label
}

// Forgeable returns a part that a client can say anything in; "" for none.
func (k Key) Forgeable() string {
	for _, list := range k.alternatives {
		for _, p := range list {
			if p.kind == header || p.kind == requestField {
				return p.label
			}
		}
	}
	return ""
}

// keyBuffer is large enough for keys that are kept as they are, and for most others.
type keyBuffer [256]byte

// append adds the key of a call: parts are preceded by their length, so that no two calls have one key that do not have the same parts
// (threat G2). message is the first message of the request; nil before that is there.
func (k *Key) append(dst []byte, c *transcoder.Call, fields []*field, message []byte) []byte {
	begin := len(dst)
	for i, list := range k.alternatives {
		dst = append(dst[:begin], byte(i))
		complete := true
		for j := range list {
			if dst, complete = list[j].append(dst, c, fields, message); !complete {
				break
			}
		}
		if complete {
			return short(dst, begin)
		}
	}
	return append(dst[:begin], byte(len(k.alternatives))) // nobody in particular
}

// short replaces a key that is too long by its hash.
func short(dst []byte, begin int) []byte {
	if len(dst)-begin <= maxPlainKey {
		return dst
	}
	const hashed = 0xff // no alternative has that number
	sum := sha256.Sum256(dst[begin:])
	return append(append(dst[:begin], hashed), sum[:]...)
}

// append adds the length of a part and the part; it is false where the call does not have it.
func (p *part) append(dst []byte, c *transcoder.Call, fields []*field, message []byte) ([]byte, bool) {
	switch p.kind {
	case clientAddress:
		switch {
		case c.Client.Is4():
			a := c.Client.As4()
			return appendBytes(dst, a[:]), true
		case c.Client.IsValid():
			a := c.Client.As16()
			return appendBytes(dst, a[:addressBytes]), true
		}
		return dst, false // a Unix socket
	case authSubject:
		if c.Identity == nil {
			return dst, false
		}
		return appendText(appendText(dst, c.Identity.Provider), c.Identity.Subject), true
	case authTenant:
		if c.Identity == nil || c.Identity.Tenant == "" {
			return dst, false
		}
		return appendText(appendText(dst, c.Identity.Provider), c.Identity.Tenant), true
	case authProvider:
		if c.Identity == nil {
			return dst, false
		}
		return appendText(dst, c.Identity.Provider), true
	case authClaim:
		text, ok := claim(c.Identity, p.name)
		if !ok {
			return dst, false
		}
		return appendText(appendText(dst, c.Identity.Provider), text), true
	case header:
		found := false
		for i := range c.Request.Header {
			if c.Request.Header[i].Name == p.name {
				dst, found = appendText(dst, c.Request.Header[i].Value), true
			}
		}
		return dst, found
	case requestField:
		for _, f := range fields {
			if f.path == p.name {
				return f.append(dst, message)
			}
		}
		return dst, false
	case method:
		return appendText(dst, known(c.Method, c.Method.Path)), true
	case service:
		return appendText(dst, known(c.Method, c.Method.Service)), true
	case listener:
		return appendText(dst, c.Request.Listener), true
	}
	return dst, false
}

// known returns a name of a method. Those of methods that no schema has are made up by clients: the rule by which they pass stands for them.
func known(m *transcoder.Method, name string) string {
	if m.Rule != "" {
		return m.Rule
	}
	return name
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// claim returns a claim that is a text or a number, by its name or, failing that, by the path that the name is.
func claim(id *transcoder.Identity, name string) (string, bool) {
	if id == nil {
		return "", false
	}
	claims := id.Claims
	for {
		v, ok := claims[name]
		if ok {
			switch t := v.(type) {
			case string:
				return t, t != ""
			case json.Number:
				return t.String(), true
			case bool:
				return strconv.FormatBool(t), true
			}
			return "", false
		}
		head, rest, ok := strings.Cut(name, ".")
		if !ok {
			return "", false
		}
		if claims, ok = claims[head].(map[string]any); !ok {
			return "", false
		}
		name = rest
	}
}

// text is what a call has of a part, for stores that want to read it.
func (p *part) text(c *transcoder.Call, fields []*field, message []byte) (string, bool) {
	switch p.kind {
	case clientAddress:
		switch {
		case c.Client.Is4():
			return c.Client.String(), true
		case c.Client.IsValid():
			network, err := c.Client.Prefix(addressBytes * 8)
			return network.String(), err == nil
		}
		return "", false
	case authSubject:
		if c.Identity == nil {
			return "", false
		}
		return c.Identity.Subject, true
	case authTenant:
		if c.Identity == nil || c.Identity.Tenant == "" {
			return "", false
		}
		return c.Identity.Tenant, true
	case authProvider:
		if c.Identity == nil {
			return "", false
		}
		return c.Identity.Provider, true
	case authClaim:
		return claim(c.Identity, p.name)
	case header:
		var values []string
		for i := range c.Request.Header {
			if c.Request.Header[i].Name == p.name {
				values = append(values, c.Request.Header[i].Value)
			}
		}
		return strings.Join(values, ", "), len(values) > 0
	case requestField:
		for _, f := range fields {
			if f.path == p.name {
				return f.text(message)
			}
		}
		return "", false
	case method:
		return known(c.Method, c.Method.Path), true
	case service:
		return known(c.Method, c.Method.Service), true
	case listener:
		return c.Request.Listener, true
	}
	return "", false
}
