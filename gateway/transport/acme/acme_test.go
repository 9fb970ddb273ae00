// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	acmeprotocol "github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"

	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

// These tests are inside because what they hold is not told outside: how long is waited, what is read. How certificates come and go is tested with an
// authority, in gateway/internal/e2e/acme.

func TestNamesAreThoseOfHosts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want, reason string }{
		{"api.acme.example", "api.acme.example", "a name"},
		{"API.Acme.Example", "api.acme.example", "in lower case"},
		{"bücher.example", "xn--bcher-kva.example", "in ASCII"},
		{"localhost", "localhost", "an authority of one's own may give it"},
		{"", "", "nothing"},
		{"*.acme.example", "", "a wildcard"},
		{"a.*.example", "", "a wildcard inside"},
		{"192.0.2.1", "", "an address"},
		{"2001:db8::1", "", "an address"},
		{"api.acme.example.", "", "the root is not named in certificates"},
		{"a..b", "", "an empty label"},
		{"a b.example", "", "a space"},
		{"a/b.example", "", "it would be a path in the storage"},
		{"../x", "", "likewise"},
		{"_acme.example", "", "no host has that"},
		{strings.Repeat("a", 64) + ".example", "", "a label that is too long"},
	} {
		got, err := Name(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: Name(%q) is %q, %v; want %q", tt.reason, tt.in, got, err, tt.want)
		}
	}
}

func valid(t *testing.T) Config {
	t.Helper()
	return Config{Domains: []string{"api.acme.example"}, Storage: filepath.Join(t.TempDir(), "below", "certificates")}
}

// Files are read with the configuration, nothing is written, and no key is in an error.
func TestReadLooksAtFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, key := file("empty", ""), file("key", "bWFjLWtleQ==\n")
	for _, tt := range []struct {
		edit func(*Config)
		want string // "" for all is well
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.EAB = &EAB{KeyID: "k", MACKeyFile: key} }, ""},
		{func(c *Config) { c.Storage = empty }, empty + " is not a folder"},
		{func(c *Config) { c.Storage = filepath.Join(empty, "below") }, "not a directory"},
		{func(c *Config) { c.CARoot = filepath.Join(dir, "none") }, "ca_root: " + filepath.Join(dir, "none") + ": no such file"},
		{func(c *Config) { c.CARoot = empty }, "it has no certificate"},
		{func(c *Config) { c.EAB = &EAB{KeyID: "k", MACKey: "of the operators"} }, "eab.mac_key must be a key in base64url"},
		{func(c *Config) { c.EAB = &EAB{KeyID: "k", MACKeyFile: empty} }, "eab.mac_key_file must be a key in base64url"},
		{func(c *Config) { c.Domains = nil }, "domains is empty"},
	} {
		cfg := valid(t)
		tt.edit(&cfg)
		s, err := Read(cfg)
		if tt.want == "" && (err != nil || s == nil) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v; want %q", cfg, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "of the operators") {
			t.Errorf("the error has the key: %v", err)
		}
		if _, err := os.Stat(cfg.Storage); tt.want == "" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("reading has made the storage: %v", err)
		}
	}
}

