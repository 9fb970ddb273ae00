// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T130: the form of a stream follows Accept.
func TestT130_Accept(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		accept    string
		otherwise StreamFormat
		want      StreamFormat // "" for none
		reason    string
	}{
		{"", StreamNDJSON, StreamNDJSON, "nothing said"},
		{"*/*", StreamNDJSON, StreamNDJSON, "anything"},
		{"*/*", StreamSSE, StreamSSE, "anything, where the route has a form of its own"},
		{"application/x-ndjson", StreamArray, StreamNDJSON, "named"},
		{"application/jsonl", StreamArray, StreamNDJSON, "named otherwise"},
		{"text/event-stream", StreamNDJSON, StreamSSE, "EventSource"},
		{"application/json", StreamNDJSON, StreamArray, "JSON is one value"},
		{"application/json, text/plain, */*", StreamNDJSON, StreamArray, "what is named is meant more than a wildcard"},
		{"application/json;q=0.5, text/event-stream", StreamNDJSON, StreamSSE, "the higher weight"},
		{"application/json;q=0.5, */*;q=0.1", StreamNDJSON, StreamArray, "of a wildcard, too"},
		{"text/event-stream;q=0, */*", StreamSSE, StreamNDJSON, "refused, though the route would have it"},
		{"application/json-seq", StreamNDJSON, StreamJSONSeq, "named"},
		{"application/x-protobuf; delimited=true", StreamNDJSON, StreamDelimited, "named with its parameter"},
		{`application/x-protobuf;delimited="true"`, StreamNDJSON, StreamDelimited, "quoted"},
		{"application/x-protobuf", StreamNDJSON, "", "one message is not a stream of them"},
		{"application/json; charset=utf-8", StreamNDJSON, StreamArray, "with a charset"},
		{"APPLICATION/JSON", StreamNDJSON, StreamArray, "in capitals"},
		{"application/*", StreamNDJSON, StreamNDJSON, "a family"},
		{"application/*", StreamArray, StreamArray, "a family that has the route's form"},
		{"text/*", StreamNDJSON, StreamSSE, "a family that has not"},
		{"text/html", StreamNDJSON, "", "nothing that we have"},
		{"text/html, application/xhtml+xml", StreamNDJSON, "", "a browser without a wildcard"},
		{"text/html, */*;q=0.8", StreamNDJSON, StreamNDJSON, "a browser"},
		{"application/json;q=abc", StreamNDJSON, "", "a weight that is none"},
		{"application/json;q=2", StreamNDJSON, "", "a weight out of bounds"},
		{"image/png;q=0.1", StreamNDJSON, "", "one of the others"},
	} {
		var h wire.Header
		if r.accept != "" {
			h.Add("accept", r.accept)
		}
		got, ok := chooseFormat(h, r.otherwise, func(StreamFormat) bool { return true })
		if got != r.want || ok != (r.want != "") {
			t.Errorf("%s: %q with %s: got %q, %t; want %q", r.reason, r.accept, r.otherwise, got, ok, r.want)
		}
	}
	h := wire.Header{{Name: "accept", Value: "text/html"}, {Name: "accept", Value: "text/event-stream"}}
	if got, ok := chooseFormat(h, StreamNDJSON, func(StreamFormat) bool { return true }); got != StreamSSE || !ok {
		t.Errorf("two fields: %q, %t", got, ok)
	}
	if got, ok := chooseFormat(h, StreamNDJSON, func(f StreamFormat) bool { return f != StreamSSE }); ok {
		t.Errorf("what cannot be had is chosen: %q", got)
	}
}
