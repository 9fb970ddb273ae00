// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

// REST says how methods are served over REST. What is nil or empty is not said.
type REST struct {
	// Profile is what all other settings start from: strict, grpc-gateway or envoy.
	Profile string
	// UnknownQuery says what happens to a query parameter that names no field.
	UnknownQuery UnknownQuery
	// IgnoredQueryParameters never reach a message.
	IgnoredQueryParameters []string
	// MaxQueryParameters is how many query parameters a request may have.
	MaxQueryParameters int
	// AnyContentType reads the body of any Content-Type as JSON.
	AnyContentType *bool
	// SuccessStatus is the HTTP status of answers that are no errors.
	SuccessStatus int
	// NoContentForEmpty answers 204 where a method returns a google.protobuf.Empty.
	NoContentForEmpty *bool
	// StatusFrom lets the backend choose the HTTP status of a success.
	StatusFrom *StatusFrom
	// ETag says which entity tag the answers of GET have: off, content or field.
	ETag string
	// CacheControl is the Cache-Control of successful answers of GET.
	CacheControl string
	// RequestHeaders are header fields that set fields of the request, by the name of the header field.
	RequestHeaders map[string]string
	// ResponseHeaders are fields of the answer that are sent as header fields, by the name of the header field.
	ResponseHeaders map[string]string
	// TrailersAsHeaders are trailers that are sent as header fields where there can be no trailers.
	TrailersAsHeaders []string
	// Errors say what the body of an error is.
	Errors *Errors
	// Multipart takes multipart/form-data where the body is a google.api.HttpBody.
	Multipart *bool
	// StreamFormat is the form of a stream's answer for clients that take any: ndjson, array, sse, json_seq or delimited.
	StreamFormat string
	// SSEID is the name of a field whose value is the id of an event.
	SSEID string
	// SSERetry is how long an EventSource waits before it connects again.
	SSERetry time.Duration
	// BindEvery binds path and query into every message of a client's stream.
	BindEvery *bool
	// CaptureQueryInto is the field that takes unknown query parameters under QueryCapture.
	CaptureQueryInto string
	// MaxQueryListElements is how many elements of a list of messages the query may set.
	MaxQueryListElements int
	// JSONParameters reads the text of a parameter as JSON where its field is a Struct, Value or ListValue.
	JSONParameters *bool
	// MaskField is the field mask that a PATCH fills in.
	MaskField string
	// AnyMaskPath accepts field masks with paths that the resource does not have.
	AnyMaskPath *bool
	// Compression says which answers are compressed.
	Compression *Compression
}

// Compression says which answers are compressed.
type Compression struct {
	// Algorithms are what may be used, the best first: zstd, br, gzip.
	Algorithms []string
	// MinSize is the size in bytes of the smallest body that is compressed; 0 means rest.DefaultCompressFrom.
	MinSize int
}

// StatusFrom lets the backend choose the HTTP status of a success.
type StatusFrom struct {
	// Header is the name of the backend's header field, in lower case.
	Header string
	// Allow are the statuses that it can choose.
	Allow []int
}

// Errors say what the body of an error is.
type Errors struct {
	// Format is status, google, problem or template; "" means status.
	Format string
	// Template is the body in the format template.
	Template string
}
