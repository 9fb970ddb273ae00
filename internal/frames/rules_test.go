// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package frames_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

const nothing = frames.NoError

// is tells whether a rule is broken as it is to be; a code of nothing is for none.
func is(wrong *frames.Wrong, code frames.Code, text string) bool {
	if code == nothing {
		return wrong == nil
	}
	return wrong != nil && wrong.Code == code && wrong.Text == text
}

// What a frame's stream and length say (RFC 9113 section 6).
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind, flags uint8
		stream      uint32
		length      int
		code        frames.Code
		text        string
	}{
		{frames.Priority, 0, 1, 5, nothing, ""},
		{frames.Priority, 0, 0, 5, frames.ProtocolError, "PRIORITY of no stream"},
		{frames.Priority, 0, 0, 4, frames.ProtocolError, "PRIORITY of no stream"}, // the stream comes first: the length is of that
		{frames.Priority, 0, 1, 4, frames.FrameSizeError, "PRIORITY has another length"},
		{frames.Priority, 0, 1, 6, frames.FrameSizeError, "PRIORITY has another length"},
		{frames.Reset, 0, 1, 4, nothing, ""},
		{frames.Reset, 0, 0, 4, nothing, ""}, // which streams there are is for others
		{frames.Reset, 0, 1, 3, frames.FrameSizeError, "RST_STREAM has another length"},
		{frames.Reset, 0, 1, 5, frames.FrameSizeError, "RST_STREAM has another length"},
		{frames.Settings, 0, 0, 0, nothing, ""},
		{frames.Settings, 0, 0, 6, nothing, ""},
		{frames.Settings, 0, 0, 60, nothing, ""},
		{frames.Settings, 0, 1, 6, frames.ProtocolError, "SETTINGS of a stream"},
		{frames.Settings, 0, 0, 5, frames.FrameSizeError, "SETTINGS has another length"},
		{frames.Settings, 0, 0, 13, frames.FrameSizeError, "SETTINGS has another length"},
		{frames.Settings, frames.FlagAck, 0, 0, nothing, ""},
		{frames.Settings, frames.FlagAck, 1, 0, frames.ProtocolError, "SETTINGS of a stream"},
		{frames.Settings, frames.FlagAck, 0, 6, frames.FrameSizeError, "SETTINGS has another length"},
		{frames.Ping, 0, 0, 8, nothing, ""},
		{frames.Ping, frames.FlagAck, 0, 8, nothing, ""},
		{frames.Ping, 0, 1, 8, frames.ProtocolError, "PING of a stream"},
		{frames.Ping, 0, 0, 0, frames.FrameSizeError, "PING has another length"},
		{frames.Ping, 0, 0, 9, frames.FrameSizeError, "PING has another length"},
		{frames.GoAway, 0, 0, 8, nothing, ""},
		{frames.GoAway, 0, 0, 100, nothing, ""},
		{frames.GoAway, 0, 1, 8, frames.ProtocolError, "GOAWAY of a stream"},
		{frames.GoAway, 0, 0, 7, frames.FrameSizeError, "GOAWAY is too short"},
		{frames.WindowUpdate, 0, 0, 4, nothing, ""},
		{frames.WindowUpdate, 0, 1, 4, nothing, ""},
		{frames.WindowUpdate, 0, 1, 3, frames.FrameSizeError, "WINDOW_UPDATE has another length"},
		{frames.WindowUpdate, 0, 1, 5, frames.FrameSizeError, "WINDOW_UPDATE has another length"},
		{frames.Data, 0, 0, 0, nothing, ""},
		{frames.Headers, 0, 0, 0, nothing, ""},
		{frames.PushPromise, 0, 0, 0, nothing, ""},
		{frames.Continuation, 0, 0, 0, nothing, ""},
		{0xfa, 0xff, 1, 3, nothing, ""}, // an unknown kind has no rules
		{0xff, 0xff, 0, 0, nothing, ""},
	} {
		f := frames.Frame{Kind: test.kind, Flags: test.flags, Stream: test.stream, Length: test.length}
		if wrong := f.Check(); !is(wrong, test.code, test.text) {
			t.Errorf("%+v: %+v", f, wrong)
		}
	}
}

