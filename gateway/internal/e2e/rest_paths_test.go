// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"strings"
	"testing"
)

// canary is the guarded method of the tables of spellings.
const (
	canaryDelete = "/dragoman.test.v1.AdminService/Delete"
	canaryPath   = "/canary/v1/admin/7"
)

// spellings are other ways to write the path of a guarded call. None of them may be taken for it.
var spellings = []string{
	// A1, A2, T26, T27: slashes and dots.
	"canary/v1/admin/7", "//canary/v1/admin/7", "/canary//v1/admin/7", "/canary/v1//admin/7", "/canary/v1/admin//7", "/canary/v1/admin/7/", "/canary/v1/admin/7//",
	"/./canary/v1/admin/7", "/canary/./v1/admin/7", "/canary/v1/x/../admin/7", "/canary/v1/admin/./7", "/canary/v1/%2e/admin/7", "/canary/v1/x/%2e%2e/admin/7",
	"/../canary/v1/admin/7", "/x/../canary/v1/admin/7", "/canary/v1/admin/7/.", "/canary/v1/admin/7/..", "/canary/v1/admin/x/../7", "/canary/v1/admin/", "/canary/v1/admin",
	// A3, T35, T36, T38: escapes.
	"/canary%2Fv1%2Fadmin%2F7", "/canary/v1%2Fadmin/7", "/canary/v1/admin%2F7", "/canary/v1%2fadmin%2f7", "/canary%252Fv1/admin/7", "/canary/v1/admin%252F7",
	"/canary\\v1\\admin\\7", "/canary/v1\\admin/7", "/canary/v1%5Cadmin/7", "/canary/v1/admin/%00", "/canary/v1/admin/7%00", "/canary/v1/admin%00/7",
	"/canary/v1/admin/%", "/canary/v1/admin/%7", "/canary/v1/admin/%zz", "/canary/v1/admin/7%", "/canary/v1/%u0061dmin/7", "/canary/v1/%2561dmin/7", "/canary/v1/admi%6/7",
	// A5, A6: parameters and fragments.
	"/canary/v1/admin;x=y/7", "/canary/v1;a/admin/7", "/canary;/v1/admin/7", "/canary/v1/admin#/7", "/canary/v1/admin/7#x", "/canary/v1/admin?/7",
	// Letters, spaces and bytes.
	"/Canary/v1/admin/7", "/canary/v1/ADMIN/7", "/canary/V1/admin/7", "/canary/v1/admin /7", "/canary/v1/ admin/7", "/canary/v1/admin%20/7", "/canary/v1/admin/7 ",
	"/canary/v1/\xc3\xa4dmin/7", "/canary/v1/adm\xefn/7", "/canary/v1/admin\t/7", "/canary/v1/admin%09/7", "/canary/v1/admin%0a/7", "/canary/v1/admin%0d%0a/7",
	"/canary/v1/%EF%BC%8Fadmin/7", "/canary/v1/admin%C0%AF7", "/canary/v1/admin%c0%af/7", "/canary/v1/admin:/7", "*", "/*", "/canary/v1/admin/*/7",
}

// nameSpellings are other ways to write the guarded method's own path.
var nameSpellings = []string{
	"dragoman.test.v1.AdminService/Delete", "//dragoman.test.v1.AdminService/Delete", "/dragoman.test.v1.AdminService//Delete", "/dragoman.test.v1.AdminService/Delete/",
	"/./dragoman.test.v1.AdminService/Delete", "/x/../dragoman.test.v1.AdminService/Delete", "/dragoman.test.v1.AdminService/./Delete", "/dragoman.test.v1.AdminService%2FDelete",
	"/dragoman.test.v1.AdminService/Delete;a", "/dragoman.test.v1.AdminService;a/Delete", "/dragoman.test.v1.AdminService/Delete#", "/dragoman.test.v1.AdminService/Delete%00",
	"/dragoman.test.v1.adminservice/Delete", "/dragoman.test.v1.AdminService/delete", "/dragoman.test.v1.AdminService/Delete%20", "/dragoman.test.v1.AdminService/%2544elete",
	"/dragoman/test/v1/AdminService/Delete", "dragoman.test.v1.AdminService.Delete", "/dragoman.test.v1.AdminService", "/dragoman.test.v1.AdminService/", "/AdminService/Delete", ".dragoman.test.v1.AdminService/Delete",
}

