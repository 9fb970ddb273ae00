// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Text writes a line for a person at a terminal:
//
//	14:02:52  GET /v1/users/42  200 OK  grpc=OK  4.1 ms (gateway 0.2)  users→127.0.0.1:50051
func Text(dst []byte, r *Record, redact *Redacted) []byte {
	path := r.Path
	if redact.Field("path") {
		path = redacted
	}
	dst = fmt.Appendf(dst, "  %s  %s %s  %d", r.Time.Format(time.TimeOnly), printable(r.HTTPMethod), printable(path), r.HTTPStatus)
	if text := http.StatusText(r.HTTPStatus); text != "" {
		dst = fmt.Appendf(dst, " %s", text)
	}
	dst = fmt.Appendf(dst, "  %s=%s  %s ms (gateway %s)", printable(r.Protocol), status.Name(r.Code), millis(r.Duration), millis(r.Overhead()))
	if r.Endpoint != "" {
		dst = fmt.Appendf(dst, "  %s→%s", r.Backend, r.Endpoint)
	}
	if r.Reason != status.ReasonOK {
		dst = fmt.Appendf(dst, "  %s", r.Reason)
		if !redact.Field("message") {
			dst = fmt.Appendf(dst, ": %s", printable(r.Message))
		}
		if r.Detail != "" && !redact.Field("detail") {
			dst = fmt.Appendf(dst, " (%s)", printable(r.Detail))
		}
	}
	return append(dst, '\n')
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

// printable escapes what a client or backend sent so that it cannot write lines or colours of its own, and cuts it.
func printable(s string) string {
	if len(s) > maxField {
		s = s[:maxField] + "…"
	}
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
