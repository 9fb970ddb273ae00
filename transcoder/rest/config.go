// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Config says how methods are served over REST. The zero value is the strict profile. Methods that are served alike share one.
type Config struct {
	// Bind says how requests are bound.
	Bind bind.Config
	// Encode says how JSON is written.
	Encode codec.EncodeOptions
	// AnyContentType accepts bodies of any Content-Type, or none, as JSON (T91, T92).
	AnyContentType bool
	// NotImplemented answers 501 without Allow where a path does not take the method, instead of 405 with it (T40).
	NotImplemented bool
	// DetailDefaults writes fields without a value also in the details of errors, as Encode says for messages (T112).
	DetailDefaults bool
	// PrefixedMetadata gives the fields of a request the names that grpc-gateway gives them as metadata, and drops those to
	// which it gives none (T163).
	PrefixedMetadata bool
	// PrefixedAnswers gives the metadata of a backend the prefixes of grpc-gateway as fields of the answer (T167).
	PrefixedAnswers bool
	// TrailersOnRequest sends trailers only to clients that ask for them, whatever the HTTP version, and never with streams (T168).
	TrailersOnRequest bool
	// Multipart takes multipart/form-data where the body is a google.api.HttpBody: the part that is a file is the body, the
	// others are fields of the request, as query parameters are (T129).
	Multipart bool
	// MethodOverride lets a POST be a PUT, PATCH or DELETE by its X-HTTP-Method-Override; what else has that field is refused.
	// It is decided before the method is known, so only that of Configs.Default counts (T46).
	MethodOverride bool

	// SuccessStatus is the HTTP status of an answer that is no error, 200 to 299; 0 means 200 (T121).
	SuccessStatus int
	// NoContentForEmpty answers 204, without a body, where the method returns a google.protobuf.Empty (T121).
	NoContentForEmpty bool
	// StatusHeader names the backend's header field that chooses the HTTP status of a success, among StatusAllowed, and is not
	// sent on; "" for none. With 201 and 3xx the backend's location is sent on as well. Lower case (T121).
	StatusHeader string
	// StatusAllowed are the statuses that StatusHeader can choose, 200 to 399; any other makes the answer a 502.
	StatusAllowed []int

	// ETag says which entity tag the answers of GET have (T202).
	ETag ETag
	// CacheControl is the Cache-Control of successful answers of GET; "" sends none (T203).
	CacheControl string
	// ResponseFields are fields of the answer that become header fields and are left out of the body: the value is the name of a
	// field of the message that the body is, in either of its names; the key the lower-case name of the header field (T171).
	ResponseFields map[string]string
	// TrailersAsHeaders are trailers of the backend that become header fields where the answer cannot have trailers: unary
	// answers over HTTP/1.1 to clients that do not say that they take trailers. Lower case (T168).
	TrailersAsHeaders []string

	// Compression says which answers are compressed.
	Compression Compression

	// Streams says how the answers of methods that stream are written.
	Streams Streams

	// Errors says what the body of an error is.
	Errors ErrorFormat
}

// ETag says which entity tag an answer has.
type ETag string

const (
	// ETagOff sends none. It is the default.
	ETagOff ETag = "off"
	// ETagContent is a hash of the body.
	ETagContent ETag = "content"
	// ETagField is the value of the answer's field etag (AIP-154), and If-Match sets the field etag of the request, or of the
	// message that the body is.
	ETagField ETag = "field"
)

// Configs says how each method is served.
type Configs struct {
	// Default is for what belongs to no method, such as a path that nothing is served at.
	Default Config
	// Of returns how a method is served; nil, and a nil Config, mean Default. Methods whose Config is the same pointer are served alike.
	Of func(*transcoder.Method) *Config
}

// compiled is a Config in the form that calls use. It is immutable and shared.
type compiled struct {
	Config
	errors    *errorTemplate
	encodings []*compression.Encoding
}

