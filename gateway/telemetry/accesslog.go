// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package telemetry provides what is known of calls when they are over: their records, the access log, a live feed and the last quarter of an hour.
package telemetry

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueued is how many bytes may wait to be written. With those that are being written, a writer that is stuck holds no more than
	// 4 MiB (fault 31).
	maxQueued = 2 << 20
	// linger is how long lines are gathered before they are written, so that not every call wakes somebody up.
	linger = 5 * time.Millisecond
)

// AccessLog writes a line for each call, in a goroutine of its own, so that neither the client nor the call waits for
// a disk or a pipe. When too much waits, lines are dropped and counted. It is safe for concurrent use.
type AccessLog struct {
	config AccessLogConfig
	out    io.Writer

	mu      sync.Mutex
	waiting []byte // whole lines; guarded by mu
	spare   []byte // what was waiting before, for its room; guarded by mu

	lines   sync.Pool // of *[]byte
	wake    chan struct{}
	stop    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
	dropped atomic.Int64
}

// AccessLogConfig says which lines are written, and how.
type AccessLogConfig struct {
	// Format is the form of a line.
	Format Format
	// Redact names of what nothing is written.
	Redact *Redacted
	// Sampling says of which calls there are lines; nil of all.
	Sampling *Sampling
}

// Format appends the line of a call, with its end, to dst. Of the fields that redact names nothing is written.
type Format func(dst []byte, r *Record, redact *Redacted) []byte

// NewAccessLog returns a log that writes to out until Close.
func NewAccessLog(out io.Writer, cfg AccessLogConfig) *AccessLog {
	l := &AccessLog{config: cfg, out: out, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	l.lines.New = func() any { return new([]byte) }
	l.done.Go(l.write)
	return l
}

var _ Sink = (*AccessLog)(nil)

// Record takes the record of a call. It does not wait.
func (l *AccessLog) Record(r *Record) {
	if !l.config.Sampling.Wants(r) {
		return
	}
	line, _ := l.lines.Get().(*[]byte)
	*line = l.config.Format((*line)[:0], r, l.config.Redact)
	l.add(*line)
	l.lines.Put(line)
}

func (l *AccessLog) add(line []byte) {
	l.mu.Lock()
	first := len(l.waiting) == 0
	full := len(l.waiting)+len(line) > maxQueued
	if !full {
		l.waiting = append(l.waiting, line...)
	}
	l.mu.Unlock()
	switch {
	case full:
		l.dropped.Add(1)
	case first:
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// Dropped returns how many lines were dropped because the writer did not keep up or failed.
func (l *AccessLog) Dropped() int64 { return l.dropped.Load() }

// Close writes what is queued and returns when all is quiet. Record may still be called, but nothing is written any more.
func (l *AccessLog) Close() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

// write moves lines from where they wait to the writer, as many at a time as are there.
func (l *AccessLog) write() {
	gather := time.NewTimer(0)
	defer gather.Stop()
	<-gather.C
	for {
		select {
		case <-l.wake:
			gather.Reset(linger)
			select {
			case <-gather.C:
			case <-l.stop:
			}
			l.flush()
		case <-l.stop:
			l.flush()
			return
		}
	}
}

func (l *AccessLog) flush() {
	l.mu.Lock()
	lines := l.waiting
	l.waiting = l.spare[:0]
	l.mu.Unlock()
	if len(lines) > 0 {
		if _, err := l.out.Write(lines); err != nil {
			l.dropped.Add(countLines(lines))
		}
	}
	l.mu.Lock()
	l.spare = lines[:0]
	l.mu.Unlock()
}

func countLines(text []byte) (n int64) {
	for _, c := range text {
		if c == '\n' {
			n++
		}
	}
	return n
}

// LogLevel is the level of a record's line: errors of the gateway and its backends are warnings.
func (r *Record) LogLevel() slog.Level {
	const serverError = 500
	if r.HTTPStatus >= serverError || r.Failed() {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
