// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// file is something that is served as it is.
type file struct {
	contentType string
	plain       []byte // nil where only packed is kept
	packed      []byte // by gzip
	tag         string // of plain; that of packed has -gzip behind
	policy      string // the Content-Security-Policy, "" for what is no page
}

// newFile returns the file of some bytes.
func newFile(contentType string, data []byte) *file {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(data) // into memory
	_ = w.Close()
	return &file{contentType: contentType, plain: data, packed: packed.Bytes(), tag: tagOf(data)}
}

// packedFile returns the file of bytes that are compressed with gzip already.
func packedFile(contentType string, packed []byte) *file {
	return &file{contentType: contentType, packed: packed, tag: tagOf(packed)}
}

// tagOf is a strong entity tag.
func tagOf(data []byte) string {
	const enough = 16
	sum := sha256.Sum256(data)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:enough]) + `"`
}

// size is how much memory the file takes.
func (f *file) size() int { return len(f.plain) + len(f.packed) }

// unpacked returns the bytes as they are.
func (f *file) unpacked() ([]byte, error) {
	if f.plain != nil {
		return f.plain, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(f.packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r) // our own file: nobody else chose its size
}

// serve answers a GET or HEAD with the file, or with 304 where the client has it.
func (f *file) serve(c *transcoder.Call, ex transcoder.Exchange) {
	data, tag, encoding := f.packed, strings.TrimSuffix(f.tag, `"`)+`-gzip"`, "gzip"
	if !takesGzip(c.Request.Header) {
		tag, encoding = f.tag, ""
		var err error
		if data, err = f.unpacked(); err != nil {
			refuse(c, ex, http.StatusInternalServerError, "internal error")
			return
		}
	}
	out := answer(c, http.StatusOK)
	out.Header.Add("etag", tag)
	out.Header.Add("vary", "Accept-Encoding")
	out.Header.Add("cache-control", "no-cache") // asked for again with the tag: a reload shows at once
	for _, h := range c.Request.Header {
		if h.Name == "if-none-match" && wire.NoneMatch(h.Value, tag) {
			out.Status = http.StatusNotModified
			write(c, ex, out, nil)
			return
		}
	}
	out.Header.Add("content-type", f.contentType)
	out.Header.Add("x-content-type-options", "nosniff")
	if f.policy != "" {
		out.Header.Add("content-security-policy", f.policy)
		out.Header.Add("referrer-policy", "no-referrer")
	}
	if encoding != "" {
		out.Header.Add("content-encoding", encoding)
	}
	out.Header.Add("content-length", strconv.Itoa(len(data)))
	write(c, ex, out, data)
}

// takesGzip tells whether a client reads gzip.
func takesGzip(h wire.Header) bool {
	for _, f := range h {
		if f.Name != "accept-encoding" {
			continue
		}
		for e := range compression.Accepted(f.Value) {
			if e.Name() == "gzip" {
				return true
			}
		}
	}
	return false
}

// answer begins an answer with what all have.
func answer(c *transcoder.Call, status int) *transcoder.Out {
	out := &transcoder.Out{Status: status, End: transcoder.EndClean}
	out.Header.Add("x-request-id", c.RequestID)
	return out
}

// write writes a whole answer, and notes in the call what the access log tells.
func write(c *transcoder.Call, ex transcoder.Exchange, out *transcoder.Out, data []byte) {
	c.HTTPStatus, c.FirstByte = out.Status, time.Now()
	if c.Request.Method != http.MethodHead && len(data) > 0 {
		out.Data = mem.BufferSlice{mem.SliceBuffer(data)}
		c.BytesOut = int64(len(data))
	}
	_ = ex.Write(out) // the client may have gone: there is nobody else to tell
	c.End = time.Now()
}
