// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// The names that grpc-gateway gives to metadata, for Config.PrefixedMetadata and Config.PrefixedAnswers.
const (
	permanentPrefix = "grpcgateway-"   // of metadata that come from fields which HTTP itself defines
	metadataPrefix  = "grpc-metadata-" // of fields that become metadata, and of fields that were header metadata
	trailerPrefix   = "grpc-trailer-"  // of trailer fields that were trailer metadata
)

// permanent are the fields of a request that become metadata under permanentPrefix. A cookie is not among them, as in no
// profile: bodies of any content type are accepted where these names are, so what a browser adds to the form of a foreign
// site must not count (T91, T163).
var permanent = [...]string{
	"accept", "accept-charset", "accept-language", "accept-ranges", "authorization", "cache-control", "content-type", "date", "expect", "from",
	"if-match", "if-modified-since", "if-none-match", "if-schedule-tag-match", "if-unmodified-since", "max-forwards", "origin", "pragma",
	"referer", "user-agent", "via", "warning",
}

// appendPrefixed appends to dst what of a request's fields becomes metadata by the names of grpc-gateway (T163): fields that HTTP
// defines with a prefix, fields with a prefix without it, the authorization both ways, and nothing else. What is never metadata of
// a client's is not so under a prefix either (T161, T170).
func appendPrefixed(dst, fields wire.Header) (wire.Header, error) {
	named := wire.ConnectionNames(fields)
	var renamed wire.Header
	for _, f := range fields {
		if slices.Contains(named, f.Name) {
			continue
		}
		if f.Name == "authorization" {
			renamed.Add(f.Name, f.Value)
		}
		if slices.Contains(permanent[:], f.Name) {
			renamed.Add(permanentPrefix+f.Name, f.Value)
		}
		if name, ok := strings.CutPrefix(f.Name, metadataPrefix); ok && !wire.NotFromBrowser(name) {
			renamed.Add(name, f.Value)
		}
	}
	return wire.AppendMetadata(dst, renamed, nil)
}

// appendAnswer appends a backend's metadata as fields of the answer: under their own names, as far as a backend may set such fields,
// or with a prefix, with which they mean nothing to a browser (T167).
func (f *framer) appendAnswer(dst, metadata wire.Header, prefix string) wire.Header {
	for _, field := range metadata {
		switch {
		case f.config.PrefixedAnswers && field.Name != f.config.StatusHeader:
			dst.Add(prefix+field.Name, field.Value)
		case !f.config.PrefixedAnswers && !f.dropped(field.Name):
			dst = append(dst, field)
		}
	}
	return dst
}
