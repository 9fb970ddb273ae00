// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// TestT147_Codes: every code of a backend has its HTTP status; numbers that nobody defined are 500.
func TestT147_Codes(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	want := map[int]int{
		1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401, 17: 500, 99: 500, 1 << 30: 500,
	}
	for _, c := range d.both(t) {
		for code, httpStatus := range want {
			a := behave(t, c, fmt.Sprintf(`{"status":{"code":%d,"message":"m<%d>"}}`, code, code))
			if a.status != httpStatus {
				t.Errorf("%s: code %d: status %d, want %d", c.name, code, a.status, httpStatus)
			}
			if st := statusBody(t, a); int(st.GetCode()) != code || st.GetMessage() != fmt.Sprintf("m<%d>", code) {
				t.Errorf("%s: code %d: %s", c.name, code, a.body)
			}
			if got := a.header.Get("X-Dragoman-Reason"); got != "backend_error" {
				t.Errorf("%s: code %d: reason %q", c.name, code, got)
			}
			if a.length != int64(len(a.body)) {
				t.Errorf("%s: code %d: content-length %d of %d bytes", c.name, code, a.length, len(a.body))
			}
		}
	}
}

// TestT149_Details: known details in their form, unknown ones with their bytes, and the rest of the error in any case.
func TestT149_Details(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	address := misbehave(t, func(string, grpc.ServerStream) error {
		st := fromJSON(t, `{"code":9,"message":"m","details":[
			{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"f","description":"d"}]},
			{"@type":"type.googleapis.com/dragoman.test.v1.Thing","name":"n"}]}`, &spb.Status{})
		st.Details = append(st.Details, anyOf("example.com/unknown.Type", "\x08\x01"), anyOf("type.googleapis.com/google.rpc.Help", "\xff\xff"))
		return status.ErrorProto(st)
	})
	broken := startFor(t, address, nil)
	for _, c := range broken.both(t) {
		a := c.call(t, "GET", "/test/v1/things/1", "")
		var got map[string]any
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		if a.status != 400 || got["code"] != 9.0 || got["message"] != "m" {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
		details, _ := got["details"].([]any)
		if len(details) < 3 {
			t.Fatalf("%s: details are lost: %s", c.name, a.body)
		}
		want := []any{
			map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []any{map[string]any{"field": "f", "description": "d"}}},
			map[string]any{"@type": "type.googleapis.com/dragoman.test.v1.Thing", "name": "n"},
			map[string]any{"@type": "example.com/unknown.Type", "value": "CAE="},
		}
		if diff := cmp.Diff(want, details[:3]); diff != "" {
			t.Errorf("%s: details (-want +got):\n%s", c.name, diff)
		}
	}
	// Errors of no method have details as well.
	if st := statusBody(t, d.h1(t).call(t, "GET", "/nowhere", "")); len(st.GetDetails()) != 1 || !strings.HasSuffix(st.GetDetails()[0].GetTypeUrl(), "google.rpc.ErrorInfo") {
		t.Errorf("details of a refusal: %v", st)
	}
}

// leaks are what a client must not be told (H5): addresses, and the words of gRPC, Go and the parser.
var leaks = regexp.MustCompile(`127\.0\.0\.1|localhost|\bdial\b|rpc error|desc =|proto:|transport:|goroutine|\.go:|\*[a-z]+\.[A-Z]|backend "|strconv|unexpected EOF|RST_STREAM|connection refused`)

// noLeak looks at all that a client can see.
func noLeak(t testing.TB, a *answer) {
	t.Helper()
	if found := leaks.FindString(a.body); found != "" {
		t.Errorf("the body tells %q: %s", found, a.body)
	}
	for _, fields := range []http.Header{a.header, a.trailer} {
		for name, values := range fields {
			for _, v := range values {
				if found := leaks.FindString(v); found != "" {
					t.Errorf("the field %s tells %q: %s", name, found, v)
				}
			}
		}
	}
}

