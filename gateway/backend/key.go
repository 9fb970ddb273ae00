// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// HashKey is what calls of one kind have in common. Exactly one field is set.
type HashKey struct {
	// ClientAddress is the address that the call counts as coming from.
	ClientAddress bool
	// Header is the name of a header field, in lower case.
	Header string
	// Cookie is the name of a cookie.
	Cookie string
	// Field is the path of a field of the request message.
	Field string
}

// Keyer finds the keys of the calls of one method. It is immutable, and safe for concurrent use.
type Keyer struct {
	parts   []HashKey
	fields  []*field // beside parts; nil for those that are no field
	message bool     // one of them is a field
	sticky  *Sticky  // of clients without the cookie; nil where none is set
}

// NewKeyer returns what finds the keys of a method's calls; nil when the backend goes by none. request is what the method takes. The
// error is a *FieldError where the message has no field that can be a key.
func (l *LoadBalancing) NewKeyer(request protoreflect.MessageDescriptor) (*Keyer, error) {
	k := &Keyer{parts: l.HashKeys}
	if l.Sticky != nil {
		k.parts = []HashKey{l.Sticky.Key}
		if l.Sticky.SetCookie {
			k.sticky = l.Sticky
		}
	}
	if len(k.parts) == 0 {
		return nil, nil //nolint:nilnil // most backends go by no key, and their calls take no notice
	}
	k.fields = make([]*field, len(k.parts))
	var errs []error
	for i, p := range k.parts {
		if p.Field == "" {
			continue
		}
		f, err := newField(p.Field, request)
		if err != nil {
			errs = append(errs, err)
		}
		k.fields[i], k.message = f, true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return k, nil
}

// head returns the key of a call, if it is in the head; more says that a field of its message has to be looked at before it is
// known. from is the first part to look at, and next where to go on.
func (k *Keyer) head(c *transcoder.Call, from int) (key string, next int) {
	for i := from; i < len(k.parts); i++ {
		switch p := &k.parts[i]; {
		case p.Field != "":
			return "", i
		case p.ClientAddress:
			key = c.Client.String()
		case p.Header != "":
			key = c.Request.Header.Get(p.Header)
		default:
			key = cookie(c.Request.Header, p.Cookie)
		}
		if key != "" {
			break
		}
	}
	if key == "" && k.sticky != nil && c.Protocol != native {
		key = k.sticky.give(c)
	}
	return key, len(k.parts)
}

// key returns the key of a call whose message is there.
func (k *Keyer) key(c *transcoder.Call, m *transcoder.Message) string {
	for from := 0; ; from++ {
		key, next := k.head(c, from)
		if key != "" || next == len(k.parts) {
			return key
		}
		if key = k.fields[next].of(m.Data); key != "" {
			return key
		}
		from = next
	}
}

// native is the protocol whose clients keep no cookies.
const native = "grpc"

// cookie returns the value of a cookie; of several the first.
//
// https://www.rfc-editor.org/rfc/rfc6265#section-4.2
func cookie(h wire.Header, name string) string {
	for i := range h {
		if h[i].Name != "cookie" {
			continue
		}
		for pair := range strings.SplitSeq(h[i].Value, ";") {
			if n, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && n == name {
				return strings.Trim(value, `"`)
			}
		}
	}
	return ""
}

// give gives the client a cookie with a new session, and returns that. It says nothing about endpoints.
func (s *Sticky) give(c *transcoder.Call) string {
	session := rand.Text()
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s=%s; Path=/; HttpOnly; SameSite=Lax", s.Key.Cookie, session)
	if s.MaxAge > 0 {
		b.WriteString("; Max-Age=" + strconv.FormatInt(int64(s.MaxAge/time.Second), 10))
	}
	if c.Request.Scheme == "https" {
		b.WriteString("; Secure")
	}
	c.AnswerFields.Add("set-cookie", b.String())
	return session
}