// TestThreatA_SpellingsOfAPath sends every spelling as it is: nothing may arrive, and nothing may look like success.
func TestThreatA_SpellingsOfAPath(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	refused := func(t *testing.T, path string, a *answer, err error, seen map[string]int) {
		t.Helper()
		if err == nil && a.status < 300 && a.header.Get("Grpc-Status") == "" {
			t.Errorf("%q: status %d", path, a.status)
		}
		if status := a.grpcStatus(); err == nil && status == "0" {
			t.Errorf("%q: grpc-status 0", path)
		}
		if len(seen) > 0 {
			t.Errorf("%q: reached the backend: %v", path, seen)
		}
	}
	t.Run("REST HTTP/1.1", func(t *testing.T) {
		for _, path := range spellings {
			var a *answer
			var err error
			seen := d.arrivals(func() {
				a, err = d.rawH1(t, "DELETE "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			})
			refused(t, path, a, err, seen)
		}
	})
	t.Run("REST HTTP/2", func(t *testing.T) {
		for _, path := range spellings {
			p := d.probe(t)
			var a *answer
			var err error
			seen := d.arrivals(func() { a, err = p.get("DELETE", path) })
			refused(t, path, a, err, seen)
			_ = p.conn.Close()
		}
	})
	t.Run("name by REST", func(t *testing.T) {
		for _, path := range nameSpellings {
			var a *answer
			var err error
			seen := d.arrivals(func() {
				a, err = d.rawH1(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
			})
			refused(t, path, a, err, seen)
		}
	})
	t.Run("gRPC", func(t *testing.T) {
		for _, path := range append(nameSpellings, "/dragoman.test.v1.AdminService/%44elete", canaryPath) {
			p := d.probe(t)
			var a *answer
			var err error
			seen := d.arrivals(func() {
				id := p.open(false, p.head("POST", path, "content-type", "application/grpc", "te", "trailers")...)
				p.must(p.framer.WriteData(id, true, []byte{0, 0, 0, 0, 0}))
				a, err = p.read(id)
			})
			refused(t, path, a, err, seen)
			_ = p.conn.Close()
		}
	})
	t.Run("canonical", func(t *testing.T) {
		only(t, d.arrivals(func() {
			if a, err := d.rawH1(t, "DELETE "+canaryPath+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil || a.status != 200 {
				t.Errorf("got %v, %v", a, err)
			}
		}), canaryDelete)
	})
}

// grpcStatus is the grpc-status of an answer, from wherever it stands.
func (a *answer) grpcStatus() string {
	if a == nil {
		return ""
	}
	return a.header.Get("Grpc-Status") + a.trailer.Get("Grpc-Status")
}

// TestThreatA3_SegmentsComeAsTheyWere sends segments of every byte that can be escaped; the backend must see exactly those.
func TestThreatA3_SegmentsComeAsTheyWere(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	c := d.h1(t)
	for b := 1; b < 128; b++ {
		segment := "a" + string(rune(b)) + "b"
		escaped := "a%" + strings.ToUpper(hexByte(byte(b))) + "b"
		a := c.call(t, "GET", "/test/v1/things/"+escaped, "")
		if a.status != 200 {
			t.Errorf("%q: status %d: %s", escaped, a.status, a.body)
			continue
		}
		if got := d.lastID(t, binding+"Get"); got != segment {
			t.Errorf("%q: the backend saw %q, want %q", escaped, got, segment)
		}
	}
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&0xF]})
}

// TestThreatA7_MethodOverride: headers and forms do not change the method.
func TestThreatA7_MethodOverride(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		for _, name := range []string{"X-HTTP-Method-Override", "x-http-method-override", "X-HTTP-METHOD", "X-Method-Override", "X-Http-Method"} {
			none(t, d.arrivals(func() {
				if a := c.call(t, "POST", canaryPath, "", name, "DELETE", name, "DELETE"); a.status != 405 {
					t.Errorf("%s: status %d, want 405", name, a.status)
				}
			}))
		}
		only(t, d.arrivals(func() { // T46, GG #7308: a form is not a GET
			if a := c.call(t, "POST", "/test/v1/things/1", "", "content-type", "application/x-www-form-urlencoded"); a.status != 200 {
				t.Errorf("status %d", a.status)
			}
		}), binding+"Post")
		none(t, d.arrivals(func() { // T70
			if a := c.call(t, "POST", "/test/v1/body/all", "id=1", "content-type", "application/x-www-form-urlencoded"); a.status != 415 {
				t.Errorf("form body: status %d, want 415", a.status)
			}
		}))
	}
}