// SettingError says which setting of a Config is wrong, by the name that it has in the configuration file.
type SettingError struct {
	// Setting is the name below rest, such as success_status or errors.template; those of Encode and Decode begin with "json.".
	Setting string
	// Key is the key of the entry, where the setting is a map; else "".
	Key string
	// Method is the path of the method that it is wrong for; "" where it is wrong for any.
	Method string
	// Message says what is wrong: "is 300; it must be 200 to 299".
	Message string
}

// Error gives method, setting and message.
func (e *SettingError) Error() string {
	text := e.Setting
	if e.Key != "" {
		text += fmt.Sprintf("[%q]", e.Key)
	}
	if text += ": " + e.Message; e.Method != "" {
		text = e.Method + ": " + text
	}
	return text
}

// Check tells everything that is wrong with a configuration whatever the methods are; those of Bind are checked with the method.
func (c *Config) Check() []*SettingError {
	var errs []*SettingError
	bad := func(setting, key, format string, args ...any) {
		errs = append(errs, &SettingError{Setting: setting, Key: key, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case c.SuccessStatus == 0:
	case c.SuccessStatus < 200 || c.SuccessStatus > 299:
		bad("success_status", "", "is %d; it must be 200 to 299", c.SuccessStatus)
	case bodiless(c.SuccessStatus):
		bad("success_status", "", "is %d, which has no body; for methods that return a google.protobuf.Empty there is no_content_for_empty", c.SuccessStatus)
	}
	for _, s := range c.StatusAllowed {
		if s < 200 || s > 399 {
			bad("status_from.allow", "", "has %d; it must be 200 to 399", s)
		}
	}
	if (c.StatusHeader == "") != (len(c.StatusAllowed) == 0) {
		bad("status_from", "", "needs both a header and the statuses that it allows")
	}
	switch c.Streams.Format {
	case "", StreamNDJSON, StreamArray, StreamSSE, StreamJSONSeq, StreamDelimited, StreamWrapped:
	default:
		bad("stream_format", "", "is %q; it must be ndjson, array, sse, json_seq, delimited or wrapped", c.Streams.Format)
	}
	if c.Streams.SSERetry < 0 {
		bad("sse_retry", "", "is %s; it must not be negative", c.Streams.SSERetry)
	}
	if c.ETag != "" && c.ETag != ETagOff && c.ETag != ETagContent && c.ETag != ETagField {
		bad("etag", "", "is %q; it must be off, content or field", c.ETag)
	}
	if !wire.ValidValue(c.CacheControl) {
		bad("cache_control", "", "has bytes that cannot stand in a header")
	}
	name := func(setting, key, name string) {
		if !wire.ValidName(name) || wire.Reserved(name) {
			bad(setting, key, "%.64q cannot be the name of a header field here", name)
		}
	}
	for _, header := range slices.Sorted(maps.Keys(c.ResponseFields)) {
		name("response_headers", header, header)
	}
	for _, header := range c.TrailersAsHeaders {
		name("trailers_as_headers", "", header)
	}
	if c.StatusHeader != "" {
		name("status_from.header", "", c.StatusHeader)
	}
	for i, name := range c.Compression.Algorithms {
		if compression.Find(name) == nil || slices.Contains(c.Compression.Algorithms[:i], name) {
			bad("compression.algorithms", "", "has %.32q, which is not known, or twice; known are gzip, br and zstd", name)
		}
	}
	if c.Compression.From < 0 {
		bad("compression.min_size", "", "is %d; it must not be negative", c.Compression.From)
	}
	if _, err := c.Errors.compile(); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// compileConfig makes what calls use of a configuration. The error joins what Check tells.
func compileConfig(cfg *Config) (*compiled, error) {
	var errs []error
	for _, e := range cfg.Check() {
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c := &compiled{Config: *cfg}
	if c.SuccessStatus == 0 {
		c.SuccessStatus = http.StatusOK
	}
	c.errors, _ = c.Errors.compile()
	c.Compression.From = cmp.Or(c.Compression.From, DefaultCompressFrom)
	for _, name := range c.Compression.Algorithms {
		c.encodings = append(c.encodings, compression.Find(name))
	}
	return c, nil
}

// bodiless tells whether an answer of that status has no body.
func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusResetContent || status == http.StatusNotModified
}
