// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// binding is a rule of a method, by its index.
func binding(t *testing.T, method protoreflect.FullName, index int) *httprule.Binding {
	t.Helper()
	for _, file := range []protoreflect.FileDescriptor{bookstorev1.File_bookstore_v1_bookstore_proto, testv1.File_dragoman_test_v1_bindings_proto} {
		for i := range file.Services().Len() {
			md := file.Services().Get(i).Methods().ByName(method.Name())
			if md == nil || md.FullName() != method {
				continue
			}
			table, problems := httprule.Build([]protoreflect.MethodDescriptor{md}, httprule.Config{})
			if table == nil {
				t.Fatal(problems)
			}
			for _, b := range table.Bindings() {
				if b.Index == index {
					return b
				}
			}
		}
	}
	t.Fatalf("%s has no binding %d", method, index)
	return nil
}

// TestRequestOf: a message becomes path, query and body so that the transcoder puts it together again.
func TestRequestOf(t *testing.T) {
	t.Parallel()
	const service = "bookstore.v1.BookstoreService."
	for _, c := range []struct {
		method              protoreflect.FullName
		index               int
		message             string
		want, body, refused string
		reason              string
	}{
		{service + "GetShelf", 0, `{"name": "shelves/a b"}`, "GET /v1/shelves/a%20b", "", "", "segments are escaped, slashes between them are not"},
		{service + "ListBooks", 0, `{"parent": "shelves/a", "page_size": 3, "genres": ["GENRE_NOVEL", "GENRE_POETRY"]}`, "GET /v1/shelves/a/books?genres=GENRE_NOVEL&genres=GENRE_POETRY&page_size=3", "", "", "either name of a field; lists are repeated"},
		{service + "ListBooks", 1, `{"pageToken": "x&y"}`, "GET /v1/books?pageToken=x%26y", "", "", "another rule of the method"},
		{service + "CreateBook", 0, `{"parent": "shelves/a", "bookId": "b", "book": {"title": "T"}}`, "POST /v1/shelves/a/books?bookId=b", `{"title":"T"}`, "", "a field is the body"},
		{service + "UpdateBook", 0, `{"book": {"name": "shelves/a/books/b", "title": "T"}}`, "PATCH /v1/shelves/a/books/b", `{"title":"T"}`, "", "the path takes a field out of the body"},
		{service + "MoveBook", 0, `{"name": "shelves/a/books/b", "destination": "shelves/c"}`, "POST /v1/shelves/a/books/b:move", `{"destination":"shelves/c"}`, "", "body *, and a verb"},
		{service + "DeleteShelf", 0, `{"name": "shelves/a", "force": true}`, "DELETE /v1/shelves/a?force=true", "", "", "a bool"},
		{service + "GetShelf", 0, `{}`, "", "", "INVALID_ARGUMENT: the message has no name, which the path of GET /v1/{name=shelves/*} needs", "the path needs it"},
		{service + "GetShelf", 0, `[]`, "", "", "INVALID_ARGUMENT: the message is no JSON object", "no object"},
	} {
		call := &Call{Binding: binding(t, c.method, c.index), Method: &transcoder.Method{}}
		r, err := call.requestOf([]byte(c.message))
		if c.refused != "" {
			if err == nil || err.Error() != c.refused {
				t.Errorf("%s: %v; want %s: %s", c.message, err, c.refused, c.reason)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v: %s", c.message, err, c.reason)
			continue
		}
		if got := r.method + " " + r.target; got != c.want || string(r.body) != c.body {
			t.Errorf("%s is %s %s; want %s %s: %s", c.message, got, r.body, c.want, c.body, c.reason)
		}
	}
	bare := &Call{Method: &transcoder.Method{Path: "/a.B/C"}}
	if r, err := bare.requestOf([]byte(`{"x":1}`)); err != nil || r.method != http.MethodPost || r.target != "/a.B/C" || string(r.body) != `{"x":1}` {
		t.Errorf("without a rule: %+v, %v", r, err)
	}
}

// TestFailureOf reads errors in all forms that the gateway has, and those of others as well as can be.
func TestFailureOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status  int
		body    string
		want    string
		details int
	}{
		{404, `{"code":5,"message":"gone","details":[{"@type":"x"}]}`, "NOT_FOUND: gone", 1},
		{404, `{"error":{"code":404,"message":"gone","status":"NOT_FOUND","details":[]}}`, "NOT_FOUND: gone", 0},
		{429, `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"slowly","code":"RESOURCE_EXHAUSTED","details":[]}`, "RESOURCE_EXHAUSTED: slowly", 0},
		{409, `{"code":10,"message":"again"}`, "ABORTED: again", 0},
		{502, `<html>`, "UNAVAILABLE: <html>", 0},
		{503, ``, "UNAVAILABLE: Service Unavailable", 0},
		{401, `{"something":"else"}`, "UNAUTHENTICATED: Unauthorized", 0},
		{400, `{"code":99,"message":"odd"}`, "INVALID_ARGUMENT: Bad Request", 0},
		{418, `{}`, "UNKNOWN: I'm a teapot", 0},
	} {
		f := failureOf(c.status, []byte(c.body))
		if f.Error() != c.want || len(f.Details) != c.details {
			t.Errorf("%d %s is %q with %d details; want %q with %d", c.status, c.body, f.Error(), len(f.Details), c.want, c.details)
		}
	}
	if f := failureOf(http.StatusGatewayTimeout, nil); f.Code != codes.DeadlineExceeded {
		t.Errorf("504 is %s", f.Code)
	}
}

// A stream of events that its server gave up failed, though its answer ended as well as any; and what came is handed on as it was.
func TestEventsThatEndInAnError(t *testing.T) {
	t.Parallel()
	const one = "id: 1\ndata: {\"a\":1}\n\n"
	for _, c := range []struct{ stream, want, reason string }{
		{one + "event: end\ndata: {}\n\n", "", "it is whole"},
		{one + "event: error\ndata: {\"code\":4,\"message\":\"late\"}\n\n", "DEADLINE_EXCEEDED: late", "the gateway gave up"},
		{"event:error\r\ndata:{\"code\":8,\r\ndata: \"message\":\"much\"}\r\n\r\n", "RESOURCE_EXHAUSTED: much", "no space, other ends of lines, two lines of data"},
		{"data: {\"code\":4,\"message\":\"late\"}\nevent: error\n\n", "DEADLINE_EXCEEDED: late", "the name comes last"},
		{"event: errors\ndata: {\"code\":4}\n\n: error\n\ndata: event: error\n\n", "", "another name, a comment, and data"},
		{"event: error\ndata: " + strings.Repeat("x", 2*maxError) + "\n\n", "UNKNOWN: Internal Server Error", "what is too long is not kept"},
		{"event: error\ndata: {\"code\":4}\n", "", "an event that did not end is none"},
	} {
		for name, body := range map[string]io.Reader{"at once": strings.NewReader(c.stream), "by bytes": iotest.OneByteReader(strings.NewReader(c.stream))} {
			var handedOn bytes.Buffer
			got := ""
			if err := readEvents(t.Context(), &Call{Receive: func(m []byte, _ bool) error { handedOn.Write(m); return nil }}, body); err != nil {
				got = err.Error()
			}
			if got != c.want || handedOn.String() != c.stream {
				t.Errorf("%s, %s: %q with %d bytes; want %q with %d", c.reason, name, got, handedOn.Len(), c.want, len(c.stream))
			}
		}
	}
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "localhost:8080", "ftp://a", "http://", "http://a?b=c", "http://u:p@a"} {
		if _, err := New(Config{URL: url, Via: ViaREST}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}
