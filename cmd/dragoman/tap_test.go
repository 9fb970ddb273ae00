// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestTapHasBodies follows calls with what they said, but for what is secret, and ends after as many as it was told.
func TestTapHasBodies(t *testing.T) {
	t.Parallel()
	s := startDev(t, bookstoreProtos(t), "./proto", "--to", startBackend(t)).screen()
	for _, row := range []struct {
		flags []string
		want  []string
	}{
		{nil, []string{`    > {"name":"shelves/classics"}`, `    > authorization: (redacted)`, `    > x-tenant: t1`, `    < {"name":"shelves/classics","title":"Classics"`}},
		{[]string{"--json", "--route", "bookstore.*.BookstoreService/GetShelf"}, []string{`"requestMessages":["{\"name\":\"shelves/classics\"}"]`, `"value":"(redacted)"`}},
	} {
		cmd := exec.CommandContext(t.Context(), "dragoman", append([]string{"tap", "--bodies", "--count", "1", "--route", "GetShelf", "--admin", strings.TrimPrefix(s.admin, "http://")}, row.flags...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := make(chan string)
		go func() {
			defer close(lines)
			text := bufio.NewScanner(out)
			text.Buffer(nil, 1<<20)
			for text.Scan() {
				lines <- text.Text()
			}
		}()
		// It may not follow yet when the first calls are made.
		calls := time.NewTicker(20 * time.Millisecond)
		defer calls.Stop()
		var all strings.Builder
		for open := true; open; {
			select {
			case line, more := <-lines:
				open = more
				all.WriteString(line + "\n")
			case <-calls.C:
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.api+"/v1/shelves/classics", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer secret-of-mine")
				r.Header.Set("X-Tenant", "t1")
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", row.flags, err)
		}
		for _, part := range row.want {
			if !strings.Contains(all.String(), part) {
				t.Errorf("%v: %s is not in:\n%s", row.flags, part, all.String())
			}
		}
		if strings.Contains(all.String(), "secret-of-mine") {
			t.Errorf("%v: a secret is told:\n%s", row.flags, all.String())
		}
	}
}
