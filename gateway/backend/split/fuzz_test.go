// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
)

// FuzzCalls holds that whatever clients send goes to some backend, and that it does not matter in which case they write the host.
func FuzzCalls(f *testing.F) {
	for _, seed := range [][4]string{
		{"api.example.com", "yes", "id=7", "192"}, {"[::1]:80", "", "id", "-1"}, {":", "*", "id==;;id=", "9223372036854775808"}, {"*.example.com", "\x00", " id=1", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	cfg := split.Config{
		Rules: []split.Rule{
			{Backend: "b", Hosts: []string{"*.example.com", "example.org", "::1"}, Headers: map[string]string{"x-canary": "y*"}},
			{Backend: "c", When: `int(headers["x-number"]) > 7 || ip(host).isLoopback() || headers["x-canary"].matches("^(a+)+$")`},
			weighted("a", 1), weighted("b", 1),
		},
		Key: split.Key{Cookie: "id"},
	}
	s, err := split.New(cfg, sides(), slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host, canary, cookie, number string) {
		cookie += "; id=1" // so that no call is placed by chance
		var went [2]string
		for i, h := range []string{host, upper(host)} {
			c := call("x-canary", canary, "cookie", cookie, "x-number", number)
			c.Request.Authority = h
			went[i] = to(t, s, c)
		}
		if went[0] != went[1] || went[0] == "" {
			t.Errorf("%q goes to %q, and in capitals to %q", host, went[0], went[1])
		}
	})
}

// upper writes ASCII in capitals, and leaves the rest.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}
