// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// form is how requests and answers are on the wire.
type form int

const (
	formREST form = iota
	formRESTStream
	formGRPC
	formGRPCWeb
	formConnect
)

// newClient returns a client for checks that speaks one version of HTTP only.
func newClient(http1, secure bool) *http.Client {
	var p http.Protocols
	switch {
	case http1:
		p.SetHTTP1(true)
	case secure:
		p.SetHTTP2(true)
	default:
		p.SetUnencryptedHTTP2(true)
	}
	return &http.Client{Transport: &http.Transport{
		Protocols: &p, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the benchmark's own certificate
	}}
}

// check makes one request, compares the answer with what is wanted, message by message, and returns the length of its body, which h2load
// then holds for every answer.
func (sc *scenario) check(ctx context.Context, client *http.Client, url, bearer string) (int, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if sc.body != "" {
		data, err := os.ReadFile(sc.body)
		if err != nil {
			return 0, err
		}
		method, body = http.MethodPost, bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, err
	}
	for _, h := range sc.headers(bearer) {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	data, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s: %.200s", url, resp.Status, data)
	}
	if s := resp.Trailer.Get("Grpc-Status"); sc.form == formGRPC && s != "0" {
		return 0, fmt.Errorf("%s: status %q: %s", url, s, resp.Trailer.Get("Grpc-Message"))
	}
	n, err := sc.compare(data)
	if err == nil && n != sc.messages() {
		err = fmt.Errorf("%d messages, want %d", n, sc.messages())
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", url, err)
	}
	return len(data), nil
}

// compare compares each message of an answer and returns how many there are.
func (sc *scenario) compare(data []byte) (int, error) {
	same := func(got proto.Message, err error) error {
		if err == nil && !proto.Equal(got, sc.want) {
			err = errors.New("the answer is another one")
		}
		return err
	}
	fresh := func() proto.Message { return sc.want.ProtoReflect().New().Interface() }
	switch sc.form {
	case formREST:
		m := fresh()
		return 1, same(m, protojson.Unmarshal(data, m))
	case formConnect:
		m := fresh()
		return 1, same(m, proto.Unmarshal(data, m))
	case formRESTStream:
		n := 0
		for line := range bytes.Lines(data) {
			// grpc-gateway puts each message into an object of its own.
			var wrapped struct{ Result json.RawMessage }
			if err := json.Unmarshal(line, &wrapped); err == nil && wrapped.Result != nil {
				line = wrapped.Result
			}
			m := fresh()
			if err := same(m, protojson.Unmarshal(line, m)); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	case formGRPC, formGRPCWeb:
		const head, trailers = 5, 0x80
		n := 0
		for len(data) >= head {
			size := int(binary.BigEndian.Uint32(data[1:]))
			if len(data) < head+size {
				return n, errors.New("the last frame is cut")
			}
			if data[0]&trailers == 0 {
				m := fresh()
				if err := same(m, proto.Unmarshal(data[head:head+size], m)); err != nil {
					return n, err
				}
				n++
			} else if !bytes.Contains(data[head:head+size], []byte("grpc-status: 0")) && !bytes.Contains(data[head:head+size], []byte("grpc-status:0")) {
				return n, fmt.Errorf("trailers %q", data[head:head+size])
			}
			data = data[head+size:]
		}
		return n, nil
	default:
		return 0, fmt.Errorf("form %d", sc.form)
	}
}

// envelope puts a message behind the five bytes of gRPC.
func envelope(data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(data))), data...) //nolint:gosec // messages are small
}

// connectGet is the query of a Connect GET.
func connectGet(data []byte) string {
	return "?connect=v1&encoding=proto&base64=1&message=" + base64.RawURLEncoding.EncodeToString(data)
}
