// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
)

// These tests are inside because a whole gateway says the same, only later: gateway/internal/e2e/admin_test.go has that.

// A slow reader holds up nobody: it misses some, and learns how many.
func TestAFeedDoesNotWait(t *testing.T) {
	t.Parallel()
	var f feed[int]
	r, stop := f.read()
	for i := range feedBuffer + 7 {
		f.publish(i)
	}
	if first := <-r.values; first != 0 {
		t.Errorf("the first is %d", first)
	}
	if n := f.takeMissed(r); n != 7 {
		t.Errorf("%d were missed; want 7", n)
	}
	if n := f.takeMissed(r); n != 0 {
		t.Errorf("%d were missed since; want none", n)
	}
	stop()
	f.publish(1)
	if n := f.takeMissed(r); n != 0 {
		t.Errorf("a reader that has stopped missed %d", n)
	}
}

// What is kept of the log is bounded, in lines, in fields and in their length, and has groups by their names.
func TestTheTailOfTheLogIsBounded(t *testing.T) {
	t.Parallel()
	tail := NewLogTail(slog.DiscardHandler)
	log := slog.New(tail).With(slog.String("a", "1")).WithGroup("g")
	var many []any
	for i := range mostFields + 5 {
		many = append(many, slog.Int(fmt.Sprint(i), i))
	}
	for range mostLines + 5 {
		if err := log.Handler().Handle(context.Background(), slog.Record{Message: strings.Repeat("ä", mostText)}); err != nil {
			t.Fatal(err)
		}
	}
	record := slog.Record{Message: "the last\xff"}
	record.Add(many...)
	if err := log.Handler().Handle(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	lines := tail.ring.lines
	if len(lines) != mostLines || len(lines[0].message) > mostText+len("…") {
		t.Errorf("%d lines, the first with %d bytes", len(lines), len(lines[0].message))
	}
	last := lines[len(lines)-1].line()
	if len(last.GetFields()) != mostFields || last.GetFields()["a"] != "1" || last.GetFields()["g.0"] != "0" || last.GetMessage() != "the last\ufffd" {
		t.Errorf("the last line: %v", last)
	}
}

// Codes are named as everybody names them.
func TestNamesOfCodes(t *testing.T) {
	t.Parallel()
	for c, want := range map[codes.Code]string{codes.OK: "OK", codes.NotFound: "NOT_FOUND", codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.Canceled: "CANCELED"} {
		if got := codeName(c); got != want || codesByName[want] != c {
			t.Errorf("%d: %s; want %s", c, got, want)
		}
	}
	if len(codesByName) != int(codes.Unauthenticated)+1 {
		t.Errorf("%d codes", len(codesByName))
	}
}
