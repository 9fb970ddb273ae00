// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package processtest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

// Whoever runs the tests: where permissions are said to hold, they hold, and a part that the superuser cannot see holds his test too.
func TestUnprivileged(t *testing.T) {
	t.Parallel()
	t.Run("of a part (with signs)", func(t *testing.T) {
		t.Parallel()
		if !processtest.Unprivileged(t) {
			return
		}
		file := filepath.Join(t.TempDir(), "closed")
		if err := os.WriteFile(file, nil, 0o200); err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadFile(file); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a file that may not be read: %v; want %v", err, fs.ErrPermission)
		}
	})
}
