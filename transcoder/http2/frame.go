// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import "encoding/binary"

// Kinds of frames (RFC 9113 section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	framePriority     = 0x2
	frameReset        = 0x3
	frameSettings     = 0x4
	framePushPromise  = 0x5
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8
	frameContinuation = 0x9
)

// Flags of frames.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Settings (RFC 9113 section 6.5.2, RFC 9218 section 2.1).
const (
	settingTableSize    = 0x1
	settingPush         = 0x2
	settingStreams      = 0x3
	settingWindow       = 0x4
	settingFrameSize    = 0x5
	settingHeaderList   = 0x6
	settingNoPriorities = 0x9
)

const (
	frameHeader = 9
	settingSize = 6
	// leastFrame is how large frames may be unless it is said otherwise, and what is read and written; mostFrame is how large they may be said to be.
	leastFrame = 16 << 10
	mostFrame  = 1<<24 - 1
	// firstWindow is how much may be sent unless it is said otherwise.
	firstWindow = 1<<16 - 1
	mostWindow  = 1<<31 - 1
	// lastStream is the highest number of a stream.
	lastStream = 1<<31 - 1
	tableSize  = 4096
)

// preface is what every client sends first.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// code says why a stream or a connection ends (RFC 9113 section 7).
type code uint32

const (
	codeNoError            code = 0x0
	codeProtocol           code = 0x1
	codeInternal           code = 0x2
	codeFlowControl        code = 0x3
	codeSettingsTimeout    code = 0x4
	codeStreamClosed       code = 0x5
	codeFrameSize          code = 0x6
	codeRefusedStream      code = 0x7
	codeCancel             code = 0x8
	codeCompression        code = 0x9
	codeEnhanceYourCalm    code = 0xb
	codeInadequateSecurity code = 0xc
)

// connError is why a connection cannot go on.
type connError struct {
	code code
	text string
}

func (e *connError) Error() string { return e.text }

// streamError is why a stream cannot.
type streamError struct {
	stream uint32
	code   code
	text   string
}

func (e *streamError) Error() string { return e.text }

// frame is the header of a frame.
type frame struct {
	length int
	kind   uint8
	flags  uint8
	stream uint32
}

func (f *frame) has(flag uint8) bool { return f.flags&flag != 0 }

// parseFrame reads the header of a frame; b has frameHeader bytes.
func parseFrame(b []byte) frame {
	return frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]), kind: b[3], flags: b[4], stream: binary.BigEndian.Uint32(b[5:]) & lastStream,
	}
}

// appendFrame appends the header of a frame.
func appendFrame(b []byte, length int, kind, flags uint8, stream uint32) []byte {
	b = append(b, byte(length>>16), byte(length>>8), byte(length), kind, flags) //nolint:gosec // it has 24 bits
	return binary.BigEndian.AppendUint32(b, stream)
}

func appendSetting(b []byte, id uint16, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, id), value)
}

func appendReset(b []byte, stream uint32, why code) []byte {
	return binary.BigEndian.AppendUint32(appendFrame(b, 4, frameReset, 0, stream), uint32(why))
}

func appendWindowUpdate(b []byte, stream uint32, by int) []byte {
	return binary.BigEndian.AppendUint32(appendFrame(b, 4, frameWindowUpdate, 0, stream), uint32(by)) //nolint:gosec // it has 31 bits
}

func appendGoAway(b []byte, last uint32, why code, text string) []byte {
	b = appendFrame(b, 8+len(text), frameGoAway, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return append(binary.BigEndian.AppendUint32(b, uint32(why)), text...)
}

func appendPing(b []byte, flags uint8, data []byte) []byte {
	return append(appendFrame(b, pingSize, framePing, flags, 0), data...)
}

const pingSize = 8
