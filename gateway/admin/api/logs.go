// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of what is kept of the log.
const (
	mostLines   = 1000
	mostFields  = 32
	mostText    = 1 << 10 // bytes of a message, or of a field
	defaultTail = 200
)

// LogTail keeps the last lines of a log. It is a slog.Handler that hands on to another one. Its methods, but those of slog.Handler, may be called of a
// nil LogTail, which has no lines.
type LogTail struct {
	next slog.Handler
	ring *logRing
	// what WithAttrs and WithGroup have added
	fields []logField
	group  string
}

// logRing is what all handlers that came of one LogTail share.
type logRing struct {
	feed feed[*logLine]

	mu    sync.Mutex
	lines []*logLine // the newest last; guarded by mu
}

type logLine struct {
	time    time.Time
	level   slog.Level
	message string
	fields  []logField
}

type logField struct{ name, value string }

// NewLogTail returns a handler that hands on to another one, and keeps what that writes.
func NewLogTail(next slog.Handler) *LogTail { return &LogTail{next: next, ring: &logRing{}} }

// Enabled says what the next handler says.
func (t *LogTail) Enabled(ctx context.Context, level slog.Level) bool {
	return t.next.Enabled(ctx, level)
}

// Handle keeps a line and hands it on.
func (t *LogTail) Handle(ctx context.Context, r slog.Record) error {
	l := &logLine{time: r.Time, level: r.Level, message: cut(r.Message), fields: t.fields[:len(t.fields):len(t.fields)]}
	r.Attrs(func(a slog.Attr) bool {
		l.fields = appendField(l.fields, t.group, a)
		return len(l.fields) < mostFields
	})
	t.ring.mu.Lock()
	if len(t.ring.lines) == mostLines {
		t.ring.lines = t.ring.lines[1:]
	}
	t.ring.lines = append(t.ring.lines, l)
	t.ring.mu.Unlock()
	t.ring.feed.publish(l)
	return t.next.Handle(ctx, r)
}

// WithAttrs returns a handler that adds fields.
func (t *LogTail) WithAttrs(attrs []slog.Attr) slog.Handler {
	own := &LogTail{next: t.next.WithAttrs(attrs), ring: t.ring, fields: t.fields[:len(t.fields):len(t.fields)], group: t.group}
	for _, a := range attrs {
		own.fields = appendField(own.fields, t.group, a)
	}
	return own
}

// WithGroup returns a handler whose fields are in a group.
func (t *LogTail) WithGroup(name string) slog.Handler {
	if name == "" {
		return t
	}
	return &LogTail{next: t.next.WithGroup(name), ring: t.ring, fields: t.fields, group: t.group + name + "."}
}

func appendField(fields []logField, group string, a slog.Attr) []logField {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range v.Group() {
			fields = appendField(fields, group, inner)
		}
		return fields
	}
	if a.Key == "" || len(fields) >= mostFields {
		return fields
	}
	return append(fields, logField{group + a.Key, cut(v.String())})
}

// cut shortens a text to what is kept of one.
func cut(s string) string {
	if len(s) <= mostText {
		return s
	}
	return strings.ToValidUTF8(s[:mostText], "") + "…"
}

func (l *logLine) line() *adminv1.LogLine {
	out := &adminv1.LogLine{Time: timeOf(l.time), Level: strings.ToLower(l.level.String()), Message: strings.ToValidUTF8(l.message, "\ufffd"), Fields: map[string]string{}}
	for _, f := range l.fields {
		out.Fields[f.name] = strings.ToValidUTF8(f.value, "\ufffd")
	}
	return out
}

// read adds a reader of what is written from now on.
func (t *LogTail) read() (*reader[*logLine], func()) {
	if t == nil {
		return &reader[*logLine]{}, func() {}
	}
	return t.ring.feed.read()
}

func (t *LogTail) takeMissed(r *reader[*logLine]) int64 { return t.ring.feed.takeMissed(r) }

type logServer struct {
	adminv1.UnimplementedLogServiceServer

	api *API
}

// ListLogs has the last lines.
func (s *logServer) ListLogs(_ context.Context, in *adminv1.ListLogsRequest) (*adminv1.ListLogsResponse, error) {
	level, err := levelOf(in.GetLevel())
	if err != nil {
		return nil, err
	}
	limit := int(in.GetLimit())
	if limit < 0 || limit > mostLines {
		return nil, invalid("limit is %d; it must be 0 to %d", limit, mostLines)
	}
	if limit == 0 {
		limit = defaultTail
	}
	out := &adminv1.ListLogsResponse{}
	if s.api.config.Logs == nil {
		return out, nil
	}
	ring := s.api.config.Logs.ring
	ring.mu.Lock()
	defer ring.mu.Unlock()
	for _, l := range ring.lines {
		if l.level >= level {
			out.Lines = append(out.Lines, l.line())
		}
	}
	out.Lines = out.Lines[max(0, len(out.Lines)-limit):]
	return out, nil
}

// TailLogs tells lines as they are written.
func (s *logServer) TailLogs(in *adminv1.TailLogsRequest, out grpc.ServerStreamingServer[adminv1.TailLogsResponse]) error {
	level, err := levelOf(in.GetLevel())
	if err != nil {
		return err
	}
	logs := s.api.config.Logs
	r, stop := logs.read()
	defer stop()
	for {
		select {
		case <-out.Context().Done():
			return out.Context().Err()
		case l := <-r.values:
			if l.level < level {
				continue
			}
			if err := out.Send(&adminv1.TailLogsResponse{Line: l.line(), Missed: logs.takeMissed(r)}); err != nil {
				return err
			}
		}
	}
}

// GetLogLevel tells the level.
func (s *logServer) GetLogLevel(context.Context, *adminv1.GetLogLevelRequest) (*adminv1.GetLogLevelResponse, error) {
	if s.api.config.Level == nil {
		return nil, fixedLevel()
	}
	return &adminv1.GetLogLevelResponse{Level: strings.ToLower(s.api.config.Level.Level().String())}, nil
}

// SetLogLevel changes it.
func (s *logServer) SetLogLevel(ctx context.Context, in *adminv1.SetLogLevelRequest) (*adminv1.SetLogLevelResponse, error) {
	if s.api.config.Level == nil {
		return nil, fixedLevel()
	}
	if in.GetLevel() == "" {
		return nil, invalid("level is empty; it must be debug, info, warn or error")
	}
	level, err := levelOf(in.GetLevel())
	if err != nil {
		return nil, err
	}
	s.api.config.Level.Set(level)
	s.api.config.Log.Info("the level of the log was changed by the admin API", slog.String("level", in.GetLevel()), slog.String("who", callerOf(ctx)))
	return &adminv1.SetLogLevelResponse{Level: strings.ToLower(level.String())}, nil
}

func fixedLevel() error {
	return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "the level of this log cannot be changed")
}

// levelOf reads the name of a level; "" is the least.
func levelOf(name string) (slog.Level, error) {
	switch name {
	case "", "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	default:
		return 0, invalid("level is %.32q; it must be debug, info, warn or error", name)
	}
}
