// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"time"
)

// Format is the form of a log.
type Format string

// The forms of a log.
const (
	// FormatAuto is text on a terminal, else JSON. It is the default.
	FormatAuto Format = ""
	// FormatText is for people.
	FormatText Format = "text"
	// FormatJSON is one object a line.
	FormatJSON Format = "json"
)

// Observability says what is told of calls and of the gateway itself.
type Observability struct {
	// Log is the gateway's own log.
	Log Log
	// AccessLog has a line for each call.
	AccessLog AccessLog
	// Tracing has calls recorded as spans.
	Tracing Tracing
	// Metrics are counts.
	Metrics Metrics
	// OTLP says how what goes to a collector is sent.
	OTLP OTLP
	// HideReason sends no x-dragoman-reason.
	HideReason bool
	// DebugToken is what a request says to be told where its time went; "" tells nobody.
	DebugToken string
	// TellNearest tells everybody who calls what is not there which route is near. No file can say so: it is for dev mode.
	TellNearest bool
}

// Log is the gateway's own log.
type Log struct {
	// Level is the least important level that is written; the zero value is info.
	Level slog.Level
	// Format is its form.
	Format Format
	// Endpoint is the collector that its lines go to as well, as a URL; "" leaves it to the environment.
	Endpoint string
}

// What Output of an AccessLog is, if it is not a file.
const (
	// OutputStdout is standard output. It is the default.
	OutputStdout = "stdout"
	// OutputStderr is standard error.
	OutputStderr = "stderr"
	// OutputOff writes nothing.
	OutputOff = "off"
)

// AccessLog has a line for each call.
type AccessLog struct {
	// Output is OutputStdout, OutputStderr, OutputOff or the path of a file; "" means OutputStdout.
	Output string
	// Format is its form.
	Format Format
	// OTLP sends lines to the collector of Log as well.
	OTLP bool
	// Headers are the header fields of requests that lines have.
	Headers []string
	// Redact names what is written as "(redacted)": fields of lines and of requests.
	Redact []string
	// SamplePercent is the share that is written of calls that went well; nil means all.
	SamplePercent *float64
	// AlwaysOver is how long a call takes that is written all the same; 0 means telemetry.DefaultAlwaysOver.
	AlwaysOver time.Duration
}

// Tracing has calls recorded as spans.
type Tracing struct {
	// Endpoint is the collector that spans go to, as a URL; "" leaves it to the environment.
	Endpoint string
	// SamplePercent is the share of traces that are recorded; nil leaves it to the environment, or means otlp.DefaultSamplePercent.
	SamplePercent *float64
	// IgnoreParent decides by SamplePercent alone.
	IgnoreParent bool
	// Link is the URL of a page that shows a trace, with TraceIDPlace where its id comes; "" for none.
	Link string
}

// TraceIDPlace stands in Tracing.Link for the id of a trace.
const TraceIDPlace = "{trace_id}"

// Metrics are counts.
type Metrics struct {
	// Path is where they are scraped; "" means metrics.DefaultPath.
	Path string
	// Off keeps none.
	Off bool
	// Endpoint is the collector that they go to as well, as a URL; "" leaves it to the environment.
	Endpoint string
	// Interval is how often they go there; 0 means otlp.DefaultInterval.
	Interval time.Duration
}

// OTLP says how what goes to a collector is sent.
type OTLP struct {
	// Headers go with each request.
	Headers map[string]string
	// CA is a PEM file with the certificates to trust; "" means the system's.
	CA string
	// Gzip compresses.
	Gzip bool
	// Timeout is how long a request may take; 0 means otlp.DefaultTimeout.
	Timeout time.Duration
}
