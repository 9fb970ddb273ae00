// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// request is one HTTP request.
type request struct {
	verb   string // "" is POST
	path   string // as it is sent, query included
	header string // "name: value", "" where there is none but the Content-Type
	body   string
}

// call is a request that is sent to both, and what is expected to differ.
type call struct {
	name string
	request
	// answer is the message of an answer that is no error. Names and defaults are looked up in it.
	answer proto.Message
	// says must be part of Dragoman's message where it refuses what etcd accepts or words differently.
	says string
	// field must be named by the BadRequest of that refusal: its path from the message, in JSON names. "" where no field is
	// at fault.
	field string
	// plain is the same request in a form that etcd's gateway understands, where it does not understand this one.
	plain *request
	// plainSeen is what etcd's gateway answered to plain.
	plainSeen *observed
	// except are the exceptions that this call needs, each of them, beside those that are for all calls.
	except []exception
}

// observed is an answer as a value.
type observed struct {
	Status int
	Values []any  // its JSON values: one, as a rule
	Text   string // its body where that is not JSON
	Allow  string // the header field
}

// newWeb returns a client for HTTP/1.1 that follows no redirects. Its connections are kept and end with the test.
func newWeb(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// gateway is what requests are sent to: Dragoman or etcd itself.
type gateway struct {
	web     *http.Client
	address string // host:port
	token   string // the last that it gave out; "{token}" in a header stands for it
}

// send sends a request and reads the answer.
func (g *gateway) send(t *testing.T, r *request) *observed {
	t.Helper()
	response := g.open(t, r)
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatalf("%s: body of the answer: %v", r.path, err)
	}
	seen, err := observe(response, body)
	if err != nil {
		t.Fatalf("%s http://%s%s: %v", response.Request.Method, g.address, r.path, err)
	}
	if token := seen.text("token"); token != "" {
		g.token = token
	}
	return seen
}

// open sends a request and returns the answer whose body is still to be read.
func (g *gateway) open(t *testing.T, r *request) *http.Response {
	t.Helper()
	made, err := http.NewRequestWithContext(t.Context(), cmp.Or(r.verb, http.MethodPost), "http://"+g.address+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	made.Header.Set("Content-Type", "application/json")
	if name, value, found := strings.Cut(r.header, ":"); found {
		made.Header.Set(name, strings.ReplaceAll(strings.TrimSpace(value), "{token}", g.token))
	}
	if made.Header.Get("Content-Type") == "" {
		made.Header.Del("Content-Type")
	}
	response, err := g.web.Do(made)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// observe makes a value of an answer.
func observe(response *http.Response, body []byte) (*observed, error) {
	seen := &observed{Status: response.StatusCode, Allow: response.Header.Get("Allow")}
	switch contentType := response.Header.Get("Content-Type"); contentType {
	case "application/json", "application/x-ndjson":
		values, err := valuesOf(body)
		if err != nil {
			return nil, fmt.Errorf("%s that is none: %w: %.200q", contentType, err, body)
		}
		seen.Values = values
	default:
		seen.Text = string(body)
	}
	return seen, nil
}

// valuesOf reads JSON values that follow each other. Numbers keep their digits, so that a string of digits and a number
// are not the same.
func valuesOf(body []byte) ([]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var values []any
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}

// object returns the one JSON object of an answer, or nil.
func (o *observed) object() map[string]any {
	if len(o.Values) != 1 {
		return nil
	}
	found, _ := o.Values[0].(map[string]any)
	return found
}

// text returns a string member of the one JSON object.
func (o *observed) text(name string) string {
	found, _ := o.object()[name].(string)
	return found
}

// code returns the gRPC code that an error answer tells; -1 where it tells none.
func (o *observed) code() int64 {
	number, _ := o.object()["code"].(json.Number)
	code, err := number.Int64()
	if err != nil {
		return -1
	}
	return code
}

// clone returns a copy that shares nothing.
func (o *observed) clone() *observed {
	copied := *o
	copied.Values = nil
	for _, value := range o.Values {
		copied.Values = append(copied.Values, cloneValue(value))
	}
	return &copied
}

func cloneValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, member := range value {
			copied[name] = cloneValue(member)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = cloneValue(element)
		}
		return copied
	default:
		return value
	}
}
