// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// tryLineOf does what a printed line says, with curl where it is installed and without it too, and returns the answer. The call
// must succeed and end by itself.
func tryLineOf(t *testing.T, line string) string {
	t.Helper()
	code, body := answer(client(t), curlRequest(t, line))
	if code != http.StatusOK {
		t.Fatalf("%s\nanswers %d %s", line, code, body)
	}
	if curl, err := exec.LookPath("curl"); err == nil {
		args := append([]string{"--silent", "--show-error", "--fail"}, words(t, line)[1:]...)
		out, err := exec.CommandContext(t.Context(), curl, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v: %s", line, err, out)
		}
		return string(out)
	}
	return body
}

// curlRequest is the request that a line with curl makes.
func curlRequest(t *testing.T, line string) *http.Request {
	t.Helper()
	args := words(t, line)
	if len(args) < 2 || args[0] != "curl" {
		t.Fatalf("%q does not begin with curl", line)
	}
	method, url, header, body := http.MethodGet, "", http.Header{}, ""
	for i := 1; i < len(args); i++ {
		switch {
		case args[i] == "-N":
		case args[i] == "-H" && i+1 < len(args):
			i++
			name, value, _ := strings.Cut(args[i], ": ")
			header.Set(name, value)
		case args[i] == "-d" && i+1 < len(args):
			i++
			method, body = http.MethodPost, args[i]
		case strings.HasPrefix(args[i], "http://") && url == "":
			url = args[i]
		default:
			t.Fatalf("%q has %q, which this test does not know", line, args[i])
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	return request
}

// words splits a command line as a shell does, as far as our lines need it: at spaces that are not in single quotes.
func words(t *testing.T, line string) []string {
	t.Helper()
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	if strings.Count(line, "'")%2 != 0 || strings.ContainsAny(line, "\"$`\\") && !strings.Contains(line, "'") {
		t.Fatalf("%q is beyond this test", line)
	}
	return all
}
