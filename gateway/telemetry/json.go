// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// maxField is the length in bytes of the longest text in a line: a client must not be able to fill a disk with one
// request (threat I6).
const maxField = 1024

// JSON writes a line of JSON, with the names that the product's log fields have.
func JSON(dst []byte, r *Record) []byte {
	j := line{dst: append(dst, '{')}
	j.text("time", r.Time.UTC().Format(time.RFC3339Nano))
	j.text("level", r.LogLevel().String())
	j.text("msg", "call")
	j.text("request_id", r.RequestID)
	j.optional("trace_id", r.TraceID)
	j.text("client_ip", addr(r))
	j.optional("auth", r.Auth)
	j.optional("subject", r.Subject)
	j.optional("tenant", r.Tenant)
	j.text("listener", r.Listener)
	j.text("protocol", r.Protocol)
	j.text("method", r.HTTPMethod)
	j.text("path", r.Path)
	j.optional("route", r.Route)
	j.optional("service", r.Service)
	j.optional("rpc", r.RPC)
	j.text("code", status.Name(r.Code))
	j.number("http_status", int64(r.HTTPStatus))
	j.text("reason", string(r.Reason))
	j.optional("rule", r.Rule)
	j.optional("dry_run", r.DryRun)
	j.optional("message", r.Message)
	j.optional("detail", r.Detail)
	j.optional("backend", r.Backend)
	j.optional("endpoint", r.Endpoint)
	j.optional("split", r.Split)
	j.number("attempts", int64(r.Attempts))
	j.millis("duration_ms", r.Duration)
	j.millis("gateway_ms", r.Overhead())
	j.millis("backend_ms", r.Backed)
	j.millis("ttfb_ms", r.TTFB)
	j.number("bytes_in", r.BytesIn)
	j.number("bytes_out", r.BytesOut)
	j.number("messages_in", r.MessagesIn)
	j.number("messages_out", r.MessagesOut)
	j.optional("cache", string(r.Cache))
	j.optional("user_agent", r.UserAgent)
	return append(j.dst, '}', '\n')
}

func addr(r *Record) string {
	if !r.Client.IsValid() {
		return ""
	}
	return r.Client.String()
}

// line appends the members of a JSON object. Its texts come from clients, so everything that is not plain is escaped.
type line struct {
	dst  []byte
	more bool
}

func (j *line) name(name string) {
	if j.more {
		j.dst = append(j.dst, ',')
	}
	j.more = true
	j.dst = append(j.dst, '"')
	j.dst = append(j.dst, name...)
	j.dst = append(j.dst, '"', ':')
}

func (j *line) text(name, value string) {
	j.name(name)
	j.dst = appendQuoted(j.dst, value)
}

func (j *line) optional(name, value string) {
	if value != "" {
		j.text(name, value)
	}
}

func (j *line) number(name string, value int64) {
	j.name(name)
	j.dst = strconv.AppendInt(j.dst, value, 10)
}

func (j *line) millis(name string, d time.Duration) {
	j.name(name)
	j.dst = strconv.AppendFloat(j.dst, float64(d.Microseconds())/1000, 'f', -1, 64)
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
