// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package percent_test

import (
	"testing"

	"golang.org/x/net/http/httpguts"

	"github.com/dragoman-gateway/dragoman/internal/percent"
)

// T151, B16: messages survive both ways, and no control byte is left in a field.
func TestT151PercentEncoding(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "100%", "ä€😀", "a\r\nSet-Cookie: b", "\x00\x7f"} {
		encoded := string(percent.Append(nil, s))
		if !httpguts.ValidHeaderFieldValue(encoded) || percent.Decode(encoded) != s {
			t.Errorf("%q is written as %q and read as %q", s, encoded, percent.Decode(encoded))
		}
	}
	for in, want := range map[string]string{"%": "%", "%4": "%4", "%zz": "%zz", "a%41%": "aA%", "%c3%A4": "ä"} {
		if got := percent.Decode(in); got != want {
			t.Errorf("Decode(%q) = %q; want %q", in, got, want)
		}
	}
}
