// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import "github.com/quic-go/quic-go"

// Codes with which streams end (RFC 9114 section 8.1).
const (
	streamNoError           quic.StreamErrorCode = 0x100
	streamInternalError     quic.StreamErrorCode = 0x102
	streamCreationError     quic.StreamErrorCode = 0x103
	streamExcessiveLoad     quic.StreamErrorCode = 0x107
	streamRequestRejected   quic.StreamErrorCode = 0x10b
	streamRequestCancelled  quic.StreamErrorCode = 0x10c
	streamRequestIncomplete quic.StreamErrorCode = 0x10d
	streamMessageError      quic.StreamErrorCode = 0x10e
)

// Codes with which connections end (RFC 9114 section 8.1, RFC 9204 section 6).
const (
	connNoError             quic.ApplicationErrorCode = 0x100
	connInternalError       quic.ApplicationErrorCode = 0x102
	connStreamCreation      quic.ApplicationErrorCode = 0x103
	connClosedCritical      quic.ApplicationErrorCode = 0x104
	connFrameUnexpected     quic.ApplicationErrorCode = 0x105
	connFrameError          quic.ApplicationErrorCode = 0x106
	connExcessiveLoad       quic.ApplicationErrorCode = 0x107
	connSettingsError       quic.ApplicationErrorCode = 0x109
	connMissingSettings     quic.ApplicationErrorCode = 0x10a
	connDecompressionFailed quic.ApplicationErrorCode = 0x200
)

// connError is why a connection cannot go on.
type connError struct {
	code quic.ApplicationErrorCode
	text string
}

func (e *connError) Error() string { return e.text }