// TestThreatA8_OddMethods: what is no method of a route is refused, and nothing is proxied (T34, T47).
func TestThreatA8_OddMethods(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, head := range []string{
		"get /test/v1/things/1", "Get /test/v1/things/1", "GET  /test/v1/things/1", " GET /test/v1/things/1", "TRACE /test/v1/things/1", "TRACK /test/v1/things/1",
		"CONNECT /test/v1/things/1", "CONNECT 127.0.0.1:80", "CONNECT /test/v1/any/1", "TRACE /test/v1/any/1", "PRI *", "OPTIONS *", "GET *", "* /test/v1/things/1", "G@T /test/v1/things/1",
		"GET ftp:/test/v1/things/1", "GET http:///", strings.Repeat("M", 70_000) + " /test/v1/things/1",
	} {
		none(t, d.arrivals(func() {
			a, err := d.rawH1(t, head+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if err == nil && (a.status < 400 || a.status == 500) {
				t.Errorf("%.60q: status %d", head, a.status)
			}
		}))
	}
	for _, fields := range [][]string{
		{":method", "get", ":scheme", "http", ":path", "/test/v1/things/1", ":authority", "x"},
		{":method", "CONNECT", ":authority", "x:1"},
		{":method", "CONNECT", ":scheme", "http", ":path", "/test/v1/any/1", ":authority", "x"},
		{":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/test/v1/any/1", ":authority", "x"},
		{":method", "TRACE", ":scheme", "http", ":path", "/test/v1/any/1", ":authority", "x"},
		{":method", "GET", ":scheme", "http", ":authority", "x"},
		{":method", "GET", ":scheme", "http", ":path", "", ":authority", "x"},
		{":method", "GET", ":scheme", "http", ":path", "*", ":authority", "x"},
		{":method", "OPTIONS", ":scheme", "http", ":path", "*", ":authority", "x"},
		{":method", "", ":scheme", "http", ":path", "/test/v1/things/1", ":authority", "x"},
	} {
		none(t, d.arrivals(func() {
			p := d.probe(t)
			if a, err := p.read(p.open(true, fields...)); err == nil && (a.status < 400 || a.status == 500) {
				t.Errorf("%q: status %d", fields, a.status)
			}
			_ = p.conn.Close()
		}))
	}
	only(t, d.arrivals(func() { // absolute-form is a good way to say the same
		if a, err := d.rawH1(t, "GET http://x/test/v1/things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil || a.status != 200 {
			t.Errorf("absolute-form: %v, %v", a, err)
		}
	}), binding+"Get")
}

// TestT38_MalformedEscapes: an escape that is none is a bad request, known path or not, and never a 404. Whether net/http says so or the
// gateway does not matter.
func TestT38_MalformedEscapes(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, path := range []string{"/test/v1/things/%", "/test/v1/things/%4", "/test/v1/things/%zz", "/test/v1/things/a%2", "/nowhere/%", "/nowhere/%g0", "/%"} {
		none(t, d.arrivals(func() {
			if a, err := d.rawH1(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil || a.status != 400 {
				t.Errorf("HTTP/1.1 %s: %v, %v; want 400", path, a, err)
			}
			p := d.probe(t)
			if a, err := p.get("GET", path); err == nil && a.status != 400 {
				t.Errorf("HTTP/2 %s: %d; want 400 or a reset", path, a.status)
			}
			_ = p.conn.Close()
		}))
	}
}

// TestT42_UnknownPaths: the answer is the same for all, but for the path as it was sent, cut to a length; nothing in it is decoded.
func TestT42_UnknownPaths(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		for path, want := range map[string]string{
			"/nowhere": "no route for GET /nowhere",
			"/nowhere/%3Cscript%3E%22%0d%0aset-cookie:x": `no route for GET /nowhere/%3Cscript%3E%22%0d%0aset-cookie:x`,
			"/nowhere/" + strings.Repeat("x", 5000):      "no route for GET /nowhere/" + strings.Repeat("x", 256-len("/nowhere/")) + "…",
			"//nowhere":                                  "no route for GET //nowhere", // T26: no redirect either
		} {
			a := c.call(t, "GET", path, "")
			st := statusBody(t, a)
			if a.status != 404 || st.GetCode() != 5 || st.GetMessage() != want || a.header.Get("Location") != "" {
				t.Errorf("%s %.60s: %d %s", c.name, path, a.status, a.body)
			}
			if strings.ContainsAny(a.body, "<>\r\n") {
				t.Errorf("%s %.60s: something is decoded: %s", c.name, path, a.body)
			}
		}
	}
}
