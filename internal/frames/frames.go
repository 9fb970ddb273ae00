// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package frames provides what the frames of HTTP/2 look like, to whoever reads and writes them: servers and clients alike.
package frames

import "encoding/binary"

// Kinds of frames (RFC 9113 section 6).
const (
	Data         = 0x0
	Headers      = 0x1
	Priority     = 0x2
	Reset        = 0x3
	Settings     = 0x4
	PushPromise  = 0x5
	Ping         = 0x6
	GoAway       = 0x7
	WindowUpdate = 0x8
	Continuation = 0x9
)

// Flags of frames.
const (
	FlagEndStream  = 0x1
	FlagAck        = 0x1
	FlagEndHeaders = 0x4
	FlagPadded     = 0x8
	FlagPriority   = 0x20
)

// Settings (RFC 9113 section 6.5.2, RFC 9218 section 2.1).
const (
	SettingTableSize    = 0x1
	SettingPush         = 0x2
	SettingStreams      = 0x3
	SettingWindow       = 0x4
	SettingFrameSize    = 0x5
	SettingHeaderList   = 0x6
	SettingNoPriorities = 0x9
)

const (
	// HeaderSize is the size of the header of a frame.
	HeaderSize = 9
	// SettingSize is the size of one setting.
	SettingSize = 6
	// PingSize is the size of what PING carries.
	PingSize = 8
	// ResetSize is the size of what RST_STREAM and WINDOW_UPDATE carry.
	ResetSize = 4
	// PrioritySize is the size of a priority, alone or in a HEADERS frame.
	PrioritySize = 5
	// GoAwaySize is the least that GOAWAY carries.
	GoAwaySize = 8
	// LeastSize is how large frames may be unless it is said otherwise.
	LeastSize = 16 << 10
	// MostSize is how large they may be said to be.
	MostSize = 1<<24 - 1
	// FirstWindow is how much may be sent unless it is said otherwise.
	FirstWindow = 1<<16 - 1
	// MostWindow is how much may be said.
	MostWindow = 1<<31 - 1
	// LastStream is the highest number of a stream.
	LastStream = 1<<31 - 1
	// TableSize is the size of the dynamic table of HPACK unless it is said otherwise.
	TableSize = 4096
)

// Preface is what every client sends first.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Code says why a stream or a connection ends (RFC 9113 section 7).
type Code uint32

// The codes.
const (
	NoError            Code = 0x0
	ProtocolError      Code = 0x1
	InternalError      Code = 0x2
	FlowControlError   Code = 0x3
	SettingsTimeout    Code = 0x4
	StreamClosed       Code = 0x5
	FrameSizeError     Code = 0x6
	RefusedStream      Code = 0x7
	Cancel             Code = 0x8
	CompressionError   Code = 0x9
	ConnectError       Code = 0xa
	EnhanceYourCalm    Code = 0xb
	InadequateSecurity Code = 0xc
	HTTP11Required     Code = 0xd
)

// Frame is the header of a frame.
type Frame struct {
	Length int
	Kind   uint8
	Flags  uint8
	Stream uint32
}

// Has tells whether a flag is set.
func (f *Frame) Has(flag uint8) bool { return f.Flags&flag != 0 }

// Parse reads the header of a frame; b has HeaderSize bytes.
func Parse(b []byte) Frame {
	return Frame{
		Length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]), Kind: b[3], Flags: b[4], Stream: binary.BigEndian.Uint32(b[5:]) & LastStream,
	}
}

// Append appends the header of a frame.
func Append(b []byte, length int, kind, flags uint8, stream uint32) []byte {
	b = append(b, byte(length>>16), byte(length>>8), byte(length), kind, flags) //nolint:gosec // it has 24 bits
	return binary.BigEndian.AppendUint32(b, stream)
}

// AppendSetting appends a setting, behind the header of its frame.
func AppendSetting(b []byte, id uint16, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, id), value)
}

// AppendReset appends a RST_STREAM.
func AppendReset(b []byte, stream uint32, why Code) []byte {
	return binary.BigEndian.AppendUint32(Append(b, ResetSize, Reset, 0, stream), uint32(why))
}

// AppendWindowUpdate appends a WINDOW_UPDATE.
func AppendWindowUpdate(b []byte, stream uint32, by int) []byte {
	return binary.BigEndian.AppendUint32(Append(b, ResetSize, WindowUpdate, 0, stream), uint32(by)) //nolint:gosec // it has 31 bits
}

// AppendGoAway appends a GOAWAY.
func AppendGoAway(b []byte, last uint32, why Code, text string) []byte {
	b = Append(b, GoAwaySize+len(text), GoAway, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return append(binary.BigEndian.AppendUint32(b, uint32(why)), text...)
}

// AppendPing appends a PING; data has PingSize bytes.
func AppendPing(b []byte, flags uint8, data []byte) []byte {
	return append(Append(b, PingSize, Ping, flags, 0), data...)
}
