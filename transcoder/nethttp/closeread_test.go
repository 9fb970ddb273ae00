// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
)

// A backend may answer while the goroutine that moves the request has not yet noticed the end of the body; CloseRead then comes
// after all was read. The next request of the connection was cancelled by that.
func TestCloseReadAfterTheBodyLeavesTheConnectionAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nethttp.Handler(nethttp.Config{}, func(ex transcoder.Exchange) {
		for {
			buf, err := ex.Read()
			if buf != nil {
				buf.Free()
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("the body cannot be read: %v", err)
				break
			}
		}
		ex.CloseRead()
		out := &transcoder.Out{Status: http.StatusOK, End: transcoder.EndClean, Flush: true}
		out.Data = mem.BufferSlice{mem.SliceBuffer("answer")}
		if err := ex.Context().Err(); err != nil {
			t.Errorf("the request is cancelled: %v", err)
		}
		if err := ex.Write(out); err != nil {
			t.Errorf("the answer cannot be written: %v", err)
		}
	}))
	t.Cleanup(server.Close)
	client := server.Client()
	for range 50 { // net/http may be faster than CloseRead was, so not every one of them failed
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("all of it"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil || string(body) != "answer" {
			t.Fatalf("%q, %v", body, err)
		}
	}
}
