// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// The link of traces is the URL of a page, with the place of the id where a page has it; all else is refused, at its place in the file.
func TestTraceLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		link   string
		good   bool
		reason string
	}{
		{"https://jaeger.acme.example/trace/{trace_id}", true, "a part of the path"},
		{"http://127.0.0.1:16686/trace/{trace_id}?uiFind=x#top", true, "in clear text, with a port, and more behind it"},
		{"https://[::1]:3000/trace/{trace_id}", true, "an address of IPv6"},
		{"https://grafana.acme.example/explore?left=%7B%22query%22:%22{trace_id}%22%7D", true, "a value in the query; the braces of JSON are escaped"},
		{"https://ui.acme.example#/traces/{trace_id}", true, "behind #, as pages have it that find their way themselves"},
		{"https://jaeger.acme.example/trace/", false, "the id has no place"},
		{"https://jaeger.acme.example/{trace_id}/{trace_id}", false, "the id has two"},
		{"https://{trace_id}.acme.example/", false, "the id is in the host"},
		{"https://jaeger.acme.example{trace_id}", false, "the id is in the host"},
		{"https://jaeger.acme.example/trace/{traceid}", false, "another name"},
		{"https://jaeger.acme.example/{service}/{trace_id}", false, "a place for something else"},
		{"https://jaeger.acme.example/trace/{TRACE_ID}", false, "in capitals"},
		{"javascript:alert(1)//{trace_id}", false, "it would run in the console"},
		{"data:text/html,{trace_id}", false, "a page of its own"},
		{"ftp://acme.example/{trace_id}", false, "nothing that a browser goes to"},
		{"//jaeger.acme.example/{trace_id}", false, "without a scheme"},
		{"/trace/{trace_id}", false, "without a host"},
		{"https:///trace/{trace_id}", false, "without a host"},
		{"https://:443/trace/{trace_id}", false, "a port without a host"},
		{"https://[::1/trace/{trace_id}", false, "a bracket that is not closed"},
		{"https://jaeger.acme.example:port/{trace_id}", false, "a port that is none"},
		{"https://user:secret@jaeger.acme.example/{trace_id}", false, "everybody who sees the console would have the password"},
		{"https://jaeger.acme.example/a b/{trace_id}", false, "a space"},
		{"https://jaeger.acme.example/%zz/{trace_id}", false, "an escape that is none"},
		{"https://jaeger.acme.example/" + strings.Repeat("x", 1001) + "{trace_id}", false, "too long"},
	} {
		const line = 5
		text := fmt.Sprintf("version: v1\nschemas: {sources: [{protos: {dir: .}}]}\nbackends: {all: {target: \"localhost:50051\"}}\nservices: [{match: \"**\", backend: all}]\n"+
			"observability: {tracing: {link: %q}}\n", c.link)
		cfg, err := config.Parse("test.yaml", []byte(text), config.Options{})
		switch {
		case c.good && err != nil:
			t.Errorf("%s (%s): %v", c.link, c.reason, err)
		case c.good && cfg.Observability.Tracing.Link != c.link:
			t.Errorf("%s (%s): got %q", c.link, c.reason, cfg.Observability.Tracing.Link)
		case !c.good && err == nil:
			t.Errorf("%.60s (%s): it is taken", c.link, c.reason)
		case !c.good && !strings.Contains(err.Error(), fmt.Sprintf("test.yaml:%d:33 observability.tracing.link: must be the URL of a page", line)):
			t.Errorf("%.60s (%s): %v", c.link, c.reason, err)
		}
	}
}
