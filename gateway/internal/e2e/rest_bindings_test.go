// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// bindingCase is a request and what it must be to the backend.
type bindingCase struct {
	method, target string
	body           string
	contentType    string // "" is application/json where there is a body
	rpc            string // the full path of the method
	want           string // the message, in the JSON of protobuf-go
}

// bindingCases has every rule of the services of bindings and beyond at least once; TestEveryRuleIsServed holds it to that.
var bindingCases = []bindingCase{
	// Where the variables stand.
	{"GET", "/test/v1/things/42", "", "", binding + "Get", `{"id":"42"}`},
	{"GET", "/test/v1/things/42?parent=a&tags=x&tags=y&labels[k]=v&count=9007199254740993&flag=false", "", "", binding + "Get", `{"id":"42","parent":"a","tags":["x","y"],"labels":{"k":"v"},"count":"9007199254740993","flag":false}`},
	{"GET", "/test/v1/things/42?thing.owner.name=ann&thing.size=3&updateMask=thing.title,id&timeout=1.5s&time=2026-01-02T03:04:05Z", "", "", binding + "Get", `{"id":"42","thing":{"owner":{"name":"ann"},"size":3},"updateMask":"thing.title,id","timeout":"1.5s","time":"2026-01-02T03:04:05Z"}`},
	{"GET", "/test/v1/things/42?scalars.int32_value=-7&scalars.boolValue=true&colors=COLOR_RED&colors=2&data=_-8&text=", "", "", binding + "Get", `{"id":"42","scalars":{"int32Value":-7,"boolValue":true},"colors":["COLOR_RED",2],"data":"/+8=","text":""}`},
	{"POST", "/test/v1/things/42?number=7", "", "", binding + "Post", `{"id":"42","number":7}`},
	{"PUT", "/test/v1/things/42", `{"parent":"p","thing":{"name":"n"}}`, "", binding + "Put", `{"id":"42","parent":"p","thing":{"name":"n"}}`},
	{"PUT", "/test/v1/things/42", `{"id":"42","parent":"p"}`, "", binding + "Put", `{"id":"42","parent":"p"}`}, // T53: equal is allowed
	{"PUT", "/test/v1/things/42", "", "", binding + "Put", `{"id":"42"}`},                                      // T72
	{"PATCH", "/test/v1/things/7?update_mask=title", `{"title":"T","size":3}`, "", binding + "Patch", `{"thing":{"name":"things/7","title":"T","size":3},"updateMask":"title"}`},
	{"DELETE", "/test/v1/things/42", "", "", binding + "Delete", `{"id":"42"}`},
	{"DELETE", "/test/v1/things", `{"tags":["a"]}`, "", binding + "DeleteBody", `{"tags":["a"]}`},
	{"HEAD", "/test/v1/custom/1", "", "", binding + "CustomHead", `{"id":"1"}`},
	{"OPTIONS", "/test/v1/custom/1", "", "", binding + "CustomOptions", `{"id":"1"}`},
	{"REPORT", "/test/v1/custom/1", `{"parent":"x"}`, "", beyond + "CustomReport", `{"id":"1","parent":"x"}`},
	{"PURGE", "/test/v1/any/1", "", "", beyond + "CustomAny", `{"id":"1"}`}, // T45
	{"GET", "/test/v1/any/1", "", "", beyond + "CustomAnyGet", `{"id":"1"}`},
	{"GET", "/test/v1/beyond/get-body", `{"parent":"x"}`, "", beyond + "GetBody", `{"parent":"x"}`},
	{"GET", "/test/v1/beyond/get-body/1", `{"name":"x"}`, "", beyond + "GetBodyField", `{"id":"1","thing":{"name":"x"}}`},

	// Each form of a body.
	{"POST", "/test/v1/body/all", `{"id":"1","count":"12"}`, "", binding + "BodyAll", `{"id":"1","count":"12"}`},
	{"POST", "/test/v1/body/none?id=1", "", "", binding + "BodyNone", `{"id":"1"}`},
	{"POST", "/test/v1/body/thing/1", `{"name":"n","owner":{"age":0}}`, "", binding + "BodyThing", `{"id":"1","thing":{"name":"n","owner":{"age":0}}}`},
	{"POST", "/test/v1/body/text/1", `"héllo"`, "", binding + "BodyText", `{"id":"1","text":"héllo"}`},
	{"POST", "/test/v1/body/tags/1", `["a","b"]`, "", binding + "BodyTags", `{"id":"1","tags":["a","b"]}`},
	{"POST", "/test/v1/body/things/1", `[{"name":"a"},{}]`, "", binding + "BodyThings", `{"id":"1","things":[{"name":"a"},{}]}`},
	{"POST", "/test/v1/body/labels/1", `{"k":"v"}`, "", binding + "BodyLabels", `{"id":"1","labels":{"k":"v"}}`},
	{"POST", "/test/v1/body/color/1", `"COLOR_RED"`, "", binding + "BodyColor", `{"id":"1","color":"COLOR_RED"}`},
	{"POST", "/test/v1/body/count/1", `"9223372036854775807"`, "", binding + "BodyCount", `{"id":"1","count":"9223372036854775807"}`},
	{"POST", "/test/v1/body/data/1", `"aGk="`, "", binding + "BodyData", `{"id":"1","data":"aGk="}`},
	{"POST", "/test/v1/body/flag/1", `false`, "", binding + "BodyFlag", `{"id":"1","flag":false}`},
	{"POST", "/test/v1/body/time/1", `"2026-01-02T03:04:05+01:00"`, "", binding + "BodyTime", `{"id":"1","time":"2026-01-02T02:04:05Z"}`},
	{"POST", "/test/v1/body/object/1", `{"a":[1,null,{"b":"c"}]}`, "", binding + "BodyObject", `{"id":"1","object":{"a":[1,null,{"b":"c"}]}}`},
	{"POST", "/test/v1/body/value/1", `[1,"two"]`, "", binding + "BodyValue", `{"id":"1","value":[1,"two"]}`},
	{"POST", "/test/v1/body/value/1", `null`, "", binding + "BodyValue", `{"id":"1","value":null}`}, // T98
	{"POST", "/test/v1/body/update_mask/1", `"thing.owner,id"`, "", binding + "BodyUpdateMask", `{"id":"1","updateMask":"thing.owner,id"}`},
	{"POST", "/test/v1/body/file/1", "\x00\x01raw\xff", "image/png", binding + "BodyFile", `{"id":"1","file":{"contentType":"image/png","data":"AAFyYXf/"}}`}, // T123
	{"POST", "/test/v1/body/http", "<p>hi</p>", "text/html; charset=latin1", binding + "BodyHttp", `{"contentType":"text/html; charset=latin1","data":"PHA+aGk8L3A+"}`},

	// Each form of an answer's body.
	{"POST", "/test/v1/response/thing", `{"thing":{"name":"n"}}`, "", binding + "ResponseThing", `{"thing":{"name":"n"}}`},
	{"POST", "/test/v1/response/text", `{"text":"t"}`, "", binding + "ResponseText", `{"text":"t"}`},
	{"POST", "/test/v1/response/tags", `{"tags":["t"]}`, "", binding + "ResponseTags", `{"tags":["t"]}`},
	{"POST", "/test/v1/response/things", `{"things":[{}]}`, "", binding + "ResponseThings", `{"things":[{}]}`},
	{"POST", "/test/v1/response/labels", `{"labels":{"a":"b"}}`, "", binding + "ResponseLabels", `{"labels":{"a":"b"}}`},
	{"POST", "/test/v1/response/color", `{"color":1}`, "", binding + "ResponseColor", `{"color":1}`},
	{"POST", "/test/v1/response/count", `{"count":1}`, "", binding + "ResponseCount", `{"count":1}`},
	{"POST", "/test/v1/response/data", `{"data":"aGk"}`, "", binding + "ResponseData", `{"data":"aGk="}`},
	{"POST", "/test/v1/response/flag", `{"flag":true}`, "", binding + "ResponseFlag", `{"flag":true}`},
	{"POST", "/test/v1/response/time", `{"time":"2026-01-02T03:04:05Z"}`, "", binding + "ResponseTime", `{"time":"2026-01-02T03:04:05Z"}`},
	{"POST", "/test/v1/response/object", `{"object":{}}`, "", binding + "ResponseObject", `{"object":{}}`},
	{"POST", "/test/v1/response/value", `{"value":1}`, "", binding + "ResponseValue", `{"value":1}`},
	{"POST", "/test/v1/response/file", `{"file":{"contentType":"text/plain","data":"aGk="}}`, "", binding + "ResponseFile", `{"file":{"contentType":"text/plain","data":"aGk="}}`},
	{"GET", "/test/v1/response/http/1", "", "", binding + "ResponseHttp", `{"id":"1"}`},
	{"POST", "/test/v1/response/http", `{"file":{"contentType":"text/csv","data":"aGk="}}`, "", binding + "ResponseHttp", `{"file":{"contentType":"text/csv","data":"aGk="}}`},

	// One method, several rules.
	{"GET", "/test/v1/many/1", "", "", binding + "Additional", `{"id":"1"}`},
	{"GET", "/test/v1/many/by-name/things/1", "", "", binding + "Additional", `{"name":"things/1"}`},
	{"POST", "/test/v1/many", `{"id":"x"}`, "", binding + "Additional", `{"id":"x"}`},
	{"PUT", "/test/v1/many/1", `{"title":"t"}`, "", binding + "Additional", `{"id":"1","thing":{"title":"t"}}`},
	{"HEAD", "/test/v1/many/1", "", "", binding + "Additional", `{"id":"1"}`}, // T43: an explicit rule wins

	// Paths.
	{"GET", "/test/v1/nested/n/owners/o", "", "", binding + "NestedVariable", `{"thing":{"name":"n","owner":{"name":"o"}}}`},
	{"GET", "/test/v1/nested/n/owners/o?thing.title=t", "", "", binding + "NestedVariable", `{"thing":{"name":"n","title":"t","owner":{"name":"o"}}}`}, // T51
	{"GET", "/test/v1/nested/-5/true/COLOR_RED", "", "", binding + "TypedNested", `{"scalars":{"int64Value":"-5","boolValue":true,"colorValue":"COLOR_RED"}}`},
	{"GET", "/test/v1/parents/p/things/i", "", "", binding + "TwoVariables", `{"parent":"p","id":"i"}`},
	{"GET", "/test/v1/pairs/p/i", "", "", binding + "AdjacentVariables", `{"parent":"p","id":"i"}`},
	{"GET", "/test/v1/wild/anything/things/i", "", "", binding + "Wildcard", `{"id":"i"}`},
	{"GET", "/test/v1/wilder/a/b/c", "", "", binding + "DoubleWildcard", `{}`},
	{"GET", "/test/v1/wilder", "", "", binding + "DoubleWildcard", `{}`}, // T24
	{"GET", "/test/v1/shelves/s/books/b", "", "", binding + "Segments", `{"name":"shelves/s/books/b"}`},
	{"GET", "/test/v1/shelves/s/books", "", "", binding + "SegmentsParent", `{"parent":"shelves/s"}`},
	{"GET", "/test/v1/files/a/b", "", "", binding + "Tail", `{"path":"a/b"}`},
	{"GET", "/test/v1/files", "", "", binding + "Tail", `{}`}, // T24
	{"GET", "/test/v1/projects/p/a/b", "", "", binding + "PrefixTail", `{"path":"projects/p/a/b"}`},
	{"GET", "/test/v1/settings", "", "", binding + "LiteralVariable", `{"name":"settings"}`},
	{"GET", "/test", "", "", binding + "Short", `{}`},
	{"GET", "/testing/a/b", "", "", beyond + "Root", `{"path":"testing/a/b"}`},
	{"GET", "/test/v1/x.y-z_~/1", "", "", binding + "LiteralMarks", `{"id":"1"}`},
	{"GET", "/test/v1/x%2Ey%2dz%5F%7e/1", "", "", binding + "LiteralMarks", `{"id":"1"}`}, // T33
	{"GET", "/test/v1/a!b$c&d'e(f)g+h,i;j=k@l/1", "", "", binding + "LiteralSubDelims", `{"id":"1"}`},
	{"GET", "/test/v1/beyond/caf%C3%A9/1", "", "", beyond + "LiteralEscape", `{"id":"1"}`},
	{"GET", "/test/v1/beyond/a%2Fb/1", "", "", beyond + "LiteralEscapedSlash", `{"id":"1"}`},
	{"GET", "/test/v1/beyond/users/1", "", "", beyond + "LiteralEscapedLetter", `{"id":"1"}`},

	// Verbs.
	{"POST", "/test/v1/operations/o:cancel", `{"parent":"p"}`, "", binding + "Cancel", `{"name":"operations/o","parent":"p"}`},
	{"GET", "/test/v1/things:batchGet?tags=a", "", "", binding + "BatchGet", `{"tags":["a"]}`},
	{"GET", "/test/v1/things/1:archive", "", "", binding + "Archive", `{"id":"1"}`},
	{"GET", "/test/v1/things/1%3Aarchive", "", "", binding + "Get", `{"id":"1:archive"}`}, // T30, A11
	{"GET", "/test/v1/things/urn:x:1", "", "", binding + "Get", `{"id":"urn:x:1"}`},       // T29
	{"GET", "/test/v1/files/a/b:stat", "", "", binding + "TailVerb", `{"path":"a/b"}`},
	{"POST", "/test/v1/beyond/1:a:b", `{}`, "", beyond + "VerbWithColon", `{"id":"1"}`}, // T32
	{"POST", "/test/v1/beyond/1:b", `{}`, "", beyond + "VerbShort", `{"id":"1"}`},
	{"POST", "/test/v1/beyond/things/1/latest:seal", `{}`, "", beyond + "VerbOnTailLiteral", `{"name":"things/1/latest"}`},

	// Preference.
	{"GET", "/test/v1/users/me", "", "", binding + "PreferLiteral", `{}`}, // T21
	{"GET", "/test/v1/users/you", "", "", binding + "PreferVariable", `{"id":"you"}`},
	{"PATCH", "/test/v1/users/me", `{}`, "", binding + "PreferVariable", `{"id":"me"}`}, // T22
	{"GET", "/test/v1/users/a/b", "", "", binding + "PreferTail", `{"path":"a/b"}`},
	{"GET", "/test/v1/cross/a/c", "", "", binding + "CrossLeft", `{"id":"a"}`},
	{"GET", "/test/v1/cross/b/x", "", "", binding + "CrossRight", `{"id":"x"}`},
	{"GET", "/test/v1/cross/b/c", "", "", binding + "CrossRight", `{"id":"c"}`},

	// Decoding: once, and not further than it may (T35 to T37, A3, A4).
	{"GET", "/test/v1/things/a%2Fb", "", "", binding + "Get", `{"id":"a/b"}`},
	{"GET", "/test/v1/things/a%252Fb", "", "", binding + "Get", `{"id":"a%2Fb"}`},
	{"GET", "/test/v1/things/%2541", "", "", binding + "Get", `{"id":"%41"}`},
	{"GET", "/test/v1/things/a%5Cb%20c", "", "", binding + "Get", `{"id":"a\\b c"}`},
	{"GET", "/test/v1/things/a;b=c", "", "", binding + "Get", `{"id":"a;b=c"}`},
	{"GET", "/test/v1/things/%C3%A9", "", "", binding + "Get", `{"id":"é"}`},
	{"GET", "/test/v1/shelves/a%2Fb/books/c%20d", "", "", binding + "Segments", `{"name":"shelves/a%2Fb/books/c d"}`},
	{"GET", "/test/v1/things/1?parent=a+b%2Bc", "", "", binding + "Get", `{"id":"1","parent":"a b+c"}`}, // T60

	// No rule: by the name (T20).
	{"POST", binding + "NoRule", `{"id":"1"}`, "", binding + "NoRule", `{"id":"1"}`},
	{"POST", binding + "Safe", `{"id":"1"}`, "", binding + "Safe", `{"id":"1"}`},
	{"POST", binding + "Idempotent", "", "", binding + "Idempotent", `{}`},
	{"GET", "/test/v1/safe/1", "", "", binding + "SafeGet", `{"id":"1"}`},
	{"PUT", "/test/v1/idempotent/1", `{}`, "", binding + "IdempotentPut", `{"id":"1"}`},
}

