// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package frames

import (
	"encoding/binary"
	"iter"
)

// Wrong is a rule of HTTP/2 that a frame breaks. Whether its stream ends or its connection is for whoever has read it.
type Wrong struct {
	Code Code
	Text string
}

// names are those of the kinds.
var names = [...]string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"}

func (f *Frame) wrong(code Code, text string) *Wrong { return &Wrong{code, names[f.Kind] + text} }

// Check returns the rule that a frame breaks by its stream or its length, whatever it says; nil for none. It knows the frames that are neither of a
// head nor of a body; those are checked by Prefix and Content.
func (f *Frame) Check() *Wrong {
	ofConnection, length := false, f.Length
	switch f.Kind {
	case Priority:
		if f.Stream == 0 {
			return f.wrong(ProtocolError, " of no stream")
		}
		length = PrioritySize
	case Reset, WindowUpdate:
		length = ResetSize
	case Settings:
		ofConnection = true
		if length -= length % SettingSize; f.Has(FlagAck) {
			length = 0
		}
	case Ping:
		ofConnection, length = true, PingSize
	case GoAway:
		ofConnection, length = true, max(length, GoAwaySize)
	}
	switch {
	case ofConnection && f.Stream != 0:
		return f.wrong(ProtocolError, " of a stream")
	case f.Length < length && f.Kind == GoAway:
		return f.wrong(FrameSizeError, " is too short")
	case f.Length != length:
		return f.wrong(FrameSizeError, " has another length")
	}
	return nil
}

// Prefix returns how many bytes of DATA or HEADERS come before their content: how long the padding is, and a priority.
func (f *Frame) Prefix() (int, *Wrong) {
	n := 0
	if f.Has(FlagPadded) {
		if n++; f.Length < n {
			return 0, f.wrong(FrameSizeError, " has no room for its padding")
		}
	}
	if f.Kind == Headers && f.Has(FlagPriority) {
		if n += PrioritySize; f.Length < n {
			return 0, f.wrong(FrameSizeError, " has no room for its priority")
		}
	}
	return n, nil
}

// Content returns how many bytes the content of DATA or HEADERS has, and the padding behind it; prefix is what comes before.
func (f *Frame) Content(prefix []byte) (n, padding int, wrong *Wrong) {
	if f.Has(FlagPadded) {
		padding = int(prefix[0])
	}
	if n = f.Length - len(prefix) - padding; n < 0 {
		return 0, 0, f.wrong(ProtocolError, " is shorter than its padding")
	}
	return n, padding, nil
}

// Setting is one setting.
type Setting struct {
	ID    uint16
	Value uint32
}

// ReadSettings returns what SETTINGS say, one after the other; p is of a frame that passes Check.
func ReadSettings(p []byte) iter.Seq[Setting] {
	return func(yield func(Setting) bool) {
		for ; len(p) > 0; p = p[SettingSize:] {
			if !yield(Setting{binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])}) {
				return
			}
		}
	}
}

// Check returns the rule that a setting breaks whoever says it; nil for none.
func (s *Setting) Check() *Wrong {
	switch {
	case s.ID == SettingPush && s.Value > 1:
		return &Wrong{ProtocolError, "ENABLE_PUSH is neither 0 nor 1"}
	case s.ID == SettingWindow && s.Value > MostWindow:
		return &Wrong{FlowControlError, "INITIAL_WINDOW_SIZE is too large"}
	case s.ID == SettingFrameSize && (s.Value < LeastSize || s.Value > MostSize):
		return &Wrong{ProtocolError, "MAX_FRAME_SIZE is none that can be"}
	}
	return nil
}

// ReadReset returns why a RST_STREAM resets a stream.
func ReadReset(p []byte) Code { return Code(binary.BigEndian.Uint32(p)) }

// ReadWindowUpdate returns how much more may be sent.
func ReadWindowUpdate(p []byte) int { return int(binary.BigEndian.Uint32(p) & LastStream) }

// ReadGoAway returns the last stream that GOAWAY says was looked at, why there will be no more, and what is said of that.
func ReadGoAway(p []byte) (last uint32, why Code, text []byte) {
	return binary.BigEndian.Uint32(p) & LastStream, Code(binary.BigEndian.Uint32(p[4:])), p[GoAwaySize:]
}
