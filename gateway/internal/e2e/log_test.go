// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
)

// logLines keeps what a log writes.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func newLogLines() *logLines { return &logLines{} }

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// record is what tests look at of a line.
type record struct {
	Msg       string  `json:"msg"`
	RequestID string  `json:"request_id"`
	TraceID   string  `json:"trace_id"`
	Service   string  `json:"service"`
	Protocol  string  `json:"protocol"`
	Route     string  `json:"route"`
	Code      string  `json:"code"`
	Status    int     `json:"http_status"`
	Reason    string  `json:"reason"`
	Message   string  `json:"message"`
	Detail    string  `json:"detail"`
	Rule      string  `json:"rule"`
	DryRun    string  `json:"dry_run"`
	Cache     string  `json:"cache"`
	RPC       string  `json:"rpc"`
	Auth      string  `json:"auth"`
	Subject   string  `json:"subject"`
	Tenant    string  `json:"tenant"`
	Client    string  `json:"client_ip"`
	Stack     string  `json:"stack"`
	Took      float64 `json:"duration_ms"`
}

// records returns the whole lines so far.
func (l *logLines) records(t testing.TB) []record {
	t.Helper()
	text := l.String()
	var all []record
	for line := range bytes.Lines([]byte(text)) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("a line of the log is no JSON: %v\n%s", err, line)
		}
		all = append(all, r)
	}
	return all
}

// await waits for the line of a request.
func (l *logLines) await(t testing.TB, requestID string) record {
	t.Helper()
	var found record
	eventually(t, func() error {
		for _, r := range l.records(t) {
			if r.RequestID == requestID {
				found = r
				return nil
			}
		}
		return fmt.Errorf("the log has no line of request %s", requestID)
	})
	return found
}
