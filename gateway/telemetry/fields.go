// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Visitor takes the fields of a record, one after the other.
type Visitor interface {
	Text(name, value string)
	Number(name string, value int64)
	Millis(name string, value time.Duration)
}

// Fields tells the fields that a line of a log has, by the names that they have there, in their order; those without a value that may have none
// are left out. When and how important the line is, is not among them.
func (r *Record) Fields(v Visitor) {
	text := func(name, value string) {
		if value != "" {
			v.Text(name, value)
		}
	}
	v.Text("request_id", r.RequestID)
	text("trace_id", r.TraceID)
	v.Text("client_ip", addr(r))
	text("auth", r.Auth)
	text("subject", r.Subject)
	text("tenant", r.Tenant)
	v.Text("listener", r.Listener)
	v.Text("protocol", r.Protocol)
	v.Text("method", r.HTTPMethod)
	v.Text("path", r.Path)
	text("route", r.Route)
	text("service", r.Service)
	text("rpc", r.RPC)
	v.Text("code", status.Name(r.Code))
	v.Number("http_status", int64(r.HTTPStatus))
	v.Text("reason", string(r.Reason))
	text("rule", r.Rule)
	text("dry_run", r.DryRun)
	text("message", r.Message)
	text("detail", r.Detail)
	text("backend", r.Backend)
	text("endpoint", r.Endpoint)
	text("split", r.Split)
	v.Number("attempts", int64(r.Attempts))
	v.Millis("duration_ms", r.Duration)
	v.Millis("gateway_ms", r.Overhead())
	v.Millis("backend_ms", r.Backed)
	v.Millis("ttfb_ms", r.TTFB)
	v.Number("bytes_in", r.BytesIn)
	v.Number("bytes_out", r.BytesOut)
	v.Number("messages_in", r.MessagesIn)
	v.Number("messages_out", r.MessagesOut)
	text("cache", string(r.Cache))
	text("user_agent", r.UserAgent)
	for i := range r.Headers {
		v.Text(headerPrefix+r.Headers[i].Name, r.Headers[i].Value)
	}
}

func addr(r *Record) string {
	if !r.Client.IsValid() {
		return ""
	}
	return r.Client.String()
}

// redacted stands for what is not to be written.
const redacted = "(redacted)"

// Redacted names of what nothing is written. A nil one names nothing.
type Redacted struct {
	fields  map[string]bool // of lines; nil for none
	headers map[string]bool // of requests
}

// NewRedacted returns what the configuration names, and what is secret in any case.
func NewRedacted(names []string) *Redacted {
	x := &Redacted{headers: map[string]bool{}}
	for _, n := range secretHeaders() {
		x.headers[n] = true
	}
	for _, n := range names {
		if x.fields == nil {
			x.fields = map[string]bool{}
		}
		x.fields[n], x.headers[n] = true, true
	}
	return x
}

// secretHeaders are header fields of requests of which nothing is written, whatever the configuration says.
func secretHeaders() []string {
	return []string{"authorization", "cookie", "proxy-authorization", "x-api-key", "x-dragoman-debug"}
}

// Field tells whether a field of lines is not to be written.
func (x *Redacted) Field(name string) bool { return x != nil && x.fields[name] }

// any tells whether something of a record may not be written.
func (x *Redacted) any(r *Record) bool {
	return x != nil && (x.fields != nil || len(r.Headers) > 0)
}

// Redaction is a Visitor that hands on to another what is to be written of each field.
type Redaction struct {
	// Names says of what nothing is written.
	Names *Redacted
	// Next has what is left.
	Next Visitor
}

// headerPrefix is how the names of fields begin that are header fields of requests.
const headerPrefix = "header."

// Text hands on a text, or that there is one.
func (x *Redaction) Text(name, value string) {
	header, is := strings.CutPrefix(name, headerPrefix)
	if x.Names.Field(name) || is && x.Names != nil && x.Names.headers[header] {
		value = redacted
	}
	x.Next.Text(name, value)
}

// Number hands on a number, or that there is one.
func (x *Redaction) Number(name string, value int64) {
	if x.Names.Field(name) {
		x.Next.Text(name, redacted)
		return
	}
	x.Next.Number(name, value)
}

// Millis hands on a duration, or that there is one.
func (x *Redaction) Millis(name string, value time.Duration) {
	if x.Names.Field(name) {
		x.Next.Text(name, redacted)
		return
	}
	x.Next.Millis(name, value)
}
