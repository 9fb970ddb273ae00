// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package basic_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// users writes a file of users: a name, its password, the next name.
func users(t testing.TB, pairs ...string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("users:\n")
	for i := 0; i < len(pairs); i += 2 {
		hash, err := basic.Hash(pairs[i+1], basic.MinIterations)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("  - {name: '" + pairs[i] + "', password: " + hash + ", tenant: acme, groups: [a]}\n")
	}
	file := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func with(credentials string) *transcoder.Request {
	return authtest.Request("authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
}

func TestContract(t *testing.T) {
	t.Parallel()
	p, err := basic.New(basic.Config{Name: "small", File: users(t, "alice", "pässword:1", "bob", "b", "a", "b:c"), Forward: map[string]string{"sub": "x-user"}})
	if err != nil {
		t.Fatal(err)
	}
	authtest.Run(t, authtest.Subject{
		Provider: p,
		Good:     map[string]*transcoder.Request{"alice": with("alice:pässword:1"), "bob": with("bob:b"), "a": with("a:b:c")},
		Bad: map[string]*transcoder.Request{
			"another password": with("alice:b"), "no such user": with("eve:b"), "no password": with("bob:"), "no colon": with("bob"), "nothing": with(""),
			"C12: the colon elsewhere": with("a:b::c"), "another case": with("BOB:b"), "not UTF-8": with("bob:\xff"), "long": with("bob:" + strings.Repeat("b", 4096)),
			"not base64": authtest.Request("authorization", "Basic ?"), "only the scheme": authtest.Request("authorization", "Basic"),
			"padding left out": authtest.Request("authorization", "Basic Ym9iOg"),
		},
	})
	id, err := authtest.Authenticate(t.Context(), p, with("alice:pässword:1"))
	if err != nil || id.Tenant != "acme" || !id.InGroup("a") || id.Forward.Get("x-user") != "alice" {
		t.Errorf("got %+v, %v", id, err)
	}
}

// Who was found right is not hashed again, and who was not waits: the call is not answered in the goroutine that may not wait.
func TestRightPasswordsAreRemembered(t *testing.T) {
	t.Parallel()
	p, err := basic.New(basic.Config{Name: "small", File: users(t, "bob", "b")})
	if err != nil {
		t.Fatal(err)
	}
	c := authtest.Call(t.Context(), with("bob:b"))
	if _, err := p.Authenticate(c); !errors.Is(err, interceptor.ErrWait) {
		t.Errorf("the first time: %v", err)
	}
	if _, err := p.Wait(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if id, err := p.Authenticate(c); err != nil || id.Subject != "bob" {
		t.Errorf("the second time: %+v, %v", id, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // more than may be hashed at a time: each gives its turn back, had it one
		if _, err := p.Wait(gone, authtest.Call(gone, with("bob:x"))); err == nil || status.ReasonOf(err) == status.ReasonInternal {
			t.Fatalf("%v", err)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	hash, err := basic.Hash("secret", basic.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a password as it is": "users: [{name: a, password: hunter2x}]", "no name": "users: [{password: " + hash + "}]", "a colon": "users: [{name: 'a:b', password: " + hash + "}]",
		"twice": "users: [{name: a, password: " + hash + "}, {name: a, password: " + hash + "}]", "a name that is not known": "users: [{name: a, pasword: " + hash + "}]",
		"too cheap": "users: [{name: a, password: " + strings.Replace(hash, "1000", "10", 1) + "}]", "too costly": "users: [{name: a, password: " + strings.Replace(hash, "1000", "1000000000", 1) + "}]",
		"half a hash": "users: [{name: a, password: " + hash[:len(hash)-10] + "}]", "another scheme": "users: [{name: a, password: '$2y$05$abc'}]",
	} {
		file := filepath.Join(t.TempDir(), "users.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := basic.New(basic.Config{Name: "small", File: file}); err == nil || strings.Contains(err.Error(), "hunter2x") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, cfg := range []basic.Config{{}, {File: "/nothing"}, {File: "f", Forward: map[string]string{"sub": "te"}}} {
		if _, err := basic.New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	if _, err := basic.Hash("", basic.MinIterations); err == nil {
		t.Error("an empty password has a hash")
	}
}
