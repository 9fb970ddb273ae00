// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// Fault 46: a gateway that is killed serves again at once after it is started, with five hundred methods.
func TestFault46Killed(t *testing.T) {
	const services, methods, lasts = 10, 50, time.Second
	folder := t.TempDir()
	for s := range services {
		var b strings.Builder
		fmt.Fprintf(&b, "syntax = \"proto3\";\npackage many.v%d;\nimport \"google/api/annotations.proto\";\nmessage M { string id = 1; repeated M below = 2; map<string, string> labels = 3; }\nservice S {\n", s)
		for m := range methods {
			fmt.Fprintf(&b, "  rpc M%d(M) returns (M) { option (google.api.http) = {get: \"/many/v%d/m%d/{id=a/*/b/*}\"}; }\n", m, s, m)
		}
		b.WriteString("}\n")
		const mode = 0o600
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("many%d.proto", s)), []byte(b.String()), mode); err != nil {
			t.Fatal(err)
		}
	}
	backend := testbackend.Run(t, testbackend.Config{Name: "b1"})
	g := startGatewayProcess(t, backend.Address(), "", folder)
	for round := range 3 {
		c := g.client(t)
		if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
			t.Fatalf("round %d: %d %s", round, a.status, a.body)
		}
		if a := c.call(t, "GET", "/many/v9/m49/a/x/b/y", ""); a.status != 501 { // it is served, and the backend does not know it
			t.Errorf("round %d: one of the many: %d %s", round, a.status, a.body)
		}
		g.Signal(t, syscall.SIGKILL)
		g.Wait()
		began := time.Now()
		g.again(t)
		if a := g.client(t).call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
			t.Errorf("round %d: after it was killed: %d", round, a.status)
		}
		took := time.Since(began)
		t.Logf("it served after %s", took)
		if faults.Held() && took > lasts {
			t.Errorf("round %d: it served after %s; want %s at most", round, took, lasts)
		}
	}
}
