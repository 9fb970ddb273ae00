// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// These tests are inside because the tables that they hold are.

// A field whose name sounds like a secret is one that is never shown, or is known to be none.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	sounds := regexp.MustCompile(`password|token|secret|credential|mac_key`)
	harmless := []protoreflect.Name{"token_file", "mac_key_file", "forward_credentials", "allow_credentials", "accept_insecure_tokens"}
	eachMessage(func(d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			if sounds.MatchString(string(f.Name())) && f.Kind() == protoreflect.StringKind && !secretFields[f.Name()] && !slices.Contains(harmless, f.Name()) {
				t.Errorf("%s: it sounds like a secret, and is shown", f.FullName())
			}
		}
	})
}

// The keys by which a collector knows who sends are not shown, however they came into the file.
func TestKeysOfCollectorsAreNotShown(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("f.yaml", []byte(`version: v1
schemas: {sources: [{protos: {dir: .}}]}
backends: {all: {target: "localhost:1"}}
services: [{match: "**", backend: all}]
observability: {debug_token: of-the-operators-debugging, otlp: {headers: {api-key: of-the-operators}}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.Settings() {
		if strings.Contains(s.Value, "of-the-operators") {
			t.Errorf("%+v", s)
		}
	}
	if text := cfg.YAML(); strings.Contains(text, "of-the-operators") {
		t.Error(text)
	}
}

// What the complete file says comes back as settings and as YAML; what comes from variables does not.
func TestSettingsAreTheFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"complete.good.yaml", "balancing.good.yaml", "policy.good.yaml"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		options := Options{Env: func(string) (string, bool) { return "s3cret-of-the-environment", true }}
		cfg, err := Parse(name, data, options)
		if err != nil {
			t.Logf("%s is skipped: its variables are more than text", name)
			continue
		}
		if len(cfg.Settings()) < 10 {
			t.Errorf("%s has %d settings", name, len(cfg.Settings()))
		}
		text := cfg.YAML()
		// What is in force has all of them, those in maps of single values (claims that are forwarded) too.
		inForce := map[string]string{}
		for _, s := range cfg.Effective() {
			inForce[s.Path] = s.Value
		}
		for _, s := range cfg.Settings() {
			if got, ok := inForce[s.Path]; !ok || got != s.Value {
				t.Errorf("%s: %s is %q in force; want %q", name, s.Path, got, s.Value)
			}
		}
		for _, s := range cfg.Settings() {
			if s.Line == 0 || strings.Contains(s.Value, "s3cret") {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if strings.Contains(text, "s3cret") || strings.Contains(text, "of-the-operators") {
			t.Errorf("%s: the YAML shows a secret", name)
		}
		if changes := Changes(cfg, cfg); len(changes) > 0 {
			t.Errorf("%s differs from itself: %v", name, changes)
		}
		again, err := Parse(name, data, options)
		if err != nil || again.Fingerprint() != cfg.Fingerprint() || len(Changes(cfg, again)) > 0 {
			t.Errorf("%s differs from itself, read once more: %v", name, err)
		}
	}
}

// All that takes effect later is a setting.
func TestEffectsAreOfSettings(t *testing.T) {
	t.Parallel()
	fields := map[string]bool{}
	eachMessage(func(d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			fields[string(d.Fields().Get(i).Name())] = true
		}
	})
	for _, e := range effects {
		last := e.field[strings.LastIndexByte(e.field, '.')+1:]
		if !fields[strings.TrimSuffix(last, "[]")] {
			t.Errorf("%s is no setting", e.field)
		}
	}
}

// What a change of a listener needs depends on the other configuration, too: a listener that is new is opened at the start.
func TestEffectsOfListeners(t *testing.T) {
	t.Parallel()
	read := func(listeners string) *Config {
		cfg, err := Parse("f.yaml", []byte("version: v1\nlisteners: ["+listeners+"]\n"+`schemas: {sources: [{protos: {dir: .}}]}
backends: {all: {target: "localhost:1"}}
services: [{match: "**", backend: all}]
`), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	const secure = `tls: {cert: c, key: k}`
	for _, tt := range []struct {
		before, after, path string
		want                Effect
		reason              string
	}{
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", limits: {max_message: 1KiB}}`, "listeners[0].limits.max_message", "", "it is read by each request"},
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", limits: {max_header: 4KiB}}`, "listeners[0].limits.max_header", "", "from the next request on"},
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", limits: {max_header_fields: 9}}`, "listeners[0].limits.max_header_fields", "", "its name only begins as another's"},
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", connections: {max_idle: 1m}}`, "listeners[0].connections.max_idle", "", "from the next request on"},
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", connections: {max_age: 1m}}`, "listeners[0].connections.max_age", "", "it is read by each connection"},
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", protocols: [http1]}`, "listeners[0].protocols", NeedsRestart, "it decides which sockets there are"},
		{`{name: a, address: ":1", ` + secure + `}`, `{name: a, address: ":1", tls: {cert: c, key: k, min_version: "1.3"}}`, "listeners[0].tls.min_version", "", "it is read by each handshake"},
		{`{name: a, address: ":1"}`, `{name: a, address: ":1", ` + secure + `}`, "listeners[0].tls.cert", NeedsRestart, "there was no TLS"},
		{`{name: a, address: ":1", ` + secure + `}`, `{name: a, address: ":1"}`, "listeners[0].tls.cert", NeedsRestart, "there is no TLS any more"},
		{`{name: a, address: ":1"}`, `{name: b, address: ":2", keepalive: {ping_after: 9s}}, {name: a, address: ":1"}`, "listeners[0].keepalive.ping_after", NeedsRestart, "the listener is new"},
		{`{name: b, address: ":2", keepalive: {ping_after: 9s}}, {name: a, address: ":1"}`, `{name: a, address: ":1"}`, "listeners[0].keepalive.ping_after", NeedsRestart, "the listener is gone"},
	} {
		changes := Changes(read(tt.before), read(tt.after))
		i := slices.IndexFunc(changes, func(c Change) bool { return c.Path == tt.path })
		if i < 0 {
			t.Errorf("%s: %s is no change: %+v", tt.reason, tt.path, changes)
			continue
		}
		if changes[i].Effect != tt.want {
			t.Errorf("%s: %s takes effect %q; want %q", tt.reason, tt.path, changes[i].Effect, tt.want)
		}
	}
}
