// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"errors"
	"io"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

// Kinds of streams that have one direction (RFC 9114 section 6.2, RFC 9204 section 4.2).
const (
	streamControl      = 0x00
	streamPush         = 0x01
	streamQPACKEncoder = 0x02
	streamQPACKDecoder = 0x03
)

// settingMaxFieldSection says how large a head may be.
const settingMaxFieldSection = 0x06

// maxSettings is how many bytes a client's SETTINGS may have.
const maxSettings = 4 << 10

// appendSettings appends what our control stream begins with. Nothing is said of QPACK: no dynamic table is the default, and then no
// head can wait for another stream.
func appendSettings(b []byte, maxHeader int) []byte {
	b = quicvarint.Append(b, streamControl)
	setting := quicvarint.Append(quicvarint.Append(nil, settingMaxFieldSection), uint64(maxHeader)) //nolint:gosec // it is positive
	return append(appendFrame(b, frameSettings, uint64(len(setting))), setting...)
}

// appendGoAway appends a GOAWAY: requests on streams from id on are not served.
func appendGoAway(b []byte, id quic.StreamID) []byte {
	value := uint64(id) //nolint:gosec // it is positive
	return quicvarint.Append(appendFrame(b, frameGoAway, uint64(quicvarint.Len(value))), value)
}

// acceptUni takes the client's streams of one direction until the connection ends.
func (c *Conn) acceptUni() {
	for {
		str, err := c.quic.AcceptUniStream(c.quic.Context())
		if err != nil {
			return
		}
		c.running.Go(func() {
			if err := c.uni(str); err != nil {
				_ = c.fail(err)
			}
		})
	}
}

// uni reads a stream of one direction. Only one of each kind may come. Nothing needs to be read from those of QPACK: without a
// dynamic table an encoder has nothing to say, and as we make no use of the client's, neither has its decoder.
func (c *Conn) uni(str *quic.ReceiveStream) error {
	in := &input{r: str}
	kind, err := in.integer()
	if err != nil {
		return nil //nolint:nilerr // it ended before it said what it is
	}
	switch kind {
	case streamControl, streamQPACKEncoder, streamQPACKDecoder:
		if c.seen[kind].Swap(true) {
			return &connError{connStreamCreation, "a stream that can come once came again"}
		}
		if kind == streamControl {
			return c.control(in)
		}
	case streamPush:
		return &connError{connStreamCreation, "clients push nothing"}
	default: // an extension of which we know nothing
		str.CancelRead(streamCreationError)
	}
	return nil
}

// control reads the client's control stream, which never ends.
func (c *Conn) control(in *input) error {
	if err := readSettings(in); err != nil {
		return err
	}
	for {
		kind, length, err := in.frame()
		if err == nil {
			switch {
			case kind == frameData, kind == frameHeaders, kind == frameSettings, kind == framePushPromise, reservedByHTTP2(kind):
				return &connError{connFrameUnexpected, "a frame that cannot be on a control stream"}
			}
			// GOAWAY, MAX_PUSH_ID and CANCEL_PUSH are about pushes, which we make none of, and priorities are advice.
			err = in.skip(length)
		}
		if err != nil {
			return controlError(err)
		}
	}
}

// readSettings reads the first frame of a control stream. No setting of a client changes what we do.
func readSettings(in *input) error {
	kind, length, err := in.frame()
	switch {
	case err != nil:
		return controlError(err)
	case kind != frameSettings:
		return &connError{connMissingSettings, "a control stream begins with SETTINGS"}
	case length > maxSettings:
		return &connError{connSettingsError, "the settings are too many"}
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(in.r, data); err != nil {
		return controlError(cutShort(err))
	}
	seen := map[uint64]bool{}
	for len(data) > 0 {
		id, n, err := quicvarint.Parse(data)
		if err != nil {
			return &connError{connFrameError, "a setting breaks off"}
		}
		_, m, err := quicvarint.Parse(data[n:])
		if err != nil {
			return &connError{connFrameError, "a setting breaks off"}
		}
		// Numbers 2 to 5 are settings of HTTP/2 (RFC 9114 section 7.2.4.1).
		if seen[id] || id >= 2 && id <= 5 {
			return &connError{connSettingsError, "a setting that cannot be"}
		}
		seen[id] = true
		data = data[n+m:]
	}
	return nil
}

// controlError says what the end of a control stream means: that of the connection, unless that has ended already.
func controlError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &connError{connFrameError, "a frame of the control stream breaks off"}
	}
	return &connError{connClosedCritical, "the control stream ended"}
}
