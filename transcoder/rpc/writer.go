// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Writer puts messages of an answer into the client's form. It is used by one goroutine at a time.
type Writer struct {
	config   *Config
	form     Form
	encoding *compression.Encoding // what the client takes; nil for none
	prefix   [wire.EnvelopeSize]byte
}

// NewWriter returns a Writer.
func NewWriter(cfg *Config, form Form) Writer { return Writer{config: cfg, form: form} }

// Accept says which encodings the client accepts, the best first. gzip is taken wherever it stands if the backend's own messages can be
// passed on in it; others serve only if the gateway is to compress itself.
func (w *Writer) Accept(c *transcoder.Call, list string) {
	for e := range compression.Accepted(list) {
		if w.form == Proto && e.Name() == compression.Gzip {
			w.encoding, c.AnswerEncoding = e, e.Name()
			return
		}
		if w.encoding == nil && w.config.CompressFrom > 0 {
			w.encoding = e
		}
	}
}

// Encoding returns the encoding in which messages of a stream may be compressed; "" for none.
func (w *Writer) Encoding(c *transcoder.Call) string {
	if w.encoding == nil || (c.AnswerEncoding == "" && w.config.CompressFrom == 0) {
		return ""
	}
	return w.encoding.Name()
}

// Encode puts a message into the client's form, and compresses it where that is to be. The Encoding of what it returns is
// Writer.Encoding or "". It takes the ownership of m; errors are *status.Error.
func (w *Writer) Encode(c *transcoder.Call, m transcoder.Message) (transcoder.Message, error) {
	if m.Encoding != "" {
		if w.form == Proto && w.encoding != nil && m.Encoding == w.encoding.Name() {
			return m, nil
		}
		if err := m.Decompress(int64(c.Request.MaxAnswer())); err != nil {
			return m, &status.Error{
				Code: codes.Internal, Reason: status.ReasonBackendError, HTTP: http.StatusBadGateway, Cause: err, Message: "the backend's answer cannot be read",
			}
		}
	}
	m, err := w.form.fromWire(c.Method, m, &w.config.Encode)
	if err != nil || w.encoding == nil || w.config.CompressFrom == 0 || m.Data.Len() < w.config.CompressFrom {
		return m, err
	}
	packed, err := w.encoding.Compress(m.Data)
	if err != nil || packed.Len() >= m.Data.Len() {
		packed.Free()
		return m, nil //nolint:nilerr // it goes as it is
	}
	m.Free()
	return transcoder.Message{Data: packed, Encoding: w.encoding.Name()}, nil
}

// Append appends a message to dst, enveloped, and returns the encoding that it is in. dst must be written before the next one is
// appended.
func (w *Writer) Append(c *transcoder.Call, m transcoder.Message, dst *mem.BufferSlice) (encoding string, err error) {
	m, err = w.Encode(c, m)
	if err != nil {
		return "", err
	}
	flags := byte(0)
	if m.Encoding != "" {
		flags = wire.FlagCompressed
	}
	wire.PutEnvelope(w.prefix[:], flags, m.Data.Len())
	*dst = append(append(*dst, mem.SliceBuffer(w.prefix[:])), m.Data...)
	return m.Encoding, nil
}
