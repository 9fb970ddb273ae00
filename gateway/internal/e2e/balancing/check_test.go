// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// A key that is a field must be one of every method that the backend serves: what does not fit is refused before anything serves, with its
// place and the methods, all at once, and without asking any backend.
func TestKeysAreCheckedAgainstTheSchema(t *testing.T) {
	t.Parallel()
	text := strings.Replace(frame, "services: [{match: dragoman.test.v1.EchoService, backend: test}]",
		"services: [{match: dragoman.test.v1.EchoService, backend: test}, {match: \"**\", backend: others}]", 1) + `
    target: "localhost:1"
    load_balancing: {policy: maglev, hash_key: [{header: x-a}, {field: behavior.payload_size}, {field: nope}, {field: tenant}]}
  others:
    target: "localhost:1"
    load_balancing:
      policy: ring_hash
      hash_key: [{field: user_id}]
`
	cfg, err := config.Parse("keys.yaml", []byte(text), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.Load(t.Context(), cfg, slog.New(slog.DiscardHandler), false)
	refused, ok := errors.AsType[*schema.LoadError](err)
	if !ok {
		t.Fatalf("got %v; want that the keys are refused", err)
	}
	var told strings.Builder
	for _, d := range refused.Diagnostics {
		told.WriteString(d.Message + "\n")
		if d.Code != "DG1302" || len(d.Spans) != 1 || d.Spans[0].File != "keys.yaml" || !strings.Contains(d.Spans[0].Text, "field: ") {
			t.Errorf("%q: code %s, spans %+v; want its place", d.Message, d.Code, d.Spans)
		}
	}
	for _, want := range []string{
		`the key of backend "test" does not fit /dragoman.test.v1.EchoService/Echo, /dragoman.test.v1.EchoService/Slow, ` +
			`/dragoman.test.v1.EchoService/Stream, /dragoman.test.v1.EchoService/Converse: field nope is not in dragoman.test.v1.CanaryRequest`,
		"field tenant is a message in dragoman.test.v1.CanaryRequest",
		`the key of backend "others" does not fit`, "and ", "field user_id is not in dragoman.test.v1.BindRequest",
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("%q is not told in:\n%s", want, told.String())
		}
	}
	if strings.Contains(told.String(), "payload_size") {
		t.Error("a key that fits is refused")
	}
}
