// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"errors"
	"io"

	"github.com/quic-go/qpack"

	"github.com/dragoman-gateway/dragoman/transcoder/head"
)

// errHeadTooLarge says that a head has more than the listener takes.
var errHeadTooLarge = errors.New("the head is too large")

// decodeHead reads the fields of a request.
func decodeHead(block []byte, limit, most int) (*head.Head, error) {
	h := &head.Head{Length: -1, Most: most}
	next := qpack.NewDecoder().Decode(block)
	for {
		f, err := next()
		if errors.Is(err, io.EOF) {
			return h, h.Check()
		}
		if err != nil {
			return nil, &connError{connDecompressionFailed, "the fields of a head cannot be read"}
		}
		if limit -= len(f.Name) + len(f.Value) + head.FieldOverhead; limit < 0 {
			return nil, errHeadTooLarge
		}
		if err := h.Add(f.Name, f.Value); err != nil {
			return nil, err
		}
	}
}
