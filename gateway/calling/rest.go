// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Media types.
const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
	mediaSSE    = "text/event-stream"
)

// late is what is said of a call that took longer than it may.
const late = "there was no answer in time"

// accepted asks for streams as JSON lines, and for all else as it is.
const accepted = mediaNDJSON + ", " + mediaJSON + ";q=0.9, */*;q=0.8"

// rest calls by REST: a method by its rule, or a plain request.
func (c *Caller) rest(ctx context.Context, call *Call) error {
	r := &restRequest{method: call.HTTPMethod, target: call.Target}
	contentType := mediaJSON
	var body io.Reader
	if call.Method == nil {
		message, err := call.Send()
		switch {
		case err == nil:
			r.body = message
		case !errors.Is(err, io.EOF):
			return err
		}
	} else {
		message, err := call.only()
		if err == nil {
			r, err = call.requestOf(message)
		}
		if err != nil {
			return err
		}
	}
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	if call.Method != nil && call.Method.ClientStreams {
		contentType = mediaNDJSON
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return c.send(ctx, call, r, contentType, c.lines(cancel, call, r.body))
	}
	return c.send(ctx, call, r, contentType, body)
}

// lines is a body that has the messages of a call on lines of their own, as they come.
func (c *Caller) lines(cancel context.CancelFunc, call *Call, first []byte) io.Reader {
	from, to := io.Pipe()
	go func() { // Send may wait for who types; it ends with the process, or when it returns
		next := first
		for {
			if next != nil {
				var line bytes.Buffer
				if err := json.Compact(&line, next); err != nil {
					_ = to.CloseWithError(err)
					cancel()
					return
				}
				line.WriteByte('\n')
				if _, err := to.Write(line.Bytes()); err != nil {
					return // the request is over
				}
			}
			var err error
			if next, err = call.Send(); err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				_ = to.CloseWithError(err)
				return
			}
		}
	}()
	return from
}

// send sends a request and reads its answer.
func (c *Caller) send(ctx context.Context, call *Call, r *restRequest, contentType string, body io.Reader) error {
	request, err := http.NewRequestWithContext(ctx, r.method, c.base.String()+r.target, body)
	if err != nil {
		return &Failure{Code: codes.InvalidArgument, Message: err.Error()}
	}
	request.Header.Set("Accept", accepted)
	if body != nil {
		request.Header.Set("Content-Type", contentType)
	}
	if call.Timeout > 0 {
		request.Header.Set("X-Server-Timeout", strconv.FormatFloat(call.Timeout.Seconds(), 'f', -1, 64))
	}
	for _, f := range call.Header {
		request.Header.Del(f.Name) // what is said explicitly counts
	}
	call.addHeader(request.Header)
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	answer, err := c.client(c.http1).Do(request)
	if err != nil {
		return outcome(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	return read(ctx, call, answer)
}

// outcome is why there is no answer, or not all of it.
func outcome(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Failure{Code: codes.DeadlineExceeded, Message: late}
	}
	if ctx.Err() != nil {
		return &Failure{Code: codes.Canceled, Message: "the call was cancelled"}
	}
	return unreachable(err)
}

// read hands on what an answer has, as it comes.
func read(ctx context.Context, call *Call, answer *http.Response) error {
	contentType := answer.Header.Get("Content-Type")
	mediaType := wire.MediaType(contentType)
	if answer.StatusCode >= http.StatusBadRequest {
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxMessage))
		if err != nil {
			return outcome(ctx, err)
		}
		return failureOf(answer.StatusCode, body)
	}
	switch {
	case mediaType == mediaNDJSON:
		return readLines(ctx, call, answer.Body)
	case mediaType == mediaSSE:
		return readEvents(ctx, call, answer.Body)
	case mediaType == mediaJSON || strings.HasSuffix(mediaType, "+json"):
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxMessage))
		if err != nil {
			return outcome(ctx, err)
		}
		return call.Receive(bytes.TrimSpace(body), false)
	default:
		return readRaw(ctx, call, answer.Body)
	}
}

// readLines hands on messages on lines, of which one may be the error at the end.
func readLines(ctx context.Context, call *Call, body io.Reader) error {
	lines := bufio.NewScanner(body)
	const first = 64 << 10
	lines.Buffer(make([]byte, first), maxMessage)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var end struct {
			Error json.RawMessage `json:"error"`
		}
		if bytes.HasPrefix(line, []byte(`{"error":`)) && json.Unmarshal(line, &end) == nil {
			return failureOf(http.StatusInternalServerError, end.Error)
		}
		if err := call.Receive(line, false); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return outcome(ctx, err)
	}
	return nil
}

// readRaw hands on bytes as they come.
func readRaw(ctx context.Context, call *Call, body io.Reader) error {
	const piece = 32 << 10
	buf := make([]byte, piece)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if err := call.Receive(buf[:n], true); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return outcome(ctx, fmt.Errorf("the answer broke off: %w", err))
		}
	}
}