// How DATA and HEADERS are divided (RFC 9113 sections 6.1 and 6.2).
func TestContent(t *testing.T) {
	t.Parallel()
	const both = frames.FlagPadded | frames.FlagPriority
	for _, test := range []struct {
		why                string
		kind, flags        uint8
		length             int
		pad                byte
		prefix, n, padding int
		code               frames.Code
		text               string
	}{
		{"DATA", frames.Data, 0, 10, 9, 0, 10, 0, nothing, ""},
		{"DATA of nothing", frames.Data, frames.FlagEndStream, 0, 9, 0, 0, 0, nothing, ""},
		{"DATA has no priority", frames.Data, frames.FlagPriority, 3, 9, 0, 3, 0, nothing, ""},
		{"DATA with padding", frames.Data, frames.FlagPadded, 10, 4, 1, 5, 4, nothing, ""},
		{"DATA with padding of nothing", frames.Data, frames.FlagPadded, 1, 0, 1, 0, 0, nothing, ""},
		{"DATA of padding alone", frames.Data, frames.FlagPadded, 5, 4, 1, 0, 4, nothing, ""},
		{"DATA with the most padding", frames.Data, frames.FlagPadded, 257, 255, 1, 1, 255, nothing, ""},
		{"DATA with more padding than there is", frames.Data, frames.FlagPadded, 5, 5, 1, 0, 0, frames.ProtocolError, "DATA is shorter than its padding"},
		{"DATA without room for padding", frames.Data, frames.FlagPadded, 0, 0, 0, 0, 0, frames.FrameSizeError, "DATA has no room for its padding"},
		{"HEADERS", frames.Headers, 0, 10, 9, 0, 10, 0, nothing, ""},
		{"HEADERS with padding", frames.Headers, frames.FlagPadded, 10, 4, 1, 5, 4, nothing, ""},
		{"HEADERS with a priority", frames.Headers, frames.FlagPriority, 10, 9, 5, 5, 0, nothing, ""},
		{"HEADERS of a priority alone", frames.Headers, frames.FlagPriority, 5, 9, 5, 0, 0, nothing, ""},
		{"HEADERS with both", frames.Headers, both, 10, 3, 6, 1, 3, nothing, ""},
		{"HEADERS of both alone", frames.Headers, both, 9, 3, 6, 0, 3, nothing, ""},
		{"HEADERS with padding into the priority", frames.Headers, both, 8, 3, 6, 0, 0, frames.ProtocolError, "HEADERS is shorter than its padding"},
		{"HEADERS with more padding than there is", frames.Headers, frames.FlagPadded, 3, 3, 1, 0, 0, frames.ProtocolError, "HEADERS is shorter than its padding"},
		{"HEADERS without room for padding", frames.Headers, both, 0, 0, 0, 0, 0, frames.FrameSizeError, "HEADERS has no room for its padding"},
		{"HEADERS without room for a priority", frames.Headers, frames.FlagPriority, 4, 0, 0, 0, 0, frames.FrameSizeError, "HEADERS has no room for its priority"},
		{"HEADERS without room for both", frames.Headers, both, 5, 0, 0, 0, 0, frames.FrameSizeError, "HEADERS has no room for its priority"},
	} {
		f := frames.Frame{Kind: test.kind, Flags: test.flags, Stream: 1, Length: test.length}
		prefix, wrong := f.Prefix()
		n, padding := 0, 0
		if wrong == nil {
			n, padding, wrong = f.Content(slices.Repeat([]byte{test.pad}, prefix))
		}
		if !is(wrong, test.code, test.text) {
			t.Errorf("%s: %+v", test.why, wrong)
		}
		if prefix != test.prefix || n != test.n || padding != test.padding {
			t.Errorf("%s: %d bytes, %d of content, %d of padding", test.why, prefix, n, padding)
		}
	}
}