// TestBrokenBackends: whatever a backend does wrong is told as its fault, in words of ours, and never looks like success
// (T120, T152 to T156, H4, H5).
func TestBrokenBackends(t *testing.T) {
	t.Parallel()
	closed := accept(t, func(net.Conn) {})
	notGRPC := accept(t, func(c net.Conn) { // an HTTP/1.1 server
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
		_, _ = io.Copy(io.Discard, c)
	})
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	var serve atomic.Pointer[func(string, grpc.ServerStream) error]
	misbehaving := startFor(t, misbehave(t, func(method string, s grpc.ServerStream) error { return (*serve.Load())(method, s) }), nil)
	for _, tt := range []struct {
		name    string
		address string
		serve   func(string, grpc.ServerStream) error
		target  string // "" is a unary GET
		status  int
		code    codes.Code
		reason  string
	}{
		{name: "T156 nobody listens", address: dead, status: 503, code: codes.Unavailable, reason: "no_ready_backend|backend_connect_failed"},
		{name: "T156 closes at once", address: closed, status: 503, code: codes.Unavailable, reason: "no_ready_backend|backend_connect_failed"},
		{name: "T155 no gRPC server", address: notGRPC, status: 503, code: codes.Unavailable, reason: "no_ready_backend|backend_connect_failed"},
		{name: "T156 nobody listens, stream", address: dead, target: "/test/v1/streams/safe-repeat", status: 503, code: codes.Unavailable, reason: "no_ready_backend|backend_connect_failed"},
		{name: "T155 a page", address: website(t, http.StatusOK), status: 502, code: codes.Unknown, reason: "backend_error"},
		{name: "T155 a page that is not there", address: website(t, http.StatusNotFound), status: 502, code: codes.Unimplemented, reason: "backend_error"},
		{name: "T120 no message of its type", serve: sends("\x0a\xff"), status: 502, code: codes.Internal, reason: "schema_mismatch"},
		{name: "T120 wrong kind of field", serve: sends("\x08\x01\x12\x02\xff\xff"), status: 502, code: codes.Internal, reason: "schema_mismatch"},
		{name: "T120 text that is not UTF-8", serve: sends("\x1a\x02\xff\xfe"), target: "/test/v1/things/1", status: 502, code: codes.Internal, reason: "schema_mismatch"},
		{name: "T120 in a stream", serve: sends("\x1a\x02\xff\xfe"), target: "/test/v1/streams/safe-repeat", status: 502, code: codes.Internal, reason: "schema_mismatch"},
		{name: "T153 no message", serve: sends(), status: 500, code: codes.Internal, reason: "backend_error"},
		{name: "T153 two messages", serve: sends("", ""), status: 500, code: codes.Internal, reason: "backend_error"},
		{name: "T152 message and an error", serve: failsAfter(status.Error(codes.Aborted, "late"), ""), status: 409, code: codes.Aborted, reason: "backend_error"},
		{name: "too large", serve: sends(strings.Repeat("x", 17<<20)), status: 429, code: codes.ResourceExhausted, reason: "message_too_large"},
		{name: "T196 the backend's own limit", serve: failsAfter(status.Error(codes.ResourceExhausted, "grpc: received message larger than max (9 vs. 8)")), status: 429, code: codes.ResourceExhausted, reason: "backend_error"},
		{name: "error of Go", serve: failsAfter(fmt.Errorf("open /etc/secret.go:1: %w", io.ErrUnexpectedEOF)), status: 500, code: codes.Unknown, reason: "backend_error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := misbehaving
			if tt.address != "" {
				d = startFor(t, tt.address, nil)
			}
			serve.Store(&tt.serve)
			target := tt.target
			if target == "" {
				target = "/test/v1/response/thing"
			}
			for _, c := range d.both(t) {
				method, body := "POST", "{}"
				if tt.target != "" {
					method, body = "GET", ""
				}
				a := c.call(t, method, target, body)
				if a.status != tt.status {
					t.Fatalf("%s: status %d, want %d: %.300s", c.name, a.status, tt.status, a.body)
				}
				if got := codes.Code(statusBody(t, a).GetCode()); got != tt.code { //nolint:gosec // codes are small
					t.Errorf("%s: code %s, want %s: %s", c.name, got, tt.code, a.body)
				}
				if got := a.header.Get("X-Dragoman-Reason"); !regexp.MustCompile("^(" + tt.reason + ")$").MatchString(got) {
					t.Errorf("%s: reason %q, want %s: %s", c.name, got, tt.reason, a.body)
				}
				if tt.name != "error of Go" { // a backend that tells on itself is not the gateway's to correct
					noLeak(t, a)
				}
				if id := a.header.Get("X-Request-Id"); d.access.await(t, id).Status != tt.status {
					t.Errorf("%s: the log has another status", c.name)
				}
			}
		})
	}
}

