// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package telemetry provides what is known of calls when they are over: their records, the access log, a live feed and the last quarter of an hour.
package telemetry

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
)

// queueLength is how many calls may wait to be written. A record is about half a kilobyte, so that a
// writer that is stuck holds no more than 4 MiB (fault 31).
const queueLength = 8192

// AccessLog writes a line for each call, in a goroutine of its own, so that neither the client nor the call waits for
// a disk or a pipe. When the queue is full, lines are dropped and counted. It is safe for concurrent use.
type AccessLog struct {
	queue   chan Record
	format  Format
	out     io.Writer
	dropped atomic.Int64
	stop    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
}

// Format appends the line of a call, with its end, to dst.
type Format func(dst []byte, r *Record) []byte

// NewAccessLog returns a log that writes to out until Close.
func NewAccessLog(out io.Writer, format Format) *AccessLog {
	l := &AccessLog{queue: make(chan Record, queueLength), format: format, out: out, stop: make(chan struct{})}
	l.done.Go(l.write)
	return l
}

// Record takes the record of a call. It does not wait.
func (l *AccessLog) Record(r *Record) {
	select {
	case l.queue <- *r:
	default:
		l.dropped.Add(1)
	}
}

// Dropped returns how many lines were dropped because the writer did not keep up.
func (l *AccessLog) Dropped() int64 { return l.dropped.Load() }

// Close writes what is queued and returns when all is quiet. Record may still be called, but nothing is written any more.
func (l *AccessLog) Close() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

// write moves records from the queue to the writer, as many at a time as are there.
func (l *AccessLog) write() {
	const most = 64 << 10
	var buf []byte
	for {
		select {
		case r := <-l.queue:
			buf = l.format(buf[:0], &r)
		case <-l.stop:
			buf = l.rest(buf[:0], most)
			if len(buf) == 0 {
				return
			}
		}
		buf = l.rest(buf, most)
		if _, err := l.out.Write(buf); err != nil {
			l.dropped.Add(1)
		}
	}
}

// rest appends what the queue holds just now, up to about most bytes.
func (l *AccessLog) rest(buf []byte, most int) []byte {
	for len(buf) < most {
		select {
		case r := <-l.queue:
			buf = l.format(buf, &r)
		default:
			return buf
		}
	}
	return buf
}

// LogLevel is the level of a record's line: errors of the gateway and its backends are warnings.
func (r *Record) LogLevel() slog.Level {
	if r.HTTPStatus >= 500 {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