// What settings may say (RFC 9113 section 6.5.2).
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		setting frames.Setting
		code    frames.Code
		text    string
	}{
		{frames.Setting{frames.SettingTableSize, 1<<32 - 1}, nothing, ""},
		{frames.Setting{frames.SettingPush, 0}, nothing, ""},
		{frames.Setting{frames.SettingPush, 1}, nothing, ""}, // that servers may not is for clients
		{frames.Setting{frames.SettingPush, 2}, frames.ProtocolError, "ENABLE_PUSH is neither 0 nor 1"},
		{frames.Setting{frames.SettingStreams, 1<<32 - 1}, nothing, ""},
		{frames.Setting{frames.SettingWindow, 0}, nothing, ""},
		{frames.Setting{frames.SettingWindow, 1<<31 - 1}, nothing, ""},
		{frames.Setting{frames.SettingWindow, 1 << 31}, frames.FlowControlError, "INITIAL_WINDOW_SIZE is too large"},
		{frames.Setting{frames.SettingFrameSize, 1<<14 - 1}, frames.ProtocolError, "MAX_FRAME_SIZE is none that can be"},
		{frames.Setting{frames.SettingFrameSize, 1 << 14}, nothing, ""},
		{frames.Setting{frames.SettingFrameSize, 1<<24 - 1}, nothing, ""},
		{frames.Setting{frames.SettingFrameSize, 1 << 24}, frames.ProtocolError, "MAX_FRAME_SIZE is none that can be"},
		{frames.Setting{frames.SettingHeaderList, 0}, nothing, ""},
		{frames.Setting{0xfafa, 1<<32 - 1}, nothing, ""},
	} {
		if wrong := test.setting.Check(); !is(wrong, test.code, test.text) {
			t.Errorf("%+v: %+v", test.setting, wrong)
		}
	}
}

// What is appended is read as it was.
func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	var p []byte
	want := []frames.Setting{{1, 2}, {0xfafa, 1<<32 - 1}, {5, 1 << 14}}
	for _, s := range want {
		p = frames.AppendSetting(p, s.ID, s.Value)
	}
	if got := slices.Collect(frames.ReadSettings(p)); !slices.Equal(got, want) {
		t.Errorf("settings: %v", got)
	}
	for s := range frames.ReadSettings(p) {
		if s != want[0] {
			t.Errorf("the first setting: %v", s)
		}
		break
	}
	if got := slices.Collect(frames.ReadSettings(nil)); got != nil {
		t.Errorf("settings of nothing: %v", got)
	}
	body := func(b []byte, want frames.Frame) []byte {
		f := frames.Parse(b)
		if want.Length = len(b) - frames.HeaderSize; f != want || f.Check() != nil {
			t.Errorf("%+v; want %+v", f, want)
		}
		return b[frames.HeaderSize:]
	}
	if got := frames.ReadReset(body(frames.AppendReset(nil, 3, 0xfffffffe), frames.Frame{Kind: frames.Reset, Stream: 3})); got != 0xfffffffe {
		t.Errorf("RST_STREAM: %v", got)
	}
	for _, by := range []int{1, 1<<31 - 1} {
		if got := frames.ReadWindowUpdate(body(frames.AppendWindowUpdate(nil, 5, by), frames.Frame{Kind: frames.WindowUpdate, Stream: 5})); got != by {
			t.Errorf("WINDOW_UPDATE: %d", got)
		}
	}
	if got := frames.ReadWindowUpdate([]byte{0x80, 0, 0, 7}); got != 7 {
		t.Errorf("a bit that means nothing makes %d of 7", got)
	}
	for _, text := range []string{"", "why not"} {
		last, why, said := frames.ReadGoAway(body(frames.AppendGoAway(nil, 1<<31-1, frames.EnhanceYourCalm, text), frames.Frame{Kind: frames.GoAway}))
		if got := fmt.Sprint(last, why, string(said)); got != fmt.Sprint(1<<31-1, 0xb, text) {
			t.Errorf("GOAWAY: %s", got)
		}
	}
	if last, _, _ := frames.ReadGoAway([]byte{0x80, 0, 0, 3, 0, 0, 0, 0}); last != 3 {
		t.Errorf("a bit that means nothing makes %d of stream 3", last)
	}
	if got := body(frames.AppendPing(nil, frames.FlagAck, []byte("12345678")), frames.Frame{Kind: frames.Ping, Flags: frames.FlagAck}); string(got) != "12345678" {
		t.Errorf("PING: %q", got)
	}
}