func TestEveryBindingReachesTheBackend(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			for _, b := range bindingCases {
				t.Run(b.method+" "+b.target, func(t *testing.T) {
					var fields []string
					if b.contentType != "" {
						fields = []string{"content-type", b.contentType}
					}
					var a *answer
					only(t, d.arrivals(func() { a = c.call(t, b.method, b.target, b.body, fields...) }), b.rpc)
					if a.status != http.StatusOK {
						t.Fatalf("status %d: %s", a.status, a.body)
					}
					d.wantSeen(t, b.rpc, b.want)
				})
			}
		})
	}
}

// TestEveryRuleIsServed fails when a rule is added to the services that no case above uses.
func TestEveryRuleIsServed(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Routes.DisableDerivedHead = true })
	c := d.h1(t)
	for _, b := range bindingCases {
		fields := []string{"x-request-id", "last"}
		if b.contentType != "" {
			fields = append(fields, "content-type", b.contentType)
		}
		c.call(t, b.method, b.target, b.body, fields...)
	}
	c.call(t, "GET", "/test", "", "x-request-id", "the-end")
	d.access.await(t, "the-end")
	used := map[string]bool{}
	for _, r := range d.access.records(t) {
		used[r.Route] = true
	}
	for _, b := range d.started.Load.Snapshot.Mux.Routes().Bindings() {
		service := "/" + string(b.Method.Parent().FullName()) + "/"
		if (service == binding || service == beyond) && !used[b.String()] && !strings.HasPrefix(b.String(), "POST "+service) {
			t.Errorf("no case uses %s", b)
		}
	}
}

