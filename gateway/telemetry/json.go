// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// maxField is the length in bytes of the longest text in a line: a client must not be able to fill a disk with one
// request (threat I6).
const maxField = 1024

// JSON writes a line of JSON, with the names that the product's log fields have. Of redact nothing is written; it may be nil.
func JSON(dst []byte, r *Record, redact *Redacted) []byte {
	w, _ := writers.Get().(*writer)
	defer writers.Put(w)
	j := &w.line
	j.dst = w.appendTime(append(dst, `{"time":"`...), r.Time)
	j.dst = append(append(append(j.dst, `","level":"`...), r.LogLevel().String()...), `","msg":"call",`...)
	j.more = false
	if len(r.Headers) > 0 || redact.any(r) {
		w.redaction = Redaction{Names: redact, Next: j}
		r.Fields(&w.redaction)
	} else {
		j.call(r)
	}
	dst = append(j.dst, '}', '\n')
	j.dst = nil
	return dst
}

// writer is what a line is written with.
type writer struct {
	line      line
	redaction Redaction
	second    int64  // since 1970, of which clock is the text
	clock     []byte // empty at first
}

// appendTime appends a time as time.RFC3339Nano has it. Of most lines it differs from that of the one before by the parts of the second alone.
func (w *writer) appendTime(dst []byte, t time.Time) []byte {
	if second := t.Unix(); second != w.second || len(w.clock) == 0 {
		w.second, w.clock = second, t.UTC().AppendFormat(w.clock[:0], "2006-01-02T15:04:05")
	}
	dst = append(dst, w.clock...)
	if ns := t.Nanosecond(); ns > 0 {
		const digits, ten = 9, 10
		var text [1 + digits]byte
		text[0] = '.'
		for i := digits; i > 0; i-- {
			text[i] = byte('0' + ns%ten)
			ns /= ten
		}
		dst = append(dst, bytes.TrimRight(text[:], "0")...)
	}
	return append(dst, 'Z')
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// line appends the members of a JSON object. Its texts come from clients, so everything that is not plain is escaped.
type line struct {
	dst  []byte
	more bool
}

var _ Visitor = (*line)(nil)

func (j *line) name(name string) {
	if j.more {
		j.dst = append(j.dst, ',')
	}
	j.more = true
	j.dst = append(j.dst, '"')
	j.dst = append(j.dst, name...) // those of header fields have no other characters than names may have
	j.dst = append(j.dst, '"', ':')
}

// Text appends a text.
func (j *line) Text(name, value string) {
	j.name(name)
	j.dst = appendQuoted(j.dst, value)
}

// Number appends a number.
func (j *line) Number(name string, value int64) {
	j.name(name)
	j.dst = strconv.AppendInt(j.dst, value, decimal)
}

// Millis appends a duration in milliseconds, with as many digits as it has microseconds.
func (j *line) Millis(name string, d time.Duration) {
	j.name(name)
	j.dst = appendMillis(j.dst, d)
}

// appendQuoted appends a JSON string, cut to maxField.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	cut := len(s) > maxField
	if cut {
		s = s[:maxField]
	}
	dst = append(dst, '"')
	for len(s) > 0 {
		run := plainLength(s)
		dst = append(dst, s[:run]...)
		if s = s[run:]; s == "" {
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xF])
		case r == utf8.RuneError && size == 1:
			dst = append(dst, `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&0xF])
		default:
			dst = append(dst, s[:size]...)
		}
		s = s[size:]
	}
	if cut {
		dst = append(dst, "…"...)
	}
	return append(dst, '"')
}
