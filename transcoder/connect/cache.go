// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Cache says how the answers to calls by GET may be cached (T189). The zero value says nothing.
type Cache struct {
	// Control is the value of Cache-Control; "" for none.
	Control string
	// Vary is the value of Vary, beside Accept-Encoding, which is always there: "Authorization" and the like.
	Vary string
	// ETag gives answers a tag by which a client can ask whether it still has the newest.
	ETag bool
}

// apply adds the fields of the policy, and tells whether the client has the answer already.
func (k Cache) apply(r *transcoder.Request, m transcoder.Message, out *transcoder.Out) (notModified bool) {
	vary := "Accept-Encoding"
	if k.Vary != "" {
		vary += ", " + k.Vary
	}
	out.Header.Add("vary", vary)
	if k.Control != "" {
		out.Header.Add("cache-control", k.Control)
	}
	if !k.ETag {
		return false
	}
	tag := entityTag(m)
	out.Header.Add("etag", tag)
	return matches(r.Header.Get("if-none-match"), tag)
}

// entityTag is strong: equal tags mean equal bytes, and compressed ones are others.
func entityTag(m transcoder.Message) string {
	h := sha256.New()
	for _, b := range m.Data {
		h.Write(b.ReadOnlyData())
	}
	const enough = 18 // bytes, which are 24 characters
	tag := base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:enough])
	if m.Encoding != "" {
		tag += "-" + m.Encoding
	}
	return `"` + tag + `"`
}

// matches compares weakly, as If-None-Match asks for.
//
// https://www.rfc-editor.org/rfc/rfc9110.html#section-13.1.2
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
