// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"strings"
	"testing"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		cfg  Config
		want string // "" is good
	}{
		{Config{}, ""},
		{Config{SuccessStatus: 201, ETag: ETagField, StatusHeader: "x-status", StatusAllowed: []int{202}}, ""},
		{Config{SuccessStatus: 300}, "success_status: is 300; it must be 200 to 299"},
		{Config{SuccessStatus: 204}, "there is no_content_for_empty"},
		{Config{StatusHeader: "x-status"}, "status_from: needs both"},
		{Config{StatusAllowed: []int{200}}, "status_from: needs both"},
		{Config{StatusHeader: "x-status", StatusAllowed: []int{404}}, "status_from.allow: has 404; it must be 200 to 399"},
		{Config{StatusHeader: "Content-Length", StatusAllowed: []int{200}}, "cannot be the name of a header field"},
		{Config{ETag: "hash"}, `etag: is "hash"; it must be off, content or field`},
		{Config{CacheControl: "a\r\nb"}, "cache_control"},
		{Config{ResponseFields: map[string]string{"connection": "x"}}, `"connection" cannot be the name of a header field`},
		{Config{TrailersAsHeaders: []string{"grpc-status"}}, `"grpc-status" cannot be the name of a header field`},
		{Config{Errors: ErrorFormat{Name: "xml"}}, `errors.format: is "xml"; it must be status, google, problem or template`},
		{Config{Errors: ErrorFormat{Name: FormatTemplate}}, "errors.template: has 0 bytes"},
		{Config{Errors: ErrorFormat{Name: FormatTemplate, Template: strings.Repeat(" ", maxTemplate+1)}}, "it must have 1 to 16384"},
		{Config{Errors: ErrorFormat{Name: FormatGoogle, Template: "{}"}}, "only for the format template"},
		{Config{Errors: ErrorFormat{Name: FormatTemplate, Template: "{"}}, "it is not JSON"},
		{Config{Errors: ErrorFormat{Name: FormatTemplate, Template: "[]"}}, "it is not a JSON object"},
		{Config{Errors: ErrorFormat{Name: FormatTemplate, Template: `{"a":"{mesage}"}`}}, "{mesage} is no placeholder"},
		{Config{Errors: ErrorFormat{Name: FormatTemplate, Template: `{"a":"x {code"}`}}, "{code is no placeholder"},
		{Config{Errors: ErrorFormat{Name: FormatTemplate, Template: `{"a":"x {details}"}`}}, "must be a whole string"},
	} {
		_, err := compileConfig(&r.cfg)
		if r.want == "" && err != nil || r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)) {
			t.Errorf("%+v: %v; want %q", r.cfg, err, r.want)
		}
	}
	_, err := compileConfig(&Config{SuccessStatus: 300, ETag: "x"})
	if err == nil || !strings.Contains(err.Error(), "success_status") || !strings.Contains(err.Error(), "etag") {
		t.Errorf("not all mistakes are told: %v", err)
	}
}

// T148: names are never placeholders, and texts stay texts.
func TestT148_TemplatesStayJSON(t *testing.T) {
	t.Parallel()
	c, bad := ErrorFormat{Name: FormatTemplate, Template: `{"{code}":"{code}","a\"{{b":"x{code}y"}`}.compile()
	if bad != nil {
		t.Fatal(bad)
	}
	var text strings.Builder
	for _, p := range c.pieces {
		text.WriteString(p.text)
		if p.value != placeNone {
			text.WriteString("0")
		}
	}
	if want := `{"{code}":0,"a\"{{b":"x0y"}`; text.String() != want {
		t.Errorf("got %s, want %s", text.String(), want)
	}
}
