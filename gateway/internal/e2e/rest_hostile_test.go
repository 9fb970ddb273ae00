// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/internal/race"
)

// hostile is a request that is made to cost more than it should.
type hostile struct {
	name, method, target, body string
	status                     int
	reason                     string
}

// hostileRequests are the classes of E1 to E7, whole and, where the body is good, with a mistake at its end, so that all of it is
// read and nothing of it is served.
func hostileRequests() []hostile {
	const size = 2 << 20
	fill := func(open, unit, end string) string {
		return open + strings.Repeat(unit, (size-len(open)-len(end))/len(unit)) + end
	}
	nest := func(n int, open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	anys := func(n int) string { // the types last
		return `{"any":` + nest(n, `{"value":`, `{"@type":"x/google.protobuf.Empty","value":{}}`, `,"@type":"x/google.protobuf.Any"}`) + `}`
	}
	var keys strings.Builder
	keys.WriteString(`{`)
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, `"%x":1,`, i)
	}
	keys.WriteString(`"last":1}`)
	parameters := func(n int, parameter func(int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = parameter(i)
		}
		return "/test/v1/things/1?" + strings.Join(list, "&")
	}
	const (
		value   = "/test/v1/body/value/1"
		object  = "/test/v1/body/object/1"
		whole   = "/test/v1/body/all"
		known   = "/test/v1/messages/well-known"
		shapes  = "/test/v1/messages/shapes"
		badJSON = "bad_json"
	)
	return []hostile{
		{"T102 E1 10,000 lists", "POST", value, nest(10_000, "[", "", "]"), 400, badJSON},
		{"T102 E1 10,000 objects", "POST", object, nest(10_000, `{"a":`, "{}", "}"), 400, badJSON},
		{"T102 E1 10,000 messages", "POST", shapes, `{"tree":` + nest(10_000, `{"left":`, "{}", "}") + "}", 400, badJSON},
		{"T102 E1 2 MiB of brackets", "POST", value, strings.Repeat("[", size), 400, badJSON},
		{"T102 E2 30 Anys, type last", "POST", known, anys(30), 200, ""},
		{"T102 E2 100 Anys, type last", "POST", known, anys(100), 400, badJSON},
		{"T102 E2 400 Anys, type last", "POST", known, anys(400), 400, badJSON},
		{"T102 E2 4,000 Anys, type last", "POST", known, anys(4000), 400, badJSON},
		{"E4 [{},{},…]", "POST", value, fill("[", "{},", "{}]"), 200, ""},
		{"E4 [{},{},…] that is none", "POST", value, fill("[", "{},", "{}"), 400, badJSON},
		{"E4 [[],[],…] that is none", "POST", value, fill("[", "[],", "[]"), 400, badJSON},
		{"E4 empty messages", "POST", "/test/v1/body/things/1", fill("[", "{},", "{}]"), 200, ""},
		{"E4 empty messages that are none", "POST", "/test/v1/body/things/1", fill("[", "{},", "x]"), 400, badJSON},
		{"T95 the same key again and again", "POST", object, fill("{", `"a":1,`, `"a":1}`), 400, badJSON},
		{"T95 different keys", "POST", object, keys.String(), 200, ""},
		{"T95 different keys but for the last", "POST", object, strings.Replace(keys.String(), `"last"`, `"0"`, 1), 400, badJSON},
		{"T95 the same field again and again", "POST", whole, fill("{", `"id":"1",`, `"id":"1"}`), 400, badJSON},
		{"T96 unknown members", "POST", whole, fill("{", `"nope":1,`, `"nope":1}`), 400, badJSON},
		{"E5 400 digits", "POST", whole, `{"count":` + strings.Repeat("9", 400) + "}", 400, badJSON},
		{"E5 2 MiB of digits", "POST", whole, fill(`{"count":`, "9", "}"), 400, badJSON},
		{"E5 2 MiB of decimals", "POST", value, fill("0.", "3", ""), 200, ""},
		{"E5 1e999999999", "POST", whole, `{"count":1e999999999}`, 400, badJSON},
		{"E5 1e999999999 as a double", "POST", value, `1e999999999`, 400, badJSON},
		{"T105 lone surrogates", "POST", whole, fill(`{"id":"`, `\u00e9`, `\ud800"}`), 400, badJSON},
		{"T105 nothing but lone surrogates", "POST", whole, fill(`{"id":"`, `\ud800`, `"}`), 400, badJSON},
		{"E7 no UTF-8 at the end", "POST", whole, fill(`{"id":"`, "é", "\xff\"}"), 400, badJSON},
		{"E7 no UTF-8 at all", "POST", whole, fill("", "\xff", ""), 400, badJSON},
		{"escapes", "POST", whole, fill(`{"id":"`, `\n`, `"}`), 200, ""},
		{"white space", "POST", whole, fill(`{`, " ", "}"), 200, ""},
		{"T69 10,000 parameters", "GET", parameters(10_000, func(int) string { return "tags=x" }), "", 200, ""},
		{"T69 10,001 parameters", "GET", parameters(10_001, func(int) string { return "tags=x" }), "", 400, "bad_query"},
		{"T65 10,000 keys of a map", "GET", parameters(10_000, func(i int) string { return fmt.Sprintf("labels[%d]=x", i) }), "", 200, ""},
		{"T65 10,000 keys, the last twice", "GET", parameters(10_000, func(i int) string { return fmt.Sprintf("labels[%d]=x", min(i, 9998)) }), "", 400, "bad_query"},
		{"T55 10,000 times one field", "GET", parameters(10_000, func(int) string { return "name=x" }), "", 400, "bad_query"},
		{"T57 10,000 unknown names", "GET", parameters(10_000, func(i int) string { return fmt.Sprintf("n%d=x", i) }), "", 400, "bad_query"},
		{"T61 a long parameter that is malformed", "GET", "/test/v1/things/1?name=" + strings.Repeat("%41", 100_000) + "%", "", 400, "bad_query"},
	}
}

