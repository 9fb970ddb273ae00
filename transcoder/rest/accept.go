// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"strconv"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// StreamFormat is the form of a stream's answer.
type StreamFormat string

// The forms of a stream's answer. A client chooses by Accept (T130).
const (
	// StreamNDJSON is a message on each line: application/x-ndjson.
	StreamNDJSON StreamFormat = "ndjson"
	// StreamArray is one JSON array: application/json.
	StreamArray StreamFormat = "array"
	// StreamSSE is Server-Sent Events: text/event-stream.
	//
	// https://html.spec.whatwg.org/multipage/server-sent-events.html
	StreamSSE StreamFormat = "sse"
	// StreamJSONSeq is a JSON text sequence: application/json-seq (RFC 7464).
	StreamJSONSeq StreamFormat = "json_seq"
	// StreamDelimited is protobuf messages, each with its length before it: application/x-protobuf; delimited=true.
	StreamDelimited StreamFormat = "delimited"
	// StreamWrapped is what grpc-gateway writes: {"result": …} on each line, and {"error": …} at the end of what failed, as
	// application/json. Nobody chooses it, and where it is the form, there is no other (T130-T132).
	StreamWrapped StreamFormat = "wrapped"
)

// offer is a form and the media type by which clients ask for it.
type offer struct {
	format    StreamFormat
	mediaType string
	param     string // that the media type must have, with its value; "" for none
}

// offers are all forms, those that readers can take piece by piece first.
var offers = []offer{
	{StreamNDJSON, "application/x-ndjson", ""},
	{StreamNDJSON, "application/jsonl", ""},
	{StreamNDJSON, "application/ndjson", ""},
	{StreamSSE, "text/event-stream", ""},
	{StreamArray, "application/json", ""},
	{StreamJSONSeq, "application/json-seq", ""},
	{StreamDelimited, "application/x-protobuf", "delimited=true"},
}

// contentType is the Content-Type of a form; it tells the truth (T131).
func (s StreamFormat) contentType() string {
	switch s {
	case StreamArray, StreamWrapped:
		return "application/json"
	case StreamSSE:
		return "text/event-stream"
	case StreamJSONSeq:
		return "application/json-seq"
	case StreamDelimited:
		return "application/x-protobuf; delimited=true"
	case StreamNDJSON:
	}
	return "application/x-ndjson"
}

// maxRanges is how many media ranges of an Accept are looked at.
const maxRanges = 64

// chooseFormat returns the form that a client likes best among those that can be had; otherwise is what it gets when it likes several as
// much, or says nothing. It is false when the client takes none of them.
//
// https://www.rfc-editor.org/rfc/rfc9110.html#section-12.5.1
func chooseFormat(h wire.Header, otherwise StreamFormat, can func(StreamFormat) bool) (StreamFormat, bool) {
	ranges := acceptRanges(h)
	if len(ranges) == 0 {
		return otherwise, true
	}
	var best StreamFormat
	bestQ, bestOwn := 0, false
	for _, o := range offers {
		if !can(o.format) {
			continue
		}
		q, own := quality(ranges, o)
		// What is named is meant more than what a wildcard takes along.
		better := q > bestQ || q == bestQ && (own && !bestOwn || own == bestOwn && o.format == otherwise && best != otherwise)
		if q > 0 && better {
			best, bestQ, bestOwn = o.format, q, own
		}
	}
	return best, bestQ > 0
}

// mediaRange is one range of an Accept field.
type mediaRange struct {
	mediaType string   // "application/json", "application/*" or "*/*", in lower case
	params    []string // "name=value", in lower case, without q
	q         int      // in thousandths
}

func acceptRanges(h wire.Header) []mediaRange {
	var ranges []mediaRange
	for _, f := range h {
		if f.Name != "accept" {
			continue
		}
		for item := range strings.SplitSeq(f.Value, ",") {
			if item = strings.TrimSpace(item); item == "" || len(ranges) == maxRanges {
				continue
			}
			mediaType, rest, _ := strings.Cut(item, ";")
			r := mediaRange{mediaType: strings.ToLower(strings.TrimSpace(mediaType)), q: 1000}
			for param := range strings.SplitSeq(rest, ";") {
				param = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(param), `"`, ""))
				if value, ok := strings.CutPrefix(param, "q="); ok {
					r.q = weight(value)
				} else if param != "" {
					r.params = append(r.params, param)
				}
			}
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// weight reads a q-value as thousandths; what is none counts as 0, so that it chooses nothing.
func weight(s string) int {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || v > 1 || len(s) > 5 {
		return 0
	}
	return int(v * 1000)
}

// quality is what the most specific range that an offer is in says of it, and whether that range names it.
func quality(ranges []mediaRange, o offer) (q int, own bool) {
	best := -1
	family, _, _ := strings.Cut(o.mediaType, "/")
	for i := range ranges {
		r := &ranges[i]
		specific := -1
		switch {
		case r.mediaType == o.mediaType && hasParams(r, o):
			specific = 2 + len(r.params)
		case r.mediaType == family+"/*":
			specific = 1
		case r.mediaType == "*/*":
			specific = 0
		}
		if specific > best {
			best, q, own = specific, r.q, specific >= 2
		}
	}
	return q, own
}

// hasParams tells whether the parameters of a range are those of an offer. A charset is no more than JSON always has.
func hasParams(r *mediaRange, o offer) bool {
	needed := o.param != ""
	for _, p := range r.params {
		switch p {
		case o.param:
			needed = false
		case "charset=utf-8":
		default:
			return false
		}
	}
	return !needed
}
