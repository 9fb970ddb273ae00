// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package load makes calls: a fixed number of them as fast as they are answered, by h2load and wrk, or so many a second whatever happens.
package load

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Fixed is a fixed number of requests.
type Fixed struct {
	URL      string
	HTTP1    bool
	Clients  int // connections
	Streams  int // at a time on each; 1 with HTTP/1.1
	Requests int
	Body     string // a file; empty for GET
	Headers  []string
	// Length is how many bytes the body of each answer has: all are checked to have it.
	Length int
}

// Result is what came of it.
type Result struct {
	PerSecond float64
	Took      time.Duration
}

var (
	finished = regexp.MustCompile(`finished in ([0-9.a-z]+), ([0-9.]+) req/s`)
	requests = regexp.MustCompile(`requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	statuses = regexp.MustCompile(`status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx`)
	traffic  = regexp.MustCompile(`\((\d+)\) data`)
)

// Run makes the requests with h2load. It is an error when one of them is not answered with 2xx and a body of the right length.
func (f Fixed) Run(ctx context.Context) (Result, error) {
	args := []string{"-n", strconv.Itoa(f.Requests), "-c", strconv.Itoa(f.Clients), "-t", "1", "-m", strconv.Itoa(max(1, f.Streams))}
	if f.HTTP1 {
		args = append(args, "--h1")
	}
	if f.Body != "" {
		args = append(args, "-d", f.Body)
	}
	for _, h := range f.Headers {
		args = append(args, "-H", h)
	}
	out, err := exec.CommandContext(ctx, "h2load", append(args, f.URL)...).CombinedOutput()
	if err != nil {
		return Result{}, fmt.Errorf("h2load: %w\n%s", err, out)
	}
	return f.read(string(out))
}

func (f Fixed) read(out string) (Result, error) {
	numbers := func(r *regexp.Regexp) []int {
		m := r.FindStringSubmatch(out)
		if m == nil {
			return nil
		}
		n := make([]int, len(m))
		for i := range m {
			n[i], _ = strconv.Atoi(m[i])
		}
		return n
	}
	end, counts, codes, data := finished.FindStringSubmatch(out), numbers(requests), numbers(statuses), numbers(traffic)
	if end == nil || counts == nil || codes == nil || data == nil {
		return Result{}, fmt.Errorf("h2load said nothing that is understood:\n%s", out)
	}
	if counts[4] != f.Requests || codes[1] != f.Requests {
		return Result{}, fmt.Errorf("h2load: not all of %d requests succeeded:\n%s", f.Requests, out)
	}
	if want := f.Length * f.Requests; data[1] != want {
		return Result{}, fmt.Errorf("h2load: the answers have %d bytes, want %d times %d", data[1], f.Requests, f.Length)
	}
	took, err := time.ParseDuration(end[1])
	rate, err2 := strconv.ParseFloat(end[2], 64)
	return Result{PerSecond: rate, Took: took}, errors.Join(err, err2)
}

var served = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// Wrk makes GET requests over HTTP/1.1 for so long and returns how many were answered a second.
func Wrk(ctx context.Context, url string, clients int, d time.Duration) (float64, error) {
	out, err := exec.CommandContext(ctx, "wrk", "-t", "1", "-c", strconv.Itoa(clients), "-d", fmt.Sprintf("%ds", int(d.Seconds())), url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	m := served.FindStringSubmatch(string(out))
	if m == nil || strings.Contains(string(out), "Non-2xx") || strings.Contains(string(out), "Socket errors") {
		return 0, fmt.Errorf("wrk: not all requests succeeded:\n%s", out)
	}
	return strconv.ParseFloat(m[1], 64)
}
