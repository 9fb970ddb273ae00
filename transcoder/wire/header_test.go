// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T161, B4, B6: what never passes as metadata, in whatever order the fields stand.
func TestT161ReservedFieldsDoNotPass(t *testing.T) {
	t.Parallel()
	in := wire.Header{
		{Name: "connection", Value: "X-Secret, keep-alive"},
		{Name: "x-secret", Value: "named by connection"},
		{Name: "host", Value: "evil"},
		{Name: "te", Value: "gzip"},
		{Name: "grpc-status", Value: "0"},
		{Name: "grpc-metadata-username", Value: "admin"}, // B5
		{Name: "connect-protocol-version", Value: "1"},
		{Name: "content-type", Value: "application/json"},
		{Name: "user-agent", Value: "x"},
		{Name: "x-dragoman-debug", Value: "x"},
		{Name: "authorization", Value: "Bearer a"},
		{Name: "x-tag", Value: "1"},
		{Name: "x-tag", Value: "2"}, // T166: order and multiplicity
	}
	got, err := wire.AppendMetadata(nil, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Header{{Name: "authorization", Value: "Bearer a"}, {Name: "x-tag", Value: "1"}, {Name: "x-tag", Value: "2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

// T164, B7: binary values are checked at the edge and go on unpadded.
func TestT164BinaryMetadata(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string // nil: refused
	}{
		{"aGVsbG8", []string{"hello"}},
		{"aGVsbG8=", []string{"hello"}},
		{"aGVsbG8=, d29ybGQ", []string{"hello", "world"}}, // comma-joined values are split
		{"", []string{""}},
		{"!!!", nil},
		{"aGVsbG8==", nil},
		{"_-8", nil}, // the alphabet for URLs is not the one of the specification
	} {
		got, err := wire.AppendMetadata(nil, wire.Header{{Name: "x-data-bin", Value: tt.in}}, nil)
		if tt.want == nil {
			if _, ok := errors.AsType[*wire.MetadataError](err); !ok {
				t.Errorf("%q: got %v, %v; want a MetadataError", tt.in, got, err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, wire.MD(got)["x-data-bin"]); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", tt.in, err, diff)
		}
		for _, f := range got {
			if strings.HasSuffix(f.Value, "=") {
				t.Errorf("%q: %q is padded", tt.in, f.Value)
			}
		}
	}
}

// T165: what gRPC does not carry is refused here, and not by gRPC in words of its own, whoever serves HTTP.
func TestT165ValuesThatAreNoMetadata(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{"": true, "a b ~!": true, "a\tb": false, "\x7f": false, "é": false, "a\x00b": false, "\xff": false} {
		got, err := wire.AppendMetadata(nil, wire.Header{{Name: "x-a", Value: value}}, nil)
		if _, refused := errors.AsType[*wire.MetadataError](err); refused == ok || ok && len(got) != 1 {
			t.Errorf("%q: got %v, %v; want it to pass: %t", value, got, err, ok)
		}
		if _, err := wire.AppendMetadata(nil, wire.Header{{Name: "referer", Value: value}}, func(string) bool { return true }); err != nil {
			t.Errorf("%q, in a field that does not pass: %v", value, err)
		}
	}
}

// T165, T167: a backend's metadata becomes fields only where it cannot break anything.
func TestT167BackendMetadataBecomesFields(t *testing.T) {
	t.Parallel()
	md := metadata.MD{
		"x-b": {"1", "2"}, "x-a": {"3"}, "x-bin": {"\x00\xff"}, "content-length": {"5"}, "connection": {"close"}, "grpc-status": {"0"},
		"x-crlf": {"a\r\nset-cookie: b"}, "x-high": {"\xff"}, "bad name": {"x"},
	}
	got := wire.AppendMD(nil, md, nil)
	want := wire.Header{{Name: "x-a", Value: "3"}, {Name: "x-b", Value: "1"}, {Name: "x-b", Value: "2"}, {Name: "x-bin", Value: "AP8"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestHeaderSetReplacesAllOfAName(t *testing.T) {
	t.Parallel()
	h := wire.Header{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "a", Value: "3"}}
	h.Set("a", "4")
	h.Set("c", "5")
	h.Del("b")
	want := wire.Header{{Name: "a", Value: "4"}, {Name: "c", Value: "5"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMediaType(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		"application/json":                       {"application/json", ""},
		"Application/JSON; Charset=\"UTF-8\"":    {"application/json", "utf-8"},
		" application/grpc+proto ;x=y":           {"application/grpc+proto", ""},
		"application/json;boundary=a; charset=x": {"application/json", "x"},
		"":                                       {"", ""},
	} {
		if got := [2]string{wire.MediaType(in), wire.Charset(in)}; got != want {
			t.Errorf("%q is read as %q; want %q", in, got, want)
		}
	}
}