// website runs a server of HTTP/2 that is none of gRPC, until the test ends.
func website(t testing.TB, code int) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<h1>127.0.0.1</h1>")
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// sends serves a call with these messages and OK.
func sends(messages ...string) func(string, grpc.ServerStream) error {
	return failsAfter(nil, messages...)
}

// failsAfter serves a call with these messages and an error.
func failsAfter(err error, messages ...string) func(string, grpc.ServerStream) error {
	return func(_ string, s grpc.ServerStream) error {
		var m transcoder.Message
		for s.RecvMsg(&m) == nil {
			m.Free()
		}
		for _, data := range messages {
			if err := s.SendMsg(raw(data)); err != nil {
				return err
			}
		}
		return err
	}
}

// TestH6_HiddenIsUnknown: what is hidden is answered as what never was.
func TestH6_HiddenIsUnknown(t *testing.T) {
	t.Parallel()
	d := start(t, hide("dragoman.test.v1.AdminService"))
	for _, c := range d.both(t) {
		none(t, d.arrivals(func() {
			for _, target := range []string{canaryPath, canaryDelete} {
				a := c.call(t, "DELETE", target, "", "x-request-id", "same")
				b := c.call(t, "DELETE", strings.Replace(target, "/", "/n", 1), "", "x-request-id", "same")
				a.header.Del("Date")
				b.header.Del("Date")
				a.header.Del("Content-Length")
				b.header.Del("Content-Length")
				b.body = strings.Replace(b.body, strings.Replace(target, "/", "/n", 1), target, 1)
				if a.status != 404 || a.status != b.status || a.body != b.body {
					t.Errorf("%s: hidden %d %s\nunknown %d %s", c.name, a.status, a.body, b.status, b.body)
				}
				if diff := cmp.Diff(b.header, a.header); diff != "" {
					t.Errorf("%s: fields (-unknown +hidden):\n%s", c.name, diff)
				}
			}
		}))
	}
}

// TestNoBackendIsConfigured: a method without a backend says so.
func TestNoBackendIsConfigured(t *testing.T) {
	t.Parallel()
	d := start(t, withoutServices)
	a := d.h1(t).call(t, "GET", "/test/v1/things/1", "")
	if a.status != 503 || a.header.Get("X-Dragoman-Reason") != "no_ready_backend" {
		t.Errorf("%d %v", a.status, a.header)
	}
	noLeak(t, a)
}

// TestT89_FieldViolations: what is wrong with a field is said of it, by its path, in a google.rpc.BadRequest, and in no words of Go (T88).
func TestT89_FieldViolations(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		for _, tt := range []struct{ method, target, body, field, description string }{
			{"GET", "/test/v1/things/1?count=12x", "", "count", `"12x" is not a value of int64`},
			{"GET", "/test/v1/nested/99999999999999999999/true/0", "", "scalars.int64_value", `"99999999999999999999" is out of the range of int64`},
			{"GET", "/test/v1/things/1?thing.owner.nope=1", "", "thing.owner.nope", "is not allowed in the query"},
			{"POST", "/test/v1/body/all", `{"things":[{},{"owner":{"age":"x"}}]}`, "things[1].owner.age", "int32"},
		} {
			a := c.call(t, tt.method, tt.target, tt.body)
			if a.status != 400 {
				t.Errorf("%s %s: status %d", c.name, tt.target, a.status)
				continue
			}
			noLeak(t, a)
			var violation *errdetails.BadRequest_FieldViolation
			for _, detail := range statusBody(t, a).GetDetails() {
				bad := &errdetails.BadRequest{}
				if detail.MessageIs(bad) && detail.UnmarshalTo(bad) == nil && len(bad.GetFieldViolations()) == 1 {
					violation = bad.GetFieldViolations()[0]
				}
			}
			if violation.GetField() != tt.field || !strings.Contains(violation.GetDescription(), tt.description) {
				t.Errorf("%s %s: got %v, want %s: %s", c.name, tt.target, violation, tt.field, tt.description)
			}
		}
	}
}
