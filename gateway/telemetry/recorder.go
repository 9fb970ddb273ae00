// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"slices"
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Sink takes the record of every call. It is called by the goroutine that served the call, many at a time, and must not block. The
// record is lent: a Sink that keeps it keeps a copy.
type Sink interface {
	Record(r *Record)
}

// Recorder makes the record of each call, once, and gives it to its sinks. It is a gateway.Observer, and safe for concurrent use.
type Recorder struct {
	sinks   []Sink
	headers []string
	records sync.Pool
}

// WithHeaders has records keep these header fields of requests, by their names in lower case. It is called before the first call.
func (r *Recorder) WithHeaders(names []string) *Recorder {
	r.headers = names
	return r
}

// NewRecorder returns a Recorder with these sinks, which are told in this order.
func NewRecorder(sinks ...Sink) *Recorder {
	r := &Recorder{sinks: slices.Clone(sinks)}
	r.records.New = func() any { return new(Record) }
	return r
}

// Observe takes a call that is over.
func (r *Recorder) Observe(c *transcoder.Call) {
	record, _ := r.records.Get().(*Record)
	record.fill(c)
	for _, name := range r.headers {
		if c.Request.Header.Has(name) {
			record.Headers = append(record.Headers, wire.Field{Name: name, Value: c.Request.Header.Get(name)})
		}
	}
	for _, s := range r.sinks {
		s.Record(record)
	}
	r.records.Put(record) // with the texts of the call, which the next one replaces: there are as many as processors
}
