// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// A server and a client, in one process: what they say is what compare reads.
func TestServerAndClient(t *testing.T) {
	t.Parallel()
	in, tell := io.Pipe()
	heard, out := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- serve(t.Context(), 2, time.Millisecond, in, out) }()
	address, err := bufio.NewReader(heard).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for _, policy := range usualPolicies {
		samples := calls(t, policy, strings.TrimSpace(address))
		if r := summary(samples); len(samples) < 5 || r.errors != 0 {
			t.Errorf("%s: %d calls, %v", policy, len(samples), r)
		}
	}
	if _, err := io.WriteString(tell, "failing true\nspeed 0.5\n"); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for deadline := time.Now().Add(10 * time.Second); failed == 0 && time.Now().Before(deadline); {
		for _, s := range calls(t, "least_request", strings.TrimSpace(address)) {
			if s.Failed {
				failed++
			}
		}
	}
	if failed == 0 {
		t.Error("a server that was told to fail does not")
	}
	if _, err := io.WriteString(tell, "jump\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err == nil || !strings.Contains(err.Error(), `told "jump"`) {
		t.Errorf("error %v", err)
	}
}

// calls calls for a tenth of a second.
func calls(t *testing.T, policy, address string) []sample {
	t.Helper()
	conn, closing, err := open(policy, []string{address})
	if err != nil {
		t.Fatal(err)
	}
	defer closing()
	var out bytes.Buffer
	if err := generate(t.Context(), conn, 200, 100*time.Millisecond, &out); err != nil {
		t.Fatal(err)
	}
	var samples []sample
	if err := json.Unmarshal(out.Bytes(), &samples); err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		samples[i].Due += warmup // so that they count
	}
	return samples
}

func TestReport(t *testing.T) {
	t.Parallel()
	var samples []sample
	for i := range 1000 {
		samples = append(samples, sample{Due: warmup, Took: time.Duration(i) * time.Millisecond / 10})
	}
	samples[7].Failed = true                                        // fast: no latency
	samples[999] = sample{Due: warmup, Took: timeout, Failed: true} // given up: one
	samples = append(samples, sample{Due: 0, Took: time.Hour})      // while it warms up
	r := &report{
		setup: setup{policies: []string{"adaptive"}, scenarios: []string{"sick"}, repeat: 3},
		runs:  map[[2]string][]result{{"sick", "adaptive"}: {summary(samples), {p99: time.Second, late: time.Second}, summary(samples)}},
	}
	for _, want := range []string{
		"| policy | one sick |", "| adaptive | 50.0 / 99.0 / time-out, 0.2 % |", "| adaptive | 99.0, 1000.0, 99.0 |", "Of 3 runs, 1 were disturbed",
	} {
		if got := string(r.markdown()); !strings.Contains(got, want) {
			t.Errorf("the report does not say %q:\n%s", want, got)
		}
	}
	if _, err := bare("best"); err == nil || !strings.Contains(err.Error(), `policy is "best"`) {
		t.Errorf("error %v", err)
	}
	if _, err := scenarioOf("calm"); err == nil {
		t.Error("an unknown scenario is not refused")
	}
}
