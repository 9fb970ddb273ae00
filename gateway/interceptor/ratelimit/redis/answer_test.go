// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
)

// Threat G7: an answer to another's question, or none of the script's, is no answer.
func TestThreatG7Answers(t *testing.T) {
	t.Parallel()
	q := &ratelimit.Query{Least: 2, Most: 5}
	for _, tt := range []struct {
		name   string
		answer []any
		ok     bool
	}{
		{"granted", []any{int64(3), int64(1), int64(10), int64(0), "k"}, true},
		{"refused", []any{int64(0), int64(1), int64(10), int64(7), "k"}, true},
		{"of another key", []any{int64(3), int64(1), int64(10), int64(0), "other"}, false},
		{"more than was asked for", []any{int64(6), int64(1), int64(10), int64(0), "k"}, false},
		{"fewer than were needed", []any{int64(1), int64(1), int64(10), int64(0), "k"}, false},
		{"negative", []any{int64(3), int64(-1), int64(10), int64(0), "k"}, false},
		{"a text", []any{"3", int64(1), int64(10), int64(0), "k"}, false},
		{"too short", []any{int64(3), "k"}, false},
		{"nothing", nil, false},
	} {
		if _, err := outcomeOf(tt.answer, "k", q); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