// A storage that cannot be written to is told with the configuration, and not when the first certificate comes.
func TestStorageThatIsClosed(t *testing.T) {
	t.Parallel()
	if !processtest.Unprivileged(t) {
		return
	}
	cfg := valid(t)
	cfg.Storage = filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(cfg.Storage, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(cfg); err == nil || !strings.Contains(err.Error(), "cannot be written to") {
		t.Errorf("a folder that is closed: %v", err)
	}
}

// What is equal keeps its certificates over a reload, and what its files have counts.
func TestSourcesAreEqual(t *testing.T) {
	t.Parallel()
	cfg := valid(t)
	key := filepath.Join(t.TempDir(), "key")
	cfg.EAB = &EAB{KeyID: "k", MACKeyFile: key}
	read := func(text string, edit func(*Config)) *Source {
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		own := cfg
		edit(&own)
		s, err := Read(own)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same := func(*Config) {}
	first := read("bWFjLWtleQ", same)
	if !first.Equal(read("bWFjLWtleQ==", same)) || !first.Equal(read("bWFjLWtleQ", func(c *Config) { c.CA, c.KeyType = DefaultCA, DefaultKeyType })) {
		t.Error("what is the same is not equal")
	}
	if first.Equal(read("b3RoZXI", same)) || first.Equal(read("bWFjLWtleQ", func(c *Config) { c.Domains = append(c.Domains, "b.acme.example") })) {
		t.Error("what is another is equal")
	}
}

// An authority that does not answer is asked soon; one that refuses, seldom.
func TestHowLongIsWaited(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("order: %w", acmeprotocol.Problem{Type: acmeprotocol.ProblemTypeRateLimited, Status: http.StatusTooManyRequests})
	for _, tt := range []struct {
		err      error
		failures int
		want     time.Duration
	}{
		{net.ErrClosed, 0, 2 * time.Second},
		{net.ErrClosed, 3, 16 * time.Second},
		{net.ErrClosed, 1000, 5 * time.Minute},
		{refused, 0, time.Minute},
		{refused, 4, 16 * time.Minute},
		{refused, 1000, 6 * time.Hour},
	} {
		got := waitAfter(tt.err, tt.failures)
		if got < tt.want*9/10 || got > tt.want*11/10 {
			t.Errorf("after %d failures (%v) it waits for %s; want %s, give or take a tenth", tt.failures, tt.err, got, tt.want)
		}
	}
}

// What an authority writes does not fill the memory: events and reasons have a bound.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	j := NewJournal()
	for i := range 3 * MostEvents {
		j.add(Event{Kind: Failed, Domain: fmt.Sprint("d", i%2), Text: strings.Repeat("é", 4<<10)})
	}
	j.add(Event{Kind: Issued, Domain: "d1"})
	events := j.Events()
	if len(events) != MostEvents || events[0].Kind != Issued || len(events[1].Text) > mostText+len(" […]") {
		t.Errorf("it has %d events, the newest is %q, and the longest reason has %d bytes", len(events), events[0].Kind, len(events[1].Text))
	}
	if got, want := j.Counts()["d1"], (Counts{Issued: 1, Failed: 3 * MostEvents / 2}); got != want {
		t.Errorf("it counted %+v; want %+v", got, want)
	}
	j.Keep([]string{"d1", "d2"})
	if counts := j.Counts(); len(counts) != 2 || counts["d1"].Issued != 1 {
		t.Errorf("it keeps %+v; want what is counted of d1, and nothing of d2", counts)
	}
}

// What certmagic does is for those who debug. Each handshake may say something: it costs nothing where nobody reads it.
func TestLogOfTheEngine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(slog.NewJSONHandler(&out, nil))
	log.Info("acquiring lock")
	log.Named("obtain").Error("could not get certificate from issuer")
	log.Error("tls-alpn challenge", zap.String("server_name", "\n{\"level\":\"fake\"}"))
	if out.Len() > 0 {
		t.Errorf("what the journal tells, and what clients cause, is logged: %s", out.String())
	}
	log.Named("maintenance").With(zap.String("cache", "one")).Warn("stapling", zap.Error(net.ErrClosed))
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"msg":"acme: stapling"`) || !strings.Contains(text, `"cache":"one"`) || !strings.Contains(text, "use of closed") {
		t.Errorf("a doubt is logged as %s", text)
	}
}

// Only who can be reached where the others are answers for them, and only what looks like a challenge is looked at.
func TestMeeting(t *testing.T) {
	t.Parallel()
	m := NewMeeting()
	m.Plain(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80})
	m.Plain(&net.UnixAddr{Name: "socket"})
	for _, tt := range []struct {
		own  string
		want bool
	}{
		{"192.0.2.1:443", true},
		{"0.0.0.0:443", true},
		{"[::]:443", true},
		{"192.0.2.2:443", false},
	} {
		if _, got := m.plainFor(netip.MustParseAddrPort(tt.own)); got != tt.want {
			t.Errorf("%s: %t; want %t", tt.own, got, tt.want)
		}
	}
	for _, path := range []string{"/", "/.well-known/acme-challenge/token"} {
		w := httptest.NewRecorder()
		if m.Answer(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)) || w.Body.Len() > 0 {
			t.Errorf("%s: somebody answered for a name that nobody has", path)
		}
	}
}
