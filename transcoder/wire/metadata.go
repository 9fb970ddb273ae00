// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
)

// binSuffix ends the names whose values are binary: base64 on the wire.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#requests, "Binary-Header".
const binSuffix = "-bin"

// Reserved tells whether a lower-case name never passes between a client and
// a backend as metadata, in either direction: hop-by-hop fields, framing,
// pseudo fields, and the names that gRPC and Connect interpret (T161, threat B6).
func Reserved(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer",
		"host", "content-length", "content-type", "user-agent", "http2-settings", "expect", "date", "server", "alt-svc":
		return true
	case "", ":":
		return true
	}
	return name[0] == ':' || strings.HasPrefix(name, "grpc-") || strings.HasPrefix(name, "connect-") ||
		strings.HasPrefix(name, "proxy-") || strings.HasPrefix(name, "x-dragoman-")
}

// MetadataError says which field of a request cannot be metadata, and why.
type MetadataError struct {
	Name   string
	Reason string
}

// Error names the field and the reason.
func (e *MetadataError) Error() string { return fmt.Sprintf("header %q: %s", clip(e.Name), e.Reason) }

// addedLater is room for what a gateway adds to the metadata of most calls: the id, the trace, and for whom it asks.
const addedLater = 6

// AppendMetadata appends to dst what of a request's fields becomes metadata for the
// backend: names that are Reserved, that the Connection field names, or that drop refuses are left
// out; values must be printable ASCII; "-bin" values are checked, split at commas and put into canonical unpadded base64 (T164, threat B7).
// drop may be nil. The error is a *MetadataError.
func AppendMetadata(dst, fields Header, drop func(name string) bool) (Header, error) {
	named := ConnectionNames(fields)
	if dst == nil {
		dst = make(Header, 0, len(fields)+addedLater)
	}
	for _, f := range fields {
		if Reserved(f.Name) || (drop != nil && drop(f.Name)) || slices.Contains(named, f.Name) {
			continue
		}
		if !strings.HasSuffix(f.Name, binSuffix) {
			if reason := metadataFault(f.Value); reason != "" {
				return dst, &MetadataError{Name: f.Name, Reason: reason}
			}
			dst = append(dst, f)
			continue
		}
		for value := range strings.SplitSeq(f.Value, ",") {
			raw, err := DecodeBinary(strings.TrimSpace(value))
			if err != nil {
				return dst, &MetadataError{Name: f.Name, Reason: "it is not base64"}
			}
			dst = append(dst, Field{Name: f.Name, Value: EncodeBinary(raw)})
		}
	}
	return dst, nil
}

// ConnectionNames returns the names, in lower case, of the fields that the Connection field says are for the next hop only.
func ConnectionNames(fields Header) []string {
	var named []string
	for _, f := range fields {
		if f.Name == "connection" {
			for token := range strings.SplitSeq(f.Value, ",") {
				named = append(named, strings.ToLower(strings.TrimSpace(token)))
			}
		}
	}
	return named
}

// metadataFault says why the value of a field cannot be one of metadata; "" if it can (T165).
func metadataFault(value string) string {
	for i := range len(value) {
		switch c := value[i]; {
		case c == '\t': // a field of HTTP may have one, metadata may not
			return "the value has a tab"
		case c < ' ' || c > '~':
			return "the value has bytes that are not printable ASCII"
		}
	}
	return ""
}

// EncodeBinary gives the canonical form of a "-bin" value: base64 without padding.
func EncodeBinary(raw []byte) string { return base64.RawStdEncoding.EncodeToString(raw) }

// DecodeBinary reads a "-bin" value, padded or not (T164).
func DecodeBinary(value string) ([]byte, error) {
	if len(value)%4 == 0 && strings.HasSuffix(value, "=") {
		return base64.StdEncoding.Strict().DecodeString(value)
	}
	return base64.RawStdEncoding.DecodeString(value)
}

// MD turns canonical fields into grpc-go's map, in which "-bin" values are raw bytes.
func MD(fields Header) metadata.MD {
	md := make(metadata.MD, len(fields))
	values := make([]string, 0, len(fields)) // of names that stand once, as most do
	for _, f := range fields {
		value := f.Value
		if strings.HasSuffix(f.Name, binSuffix) {
			raw, err := DecodeBinary(value)
			if err != nil {
				continue // AppendMetadata let none such in
			}
			value = string(raw)
		}
		if before := md[f.Name]; before != nil {
			md[f.Name] = append(before, value)
			continue
		}
		values = append(values, value)
		md[f.Name] = values[len(values)-1 : len(values) : len(values)] // who appends to it writes elsewhere
	}
	return md
}

// AppendMD appends a backend's metadata as fields, ordered by name, values in the order given; names
// that are Reserved or that drop refuses, and values that would break a header, are left out (T165, T167).
func AppendMD(dst Header, md metadata.MD, drop func(name string) bool) Header {
	if len(md) == 0 {
		return dst
	}
	names := make([]string, 0, len(md))
	for name := range md {
		if !Reserved(name) && ValidName(name) && (drop == nil || !drop(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range md[name] {
			if strings.HasSuffix(name, binSuffix) {
				value = EncodeBinary([]byte(value))
			}
			if ValidValue(value) {
				dst = append(dst, Field{Name: name, Value: value})
			}
		}
	}
	return dst
}

// AppendField appends a field of a backend's metadata, as it is on the wire, where it belongs by its name; what AppendMD leaves out is left out.
func AppendField(dst Header, name, value string) Header {
	if Reserved(name) || !ValidName(name) {
		return dst
	}
	if strings.HasSuffix(name, binSuffix) {
		raw, err := DecodeBinary(value)
		if err != nil {
			return dst
		}
		value = EncodeBinary(raw)
	}
	if !ValidValue(value) {
		return dst
	}
	at := len(dst)
	for at > 0 && dst[at-1].Name > name {
		at--
	}
	return slices.Insert(dst, at, Field{Name: name, Value: value})
}

// ValidValue tells whether a value may stand in a header: printable ASCII, spaces and tabs (T165, threat B9).
func ValidValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}

// ValidName tells whether a lower-case name may be metadata: letters, digits, "-", "_" and ".".
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#requests, "Header-Name".
func ValidName(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
