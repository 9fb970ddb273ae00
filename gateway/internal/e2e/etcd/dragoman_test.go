// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/internal/race"
)

// apiModule is the Go module whose .proto files are served, as they lie in the module cache.
const apiModule = "go.etcd.io/etcd/api/v3"

// dragoman is one running gateway.
type dragoman struct {
	*process
	address string // host:port of the API
}

// firstScreen is the line of the first screen that tells where the API is.
var firstScreen = regexp.MustCompile(`(?m)^\s*API\s+http://(127\.0\.0\.1:\d+)\b`)

// startDragoman runs `dragoman dev` in front of an etcd. When the test ends, it is interrupted and must say that all is
// well.
func startDragoman(t *testing.T, program, backend string) *dragoman {
	t.Helper()
	protos := protoFolder(t)
	d := &dragoman{process: start(t, "dragoman", program, devArguments(protos, backend, "--import-path", "etcd/api="+protos)...)}
	d.await(t, "the first screen", func(context.Context) bool {
		found := firstScreen.FindStringSubmatch(d.out.String())
		if found == nil {
			return false
		}
		d.address = found[1]
		return true
	})
	t.Cleanup(func() {
		if code := d.interrupt(t); code != 0 {
			t.Errorf("dragoman ended with exit code %d after its interrupt; want 0", code)
		}
		if strings.Contains(d.out.String(), "DATA RACE") {
			t.Error("dragoman has a data race")
		}
	})
	return d
}

func devArguments(folder, backend string, more ...string) []string {
	return append([]string{"dev", folder, "--to", backend, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, more...)
}

// buildDragoman builds the command from this checkout, with the race detector if the test has it, and returns its path.
func buildDragoman(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "dragoman")
	args := []string{"build", "-o", program}
	if race.Enabled {
		args = append(args, "-race")
	}
	args = append(args, "github.com/dragoman-gateway/dragoman/cmd/dragoman")
	if printed, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/dragoman: %v\n%s", err, printed)
	}
	return program
}

// protoFolder returns where the .proto files of etcd lie.
func protoFolder(t *testing.T) string {
	t.Helper()
	printed, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", apiModule).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", apiModule, err)
	}
	folder := strings.TrimSpace(string(printed))
	if folder == "" {
		t.Fatalf("the module %s is not in the module cache: go mod download %s", apiModule, apiModule)
	}
	return folder
}
