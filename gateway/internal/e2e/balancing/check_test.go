// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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

// Threat C16: the files by which a registry is trusted are looked at before anything serves, with the places of the settings.
func TestThreatC16_FilesOfRegistriesAreChecked(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := parsed(t, fmt.Sprintf("etcd:\n  servers: [\"127.0.0.1:1\"]\n  prefix: a\n  tls: {ca: %s}\ntls: {ca: no-such.pem}", empty))
	problems := app.Check(cfg)
	var told []string
	for _, p := range problems {
		told = append(told, p.String())
		if p.Line == 0 {
			t.Errorf("%s has no place", p)
		}
	}
	for _, want := range []string{`backends["test"].etcd.tls: etcd.tls.ca: `, "has no certificate in PEM form", `backends["test"].tls: tls.ca: `} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("%q is not in %q", want, told)
		}
	}
}
