// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAccessLogIsRotated moves the file of the access log, as logrotate does, and tells the gateway by a signal, or lets it find out: no line is lost, and
// the gateway goes on.
func TestAccessLogIsRotated(t *testing.T) {
	t.Parallel()
	p, s, dir := startComplete(t, 1)
	api, file := "http://"+s.Listeners["internal"], filepath.Join(dir, "access.log")
	call := func(path string) {
		t.Helper()
		if code, body := answer(client(t), request(t, api+path)); code != http.StatusNotFound {
			t.Fatalf("GET %s: %d %s", path, code, body)
		}
	}
	has := func(name, path string) {
		t.Helper()
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for deadline := time.Now().Add(patience); ; <-look.C {
			data, err := os.ReadFile(name)
			if err == nil && strings.Contains(string(data), path) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s has no line of %s: %v, %q", filepath.Base(name), path, err, data)
			}
		}
	}
	call("/first")
	has(file, "/first")
	for i, signal := range []os.Signal{syscall.SIGUSR1, syscall.SIGHUP} {
		old := file + "." + string(rune('1'+i))
		if err := os.Rename(file, old); err != nil {
			t.Fatal(err)
		}
		p.signal(signal)
		has(file, "") // it is there again before anything is called
		path := "/by-" + signal.String()
		path = strings.ReplaceAll(path, " ", "-")
		call(path)
		has(file, path)
	}
	old := file + ".3"
	if err := os.Rename(file, old); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; { // what comes within a second may still go to the old one
		call("/by-itself")
		if _, err := os.Stat(file); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the file is not begun anew")
		}
	}
	has(file, "/by-itself")
	p.signal(syscall.SIGTERM)
	p.exits(0)
}