// TestHostileRequests, T69, T102, E1 to E7: each is answered with what it deserves, in no more than 100 ms for each MiB and 16 times its
// size of memory, all of the way counted: the client, the gateway and a backend that only takes bytes. It runs alone, since it
// measures the whole process.
func TestHostileRequests(t *testing.T) {
	const (
		tries      = 5         // the best counts: other work on the machine only adds
		besides    = 512 << 10 // of memory, for a request of no size
		patiently  = 30 * time.Millisecond
		forEachMiB = 100 * time.Millisecond
	)
	d := startFor(t, misbehave(t, sends("")), func(c *config.Config) {
		c.Listeners[0].MaxHeader = 1 << 20
		c.Routes.MaxQueryParameters = 10_000
	})
	c := d.h1(t)
	c.call(t, "GET", "/test/v1/things/1", "") // the connections are there now
	for _, h := range hostileRequests() {
		t.Run(h.name, func(t *testing.T) {
			size := len(h.target) + len(h.body)
			took, allocated := time.Hour, ^uint64(0)
			for range tries {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				a := c.call(t, h.method, h.target, h.body)
				took = min(took, time.Since(start))
				runtime.ReadMemStats(&after)
				allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
				if a.status != h.status || h.reason != "" && a.header.Get("X-Dragoman-Reason") != h.reason {
					t.Fatalf("status %d, reason %s; want %d, %s: %.300s", a.status, a.header.Get("X-Dragoman-Reason"), h.status, h.reason, a.body)
				}
				if h.status == 200 {
					continue
				}
				if st := statusBody(t, a); codes.Code(st.GetCode()) != codes.InvalidArgument || len(a.body) > 2000 { //nolint:gosec // codes are small
					t.Fatalf("%d bytes of answer: %.300s", len(a.body), a.body)
				}
				if race.Enabled {
					return // neither time nor memory are what they would be
				}
			}
			t.Logf("%d KiB: %v, %d KiB allocated", size>>10, took, allocated>>10)
			if race.Enabled {
				return
			}
			if limit := patiently + time.Duration(size)*forEachMiB/(1<<20); faults.Held() && took > limit {
				t.Errorf("it took %v, more than %v", took, limit)
			}
			if limit := uint64(16*size + besides); allocated > limit { //nolint:gosec // it is not negative
				t.Errorf("%d KiB were allocated for %d KiB", allocated>>10, size>>10)
			}
		})
	}
	if a := c.call(t, "GET", "/test/v1/things/1", ""); a.status != 200 {
		t.Errorf("a call after that: %d %s", a.status, a.body)
	}
}
