// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// call appends all fields of a record, as Record.Fields tells them: the same without a call for each of them, since nearly every line of an access
// log is this one. A test holds both to each other.
func (j *line) call(r *Record) {
	dst := append(j.dst, `"request_id":`...)
	dst = appendQuoted(dst, r.RequestID)
	dst = appendText(dst, `,"trace_id":`, r.TraceID)
	dst = append(dst, `,"client_ip":"`...)
	if r.Client.IsValid() {
		dst = r.Client.AppendTo(dst)
	}
	dst = append(dst, '"')
	dst = appendText(dst, `,"auth":`, r.Auth)
	dst = appendText(dst, `,"subject":`, r.Subject)
	dst = appendText(dst, `,"tenant":`, r.Tenant)
	dst = appendQuoted(append(dst, `,"listener":`...), r.Listener)
	dst = appendQuoted(append(dst, `,"protocol":`...), r.Protocol)
	dst = appendQuoted(append(dst, `,"method":`...), r.HTTPMethod)
	dst = appendQuoted(append(dst, `,"path":`...), r.Path)
	dst = appendText(dst, `,"route":`, r.Route)
	dst = appendText(dst, `,"service":`, r.Service)
	dst = appendText(dst, `,"rpc":`, r.RPC)
	dst = append(append(append(dst, `,"code":"`...), status.Name(r.Code)...), '"') // neither it nor a reason needs escapes
	dst = strconv.AppendInt(append(dst, `,"http_status":`...), int64(r.HTTPStatus), decimal)
	dst = append(append(append(dst, `,"reason":"`...), r.Reason...), '"')
	dst = appendText(dst, `,"rule":`, r.Rule)
	dst = appendText(dst, `,"dry_run":`, r.DryRun)
	dst = appendText(dst, `,"message":`, r.Message)
	dst = appendText(dst, `,"detail":`, r.Detail)
	dst = appendText(dst, `,"backend":`, r.Backend)
	dst = appendText(dst, `,"endpoint":`, r.Endpoint)
	dst = appendText(dst, `,"split":`, r.Split)
	dst = strconv.AppendInt(append(dst, `,"attempts":`...), int64(r.Attempts), decimal)
	dst = appendMillis(append(dst, `,"duration_ms":`...), r.Duration)
	dst = appendMillis(append(dst, `,"gateway_ms":`...), r.Overhead())
	dst = appendMillis(append(dst, `,"backend_ms":`...), r.Backed)
	dst = appendMillis(append(dst, `,"ttfb_ms":`...), r.TTFB)
	dst = strconv.AppendInt(append(dst, `,"bytes_in":`...), r.BytesIn, decimal)
	dst = strconv.AppendInt(append(dst, `,"bytes_out":`...), r.BytesOut, decimal)
	dst = strconv.AppendInt(append(dst, `,"messages_in":`...), r.MessagesIn, decimal)
	dst = strconv.AppendInt(append(dst, `,"messages_out":`...), r.MessagesOut, decimal)
	dst = appendText(dst, `,"cache":`, string(r.Cache))
	j.dst = appendText(dst, `,"user_agent":`, r.UserAgent)
}

// decimal is the base of numbers.
const decimal = 10

// appendText appends a member of an object that is there only if it is not empty.
func appendText(dst []byte, before, value string) []byte {
	if value == "" {
		return dst
	}
	return appendQuoted(append(dst, before...), value)
}

// appendMillis appends a duration in milliseconds, with as many digits as it has microseconds.
func appendMillis(dst []byte, d time.Duration) []byte {
	us := max(d.Microseconds(), 0)
	const thousand, hundred, ten = 1000, 100, 10
	dst = strconv.AppendInt(dst, us/thousand, decimal)
	rest := us % thousand
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/hundred))
	if rest %= hundred; rest == 0 {
		return dst
	}
	dst = append(dst, byte('0'+rest/ten))
	if rest %= ten; rest != 0 {
		dst = append(dst, byte('0'+rest))
	}
	return dst
}

// plainLength returns how many bytes at the beginning of a text stand for themselves in a string of JSON: all but controls, quotes, backslashes and what is
// not ASCII. Eight are looked at at a time: of a line, most bytes are such.
func plainLength(s string) int {
	const (
		word  = 8
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	n := 0
	for ; len(s)-n >= word; n += word {
		x := binary.LittleEndian.Uint64([]byte(s[n : n+word]))
		quote, slash := x^('"'*ones), x^('\\'*ones)
		// A byte whose highest bit is set here is none, and so may be one behind it, to which a carry came; of those the first counts.
		if odd := (x | (x - ' '*ones) | (x + ones) | (quote - ones) | (slash - ones)) & highs; odd != 0 {
			return n + bits.TrailingZeros64(odd)/word
		}
	}
	for n < len(s) && plain(s[n]) {
		n++
	}
	return n
}

// plain tells whether a byte stands for itself in a string of JSON.
func plain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }
