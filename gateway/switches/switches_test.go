// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package switches_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/switches"
)

// The most specific switch counts, in whatever order they were set.
func TestTheMostSpecificCounts(t *testing.T) {
	t.Parallel()
	b, err := switches.Open("")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range []string{"**", "acme.users.v1.Users/Get", "acme.**", "acme.users.v1.Users"} {
		if _, err := b.Set(switches.Switch{Match: match, Backend: match}); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ service, method, want string }{
		{"acme.users.v1.Users", "Get", "acme.users.v1.Users/Get"},
		{"acme.users.v1.Users", "List", "acme.users.v1.Users"},
		{"acme.orders.v1.Orders", "Get", "acme.**"},
		{"other.v1.Service", "Get", "**"},
	} {
		if s, ok := b.For(row.service, row.method); !ok || s.Backend != row.want {
			t.Errorf("%s/%s: %q, %t; want %q", row.service, row.method, s.Backend, ok, row.want)
		}
	}
}

// What says nothing, two things, or what cannot be, is refused.
func TestBadSwitches(t *testing.T) {
	t.Parallel()
	b, err := switches.Open("")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		s    switches.Switch
	}{
		{"nothing", switches.Switch{Match: "**"}},
		{"off and elsewhere", switches.Switch{Match: "**", Off: true, Backend: "b"}},
		{"no glob", switches.Switch{Match: "a..b", Off: true}},
		{"empty", switches.Switch{Off: true}},
		{"a long note", switches.Switch{Match: "**", Off: true, Note: strings.Repeat("x", switches.MaxNote+1)}},
	} {
		if _, err := b.Set(row.s); err == nil || len(b.List()) > 0 {
			t.Errorf("%s: %v, %v; want an error", row.name, err, b.List())
		}
	}
	if _, err := b.Delete("acme.**"); !errors.Is(err, switches.ErrNone) {
		t.Errorf("one that is not there: %v", err)
	}
}

// Switches hold over restarts; what is taken back is as if it had never been.
func TestSwitchesAreKept(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	b, err := switches.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Set(switches.Switch{Match: "acme.**", Off: true, Note: "migration", Who: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	undo, err := b.Set(switches.Switch{Match: "acme.**", Backend: "b"})
	if err != nil || len(b.List()) != 1 {
		t.Fatalf("%v, %v", err, b.List())
	}
	undo()
	again, err := switches.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := again.For("acme.v1.S", "M"); !ok || !s.Off || s.Note != "migration" || s.Who != "127.0.0.1" {
		t.Errorf("after a restart: %+v, %t", s, ok)
	}
	if _, err := again.Delete("acme.**"); err != nil {
		t.Fatal(err)
	}
	if last, err := switches.Open(folder); err != nil || len(last.List()) > 0 {
		t.Errorf("after the last was taken away: %v, %v", last.List(), err)
	}
}

// A file that cannot be understood is told, and not taken for none.
func TestABrokenFileIsAnError(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"half": `[{"match": "**"`, "no glob": `[{"match": "a..b", "off": true}]`, "a directory of nothing": "",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "switches.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := switches.Open(folder); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: %v; want an error that names the file", name, err)
		}
	}
}
