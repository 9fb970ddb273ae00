// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// eventually asks again and again until it is told that all is well; what is wrong at the end fails the test.
func eventually(t *testing.T, within time.Duration, ask func() (wrong string)) {
	t.Helper()
	const pause = 10 * time.Millisecond
	deadline := time.Now().Add(within)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		wrong := ask()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", within, wrong)
		}
		<-ticker.C
	}
}

// client is an HTTP client without a memory: each of its requests has a connection of its own.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// get returns the status and the body of an answer, or 0 and why there is none.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return answer(client(t), request)
}

func answer(c *http.Client, request *http.Request) (int, string) {
	response, err := c.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// wantAnswer fails unless the answer has this status and its body holds the text.
func wantAnswer(t *testing.T, url string, status int, text string) {
	t.Helper()
	if code, body := get(t, url); code != status || !strings.Contains(body, text) {
		t.Fatalf("GET %s: %d %s; want %d and %q", url, code, body, status, text)
	}
}

// openStream opens a call that stays until it is closed or cut off, and returns when its first message has come.
func openStream(t *testing.T, api string) io.Closer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/v1/books:watch?include_current=true", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the stream begins with %d %q, %v", response.StatusCode, line, err)
	}
	return response.Body
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
