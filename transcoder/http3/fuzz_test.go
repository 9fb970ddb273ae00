// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/qpack"

	"github.com/dragoman-gateway/dragoman/transcoder/head"
)

// FuzzHead: whatever a client sends for a head, what is taken is a request that can be read in one way only, and is within its limit.
func FuzzHead(f *testing.F) {
	encode := func(fields ...string) []byte {
		var b bytes.Buffer
		e := qpack.NewEncoder(&b)
		for i := 0; i < len(fields); i += 2 {
			_ = e.WriteField(qpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return b.Bytes()
	}
	f.Add(encode(":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "cookie", "a", "cookie", "b", "content-length", "1"))
	f.Add(encode(":method", "CONNECT", ":authority", "a:1"))
	f.Add(encode(":method", "OPTIONS", ":scheme", "https", ":path", "*", "host", "a"))
	f.Add([]byte{0, 0, 0xff, 0xff})
	f.Add([]byte{2, 0, 0x80})
	f.Fuzz(func(t *testing.T, block []byte) {
		const limit = 4 << 10
		h, err := decodeHead(block, limit, 100)
		if err != nil {
			_, isMalformed := errors.AsType[head.Malformed](err)
			_, isConn := errors.AsType[*connError](err)
			if !isMalformed && !isConn && !errors.Is(err, errHeadTooLarge) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if h.Method == "" || h.Authority == "" || strings.ContainsAny(h.Path, " \r\n\x00") || h.Length < -1 {
			t.Errorf("%+v", h)
		}
		if h.Method != http.MethodConnect && h.Path[0] != '/' && h.Path != "*" {
			t.Errorf("the path is %q", h.Path)
		}
		size := len(h.Method) + len(h.Scheme) + len(h.Authority)
		for _, field := range h.Fields {
			size += len(field.Name) + len(field.Value)
			if field.Name == "" || field.Name[0] == ':' || field.Name != strings.ToLower(field.Name) || field.Name == "host" || strings.ContainsAny(field.Value, "\r\n\x00") {
				t.Errorf("%+v", field)
			}
		}
		if size > limit || h.Fields.Count("content-length") > 1 || h.Fields.Count("cookie") > 1 {
			t.Errorf("%d bytes: %+v", size, h)
		}
	})
}

// FuzzFrames: frames are read to their end, or to an error, and never over it.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x04, 0x00, 0x21, 0x03, 1, 2, 3, 0x07, 0x01, 0x00})
	f.Add([]byte{0x04, 0x02, 0x06, 0x01})
	f.Add([]byte{0xc0, 0, 0, 0, 0, 0, 0, 4, 0x80, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		in := &input{r: r}
		if err := readSettings(in); err != nil {
			if _, ok := errors.AsType[*connError](err); !ok {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		for {
			before := r.Len()
			_, length, err := in.frame()
			if errors.Is(err, io.EOF) {
				if before != 0 {
					t.Errorf("the end came %d bytes early", before)
				}
				return
			}
			if err == nil {
				err = in.skip(length)
			}
			if err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) || r.Len() != 0 {
					t.Errorf("%v, with %d bytes left", err, r.Len())
				}
				return
			}
			if used := before - r.Len(); uint64(used) < length {
				t.Errorf("a frame of %d bytes took %d", length, used)
			}
		}
	})
}