func TestResponseBodies(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, tt := range []struct {
		name, method, target, body string
		wantType, want             string
	}{
		// T117.
		{"message", "POST", "/test/v1/response/thing", `{"thing":{"name":"n"}}`, "", `{"name":"n","title":"","size":0,"tags":[],"labels":{},"color":"COLOR_UNSPECIFIED","count":"0"}`},
		{"message unset", "POST", "/test/v1/response/thing", `{}`, "", `null`},
		{"text", "POST", "/test/v1/response/text", `{"text":"<a&b>"}`, "", `"<a&b>"`}, // T118
		{"text unset", "POST", "/test/v1/response/text", `{}`, "", `""`},
		{"list", "POST", "/test/v1/response/tags", `{"tags":["a","b"]}`, "", `["a","b"]`},
		{"list empty", "POST", "/test/v1/response/tags", `{}`, "", `[]`},
		{"list of messages", "POST", "/test/v1/response/things", `{"things":[{"name":"a","owner":{"age":0}}]}`, "", `[{"name":"a","title":"","size":0,"owner":{"name":"","email":"","age":0},"tags":[],"labels":{},"color":"COLOR_UNSPECIFIED","count":"0"}]`},
		{"map", "POST", "/test/v1/response/labels", `{"labels":{"b":"2","a":"1"}}`, "", `{"a":"1","b":"2"}`}, // T114
		{"map empty", "POST", "/test/v1/response/labels", `{}`, "", `{}`},
		{"enum", "POST", "/test/v1/response/color", `{"color":"COLOR_RED"}`, "", `"COLOR_RED"`},
		{"enum unknown", "POST", "/test/v1/response/color", `{"color":77}`, "", `77`}, // T113
		{"int64", "POST", "/test/v1/response/count", `{"count":"9007199254740993"}`, "", `"9007199254740993"`},
		{"bytes", "POST", "/test/v1/response/data", `{"data":"_-8"}`, "", `"/+8="`},
		{"bool", "POST", "/test/v1/response/flag", `{"flag":false}`, "", `false`},
		{"time", "POST", "/test/v1/response/time", `{"time":"2026-01-02T03:04:05.5+01:00"}`, "", `"2026-01-02T02:04:05.500Z"`},
		{"object", "POST", "/test/v1/response/object", `{"object":{"b":[1.5,null],"a":{}}}`, "", `{"a":{},"b":[1.5,null]}`},
		{"value", "POST", "/test/v1/response/value", `{"value":[true]}`, "", `[true]`},
		{"file in a field", "POST", "/test/v1/response/file", `{"file":{"contentType":"text/csv; charset=x","data":"YSxiCg=="}}`, "text/csv; charset=x", "a,b\n"}, // T125
		{"file", "POST", "/test/v1/response/http", `{"file":{"contentType":"text/plain","data":"aGkK"}}`, "text/plain", "hi\n"},
		{"file without a type", "POST", "/test/v1/response/http", `{"file":{"data":"aGkK"}}`, "application/octet-stream", "hi\n"},                               // T124
		{"file with a broken type", "POST", "/test/v1/response/http", `{"file":{"contentType":"a/b\r\nx: y","data":"aGk="}}`, "application/octet-stream", "hi"}, // T124
		{"additional rule", "PUT", "/test/v1/many/1", `{"title":"t"}`, "", `{"name":"","title":"t","size":0,"tags":[],"labels":{},"color":"COLOR_UNSPECIFIED","count":"0"}`},
	} {
		for _, c := range d.both(t) {
			t.Run(tt.name+"/"+c.name, func(t *testing.T) {
				a := c.call(t, tt.method, tt.target, tt.body)
				if a.status != http.StatusOK || a.body != tt.want {
					t.Errorf("got %d %q, want 200 %q", a.status, a.body, tt.want)
				}
				wantType := tt.wantType
				if wantType == "" {
					wantType = "application/json"
				}
				if got := a.header.Get("Content-Type"); got != wantType {
					t.Errorf("content-type is %q, want %q", got, wantType)
				}
				if got := a.header.Get("X-Content-Type-Options"); got != "nosniff" { // T118, E12
					t.Errorf("x-content-type-options is %q, want nosniff", got)
				}
				if a.length != int64(len(a.body)) {
					t.Errorf("content-length is %d, want %d", a.length, len(a.body))
				}
			})
		}
	}
}

// TestAnswerIsTheBackends compares a whole answer with what the backend had to say.
func TestAnswerIsTheBackends(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	a := d.h1(t).call(t, "POST", "/test/v1/body/all", `{"id":"1","things":[{"name":"a"}],"object":{"x":1}}`)
	got := fromJSON(t, a.body, &testv1.BindResponse{})
	if got.GetSeen().GetMethod() != binding+"BodyAll" || len(got.GetThings()) != 1 || got.GetObject().GetFields()["x"].GetNumberValue() != 1 {
		t.Errorf("the answer is %s", a.body)
	}
}
