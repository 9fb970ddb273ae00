// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"slices"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// T141 where a profile asks for it: values that follow each other, however they come.
func TestT141_Values(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		reason, body string
		want         []string
	}{
		{"one", `{"a":1}`, []string{`{"a":1}`}},
		{"without anything between", `{"a":1}{"b":[2]}`, []string{`{"a":1}`, `{"b":[2]}`}},
		{"with space between", " {\"a\":1}\n\r\n\t{} ", []string{`{"a":1}`, `{}`}},
		{"braces in texts", `{"a":"}\"{"}{"b":"\\"}`, []string{`{"a":"}\"{"}`, `{"b":"\\"}`}},
		{"texts", `"a""b]" "c"`, []string{`"a"`, `"b]"`, `"c"`}},
		{"numbers and words", `1 23 null{}true"x"`, []string{"1", "23", "null", "{}", "true", `"x"`}},
		{"arrays", `[1,[2]][]`, []string{"[1,[2]]", "[]"}},
		{"none", "", nil},
		{"only space", " \n", nil},
		{"cut off", `{"a":1}{"b":`, []string{`{"a":1}`, `{"b":`}}, // that it is no JSON is for the codec to say
		{"an end too many", `{}}{}`, []string{"{}", "}", "{}"}},
	} {
		for _, size := range []int{1, 2, 3, 100} {
			e := &elements{values: true, limit: 100}
			var got []string
			for body := r.body; ; {
				value, more, end, err := e.next(body == "")
				if err != nil {
					t.Fatalf("%s, in pieces of %d: %v", r.reason, size, err)
				}
				if end {
					break
				}
				if more {
					n := min(size, len(body))
					e.push([]byte(body[:n]))
					body = body[n:]
					continue
				}
				got = append(got, string(value))
			}
			if !slices.Equal(got, r.want) {
				t.Errorf("%s, in pieces of %d: %q; want %q", r.reason, size, got, r.want)
			}
		}
	}
	e := &elements{values: true, limit: 10}
	e.push([]byte(`{"a":"0123456789`))
	if _, _, _, err := e.next(false); err == nil || status.HTTPOf(err) != 413 {
		t.Errorf("a value over the limit: %v; want 413", err)
	}
}
