// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// DefaultCompressFrom is the size in bytes of the smallest body that is compressed: smaller ones fit into a packet as they are.
const DefaultCompressFrom = 1 << 10

// Compression says which answers are compressed. The zero value compresses none: that costs more than all else that a call does, and an
// answer that has both a secret and what an attacker has said gives the secret away by its size (BREACH).
type Compression struct {
	// Algorithms are what may be used, the best first: gzip, br, zstd.
	Algorithms []string
	// From is the size in bytes of the smallest body that is compressed; 0 means DefaultCompressFrom.
	From int
}

// acceptedEncoding returns the encoding that a client likes best among those that can be had, nil for none; and whether it takes an answer that
// has none. Of several that it likes as much the first in the list counts.
//
// https://www.rfc-editor.org/rfc/rfc9110.html#section-12.5.3
func acceptedEncoding(h wire.Header, can []*compression.Encoding) (best *compression.Encoding, identity bool) {
	const unsaid = -1
	weights := map[string]int{}
	anything := unsaid
	for _, f := range h {
		if f.Name != "accept-encoding" {
			continue
		}
		for item := range strings.SplitSeq(f.Value, ",") {
			name, params, _ := strings.Cut(item, ";")
			q := 1000
			if value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q="); ok {
				q = weight(strings.TrimSpace(value))
			}
			switch name = strings.ToLower(strings.TrimSpace(name)); {
			case name == "":
			case name == "*":
				anything = q
			case len(weights) < maxRanges:
				weights[name] = q
			}
		}
	}
	of := func(name string) int {
		if q, ok := weights[name]; ok {
			return q
		}
		return anything
	}
	bestQ := 0
	for _, e := range can {
		if q := of(e.Name()); q > bestQ {
			best, bestQ = e, q
		}
	}
	plain := of(compression.Identity)
	if _, said := weights[compression.Identity]; said && plain > bestQ {
		best = nil // it would rather have it as it is
	}
	return best, plain != 0
}

// compressible tells whether a body of a type becomes smaller. What is compressed already does not (T199).
func compressible(contentType string) bool {
	t := wire.MediaType(contentType)
	switch t {
	case "application/json", "application/xml", "application/javascript", "application/wasm", "image/svg+xml", "application/x-protobuf", "application/problem+json":
		return true
	}
	return strings.HasPrefix(t, "text/") && t != "text/event-stream" || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

// negotiateEncoding refuses a client that takes no answer as it is and none that can be had (T198), before the backend is called.
func (f *framer) negotiateEncoding(c *transcoder.Call) error {
	h := c.Request.Header
	if !h.Has("accept-encoding") {
		return nil
	}
	best, identity := acceptedEncoding(h, f.config.encodings)
	if identity {
		return nil
	}
	if best == nil || c.Method.ServerStreams {
		return &status.Error{
			Code: codes.InvalidArgument, Reason: status.ReasonNotAcceptable, HTTP: http.StatusNotAcceptable,
			Message: "the answer cannot be had in any encoding that Accept-Encoding leaves",
		}
	}
	f.encoder = best
	return nil
}

// encoding chooses how the body of an answer is sent. It adds Vary where the answer depends on what the client takes.
func (f *framer) encoding(c *transcoder.Call, contentType string, size int) *compression.Encoding {
	if f.encoder != nil { // it takes no other
		f.extra.Add("vary", "Accept-Encoding")
		return f.encoder
	}
	if len(f.config.encodings) == 0 || f.route.etag != nil || size < f.config.Compression.From || !compressible(contentType) {
		return nil
	}
	f.extra.Add("vary", "Accept-Encoding")
	e, _ := acceptedEncoding(c.Request.Header, f.config.encodings)
	return e
}

// compress replaces a body by its compressed form, unless that is larger and the client takes the other.
func (f *framer) compress(body *[]byte, e *compression.Encoding) (*[]byte, bool) {
	packed, err := e.Compress(mem.BufferSlice{mem.SliceBuffer(*body)})
	if err != nil || f.encoder == nil && packed.Len() >= len(*body) {
		packed.Free()
		return body, false
	}
	out := buffers.Take()
	for _, b := range packed {
		*out = append(*out, b.ReadOnlyData()...)
	}
	packed.Free()
	buffers.Put(body)
	return out, true
}

// decoding finds out how the body of a request was compressed (T201). Streams cannot be.
func (f *framer) decoding(c *transcoder.Call) error {
	name := strings.ToLower(strings.TrimSpace(c.Request.Header.Get("content-encoding")))
	if name == "" || name == compression.Identity {
		return nil
	}
	if f.decoder = compression.Find(name); f.decoder != nil && c.Request.Header.Count("content-encoding") == 1 && !c.Method.ClientStreams {
		return nil
	}
	message := "content-encoding is not supported; supported are gzip, br and zstd, each alone"
	if c.Method.ClientStreams {
		message = "content-encoding is not supported for streams"
	} else {
		f.extra.Add("accept-encoding", "gzip, br, zstd") // RFC 9110, section 12.5.3
	}
	return undecodable(message)
}

func undecodable(message string) error {
	return &status.Error{
		Code: codes.InvalidArgument, Reason: status.ReasonUnsupportedMediaType, HTTP: http.StatusUnsupportedMediaType, Message: message,
	}
}

// decompress replaces the body of a request, all of which is there, by what it was.
func (f *framer) decompress() error {
	if f.decoder == nil || f.pieces.Len() == 0 {
		return nil
	}
	plain, err := f.decoder.Decompress(f.pieces, f.limit)
	f.pieces = nil
	if err != nil {
		if code := codes.Code(status.Proto(err).GetCode()); code == codes.ResourceExhausted { //nolint:gosec // codes are small
			return &status.Error{
				Code: code, Reason: status.ReasonMessageTooLarge, HTTP: http.StatusRequestEntityTooLarge, Cause: err,
				Message: "the body is larger than the limit when it is decompressed",
			}
		}
		return err
	}
	f.pieces = plain
	return nil
}
