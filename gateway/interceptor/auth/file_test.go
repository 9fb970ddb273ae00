// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
)

// A link that is moved to another file is a change, though both files are of one size and time: a key may be revoked so.
func TestStateTellsFilesApart(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	link := filepath.Join(dir, "keys")
	point := func(name string) string {
		t.Helper()
		if err := os.Symlink(name, link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
		return auth.File{Path: link, Most: 100}.State()
	}
	for _, name := range []string{"one", "two"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	one, two, none := point("one"), point("two"), point("three")
	if one == two || one == none || two == none || none == "" {
		t.Errorf("states %q, %q, and without a file %q", one, two, none)
	}
	if again := point("one"); again != one {
		t.Errorf("the same file has the states %q and %q", one, again)
	}
}
