// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
)

func TestPolicyForTakesEachValueFromTheMostSpecificPlace(t *testing.T) {
	t.Parallel()
	cfg, err := parse(t, "testdata/complete.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		service, method string
		want            config.Policy
		origins         config.Origins
	}{
		{
			"acme.users.v1.UserService", "GetUser", policy(500*time.Millisecond, 2*time.Second, 10*time.Minute),
			config.Origins{"timeout": "services[0].methods[0].policy.timeout", "max_timeout": "services[0].methods[0].policy.max_timeout", "stream_idle_timeout": "defaults.stream_idle_timeout"},
		},
		{
			"acme.users.v1.UserService", "WatchUsers",
			config.Policy{Deadline: deadline.Config{Timeout: 3 * time.Second, MaxTimeout: time.Minute, StreamIdle: time.Hour, StreamTimeout: 12 * time.Hour}},
			config.Origins{
				"timeout": "services[0].policy.timeout", "max_timeout": "defaults.max_timeout",
				"stream_idle_timeout": "services[0].methods[1].policy.stream_idle_timeout", "stream_timeout": "services[0].methods[1].policy.stream_timeout",
			},
		},
		{
			"acme.users.v1.UserService", "getuser", policy(3*time.Second, time.Minute, 10*time.Minute), // names are exact
			config.Origins{"timeout": "services[0].policy.timeout", "max_timeout": "defaults.max_timeout", "stream_idle_timeout": "defaults.stream_idle_timeout"},
		},
		{
			"acme.billing.Service", "GetUser", policy(10*time.Second, time.Minute, 10*time.Minute),
			config.Origins{"timeout": "defaults.timeout", "max_timeout": "defaults.max_timeout", "stream_idle_timeout": "defaults.stream_idle_timeout"},
		},
	} {
		got, origins := cfg.PolicyFor(c.service, c.method)
		maps.DeleteFunc(origins, func(name string, _ config.Origin) bool { return strings.Contains(name, ".") })
		if diff := cmp.Diff(c.want.Deadline, got.Deadline); diff != "" {
			t.Errorf("%s/%s (-want +got):\n%s", c.service, c.method, diff)
		}
		if diff := cmp.Diff(c.origins, origins); diff != "" {
			t.Errorf("%s/%s, origins (-want +got):\n%s", c.service, c.method, diff)
		}
		for _, o := range origins {
			if line, _ := cfg.Position(string(o)); line < 2 {
				t.Errorf("origin %s has no place in the file", o)
			}
		}
	}
}

// Every value of a policy reaches its owner, from the most specific place that has it.
func TestEveryPolicySettingReachesItsOwner(t *testing.T) {
	t.Parallel()
	cfg, err := parse(t, "testdata/policy.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, origins := cfg.PolicyFor("a.B", "Get")
	want := config.Policy{
		Deadline: deadline.Config{Timeout: deadline.DefaultTimeout, MaxTimeout: deadline.DefaultMaxTimeout, StreamIdle: deadline.DefaultStreamIdle},
		REST: config.REST{
			Profile: "envoy", UnknownQuery: config.QueryCapture, CaptureQueryInto: "extra", IgnoredQueryParameters: []string{"alt", "$alt"}, MaxQueryParameters: 7,
			AnyContentType: new(true), SuccessStatus: 201, NoContentForEmpty: new(true),
			StatusFrom: &config.StatusFrom{Header: "x-http-status", Allow: []int{202, 303}}, ETag: "content", CacheControl: "private, max-age=60",
			RequestHeaders: map[string]string{"x-tenant": "tenant_id"}, ResponseHeaders: map[string]string{"x-total-count": "total_size"},
			TrailersAsHeaders: []string{"x-cost"}, Multipart: new(true), Compression: &config.Compression{Algorithms: []string{"zstd", "gzip"}, MinSize: 2048},
			StreamFormat: "sse", SSEID: "revision", SSERetry: 3 * time.Second, BindEvery: new(true),
			MaxQueryListElements: 20, JSONParameters: new(true), MaskField: "update_mask", AnyMaskPath: new(true),
			Errors: &config.Errors{Format: "template", Template: `{"error":"{status}","text":"{message}"}`},
		},
		JSON: config.JSON{
			ProtoFieldNames: new(true), Int64AsNumber: new(false), EnumsAsNumbers: new(true), EmitDefaults: config.EmitNull, RejectUnknownFields: new(false),
			StripEnumPrefix: new(true), FoldEnumCase: new(true), DropRedacted: new(true), RefuseUnknownAny: new(true),
		},
		Headers: headers.Config{
			Allow: []string{"cookie", "accept-language"}, Deny: []string{"x-internal-*"},
			Request: headers.Rules{
				Drop: []string{"x-a-*"}, Rename: map[string]string{"x-b": "x-c"}, Set: map[string]string{"x-who": "{auth.subject}"}, Append: map[string]string{"x-hop": "gateway"},
			},
			Response: headers.Rules{
				Drop: []string{"x-d"}, Rename: map[string]string{"x-e": "x-f"}, Set: map[string]string{"strict-transport-security": "max-age=1"}, Append: map[string]string{"x-g": "{{}}"},
			},
		},
		HideInternalErrors: new(false),
		Hedge:              &backend.HedgeConfig{After: 50 * time.Millisecond, Attempts: 3, Percent: 10},
		Retry: backend.RetryConfig{
			Attempts: 4, On: []codes.Code{codes.Unavailable, codes.Aborted}, Backoff: 10 * time.Millisecond, MaxBackoff: time.Second,
			PerTryTimeout: 250 * time.Millisecond, TreatAsIdempotent: new(false),
		},
		Auth:     []string{"a+b"},
		Validate: validate.Config{Requests: new(false), Required: new(false), OutputOnly: validate.Refuse, Responses: validate.RefuseResponses},
		Redact:   &config.Redaction{DebugRedact: true, Fields: []string{"owner.email", ".acme.v1.User.phone"}, Unless: "'support' in auth.scopes"},
		Cache: &config.CachePolicy{PolicyConfig: cache.PolicyConfig{
			TTL: 30 * time.Second, StaleWhileRevalidate: 5 * time.Minute, StaleIfError: time.Hour,
			Vary: []string{"auth.subject", `headers["accept-language"]`, "auth.claims.org"}, TreatAsSafe: true, IgnoreClient: true, Metadata: []string{"x-revision"},
		}},
		CORS: &cors.Config{
			AllowOrigins: []string{"https://app.example", "https://*.app.example", "http://10.0.0.1:8080"}, AllowHeaders: []string{"authorization"},
			ExposeHeaders: []string{"x-trace"}, AllowCredentials: true, MaxAge: 10 * time.Minute, DangerouslyAllowHTTP: true,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, want := range (config.Origins{
		"json.int64_as_number": "services[0].methods[0].policy.json.int64_as_number", "json.emit_defaults": "services[0].policy.json.emit_defaults",
		"rest.errors": "defaults.rest.errors", "rest.profile": "services[0].methods[0].policy.rest.profile", "headers.deny": "defaults.headers.deny",
		"auth":              "services[0].methods[0].policy.auth",
		"validate_requests": "services[0].methods[0].policy.validate_requests", "field_behavior.required": "defaults.field_behavior.required",
		"cache":              "services[0].methods[0].policy.cache",
		"rest.unknown_query": "services[0].methods[0].policy.rest.unknown_query", "timeout": config.BuiltIn,
	}) {
		if origins[name] != want {
			t.Errorf("%s comes from %q; want %q", name, origins[name], want)
		}
	}

	got, origins = cfg.PolicyFor("a.B", "List")
	if got.REST.UnknownQuery != config.QueryIgnore || got.REST.MaxQueryParameters != 50 || *got.JSON.Int64AsNumber != true {
		t.Errorf("what the whole file says is not in %+v", got)
	}
	for name, want := range (config.Origins{
		"rest.unknown_query": "routes.unknown_query", "rest.max_query_parameters": "routes.max_query_parameters",
		"rest.ignored_query_parameters": "routes.ignored_query_parameters", "json.int64_as_number": "json.int64_as_number",
	}) {
		if line, _ := cfg.Position(string(origins[name])); origins[name] != want || line < 2 {
			t.Errorf("%s comes from %q, in line %d; want %q", name, origins[name], line, want)
		}
	}
}

// What is said of stored answers counts as a whole, and can be taken back.
func TestCachePoliciesStandAlone(t *testing.T) {
	t.Parallel()
	cfg, err := parse(t, "testdata/policy.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*config.CachePolicy{
		"List": {PolicyConfig: cache.PolicyConfig{TTL: 10 * time.Second}}, "Drop": {Off: true}, "Say": {PolicyConfig: cache.PolicyConfig{Shared: true}},
	} {
		got, _ := cfg.PolicyFor("a.B", name)
		if diff := cmp.Diff(want, got.Cache); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.Caches() == want.Off {
			t.Errorf("%s stores answers: %t", name, got.Caches())
		}
	}
}

func TestWhoOnlyLowersTheMaximumLowersTheDefaultToo(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Defaults: policy(0, 10*time.Second, 0)}
	got, origins := cfg.PolicyFor("a.B", "C")
	if diff := cmp.Diff(policy(10*time.Second, 10*time.Second, deadline.DefaultStreamIdle), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want := config.Origins{"timeout": config.BuiltIn, "max_timeout": "defaults.max_timeout", "stream_idle_timeout": config.BuiltIn}
	if diff := cmp.Diff(want, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if _, err := deadline.New(got.Deadline); err != nil {
		t.Errorf("the interceptor refuses it: %v", err)
	}
}

func TestServiceForPicksTheMostSpecificEntry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service string
		matches []string
		want    int
		reason  string
	}{
		{"acme.users.v1.UserService", []string{"**", "acme.**", "acme.users.v1.*", "acme.users.v1.UserService"}, 3, "a name beats *"},
		{"acme.users.v1.UserService", []string{"acme.users.v1.UserService", "acme.users.v1.*", "acme.**", "**"}, 0, "the order does not matter"},
		{"acme.users.v1.UserService", []string{"acme.**", "acme.users.**"}, 1, "a name beats **"},
		{"acme.users.v1.UserService", []string{"acme.**", "acme.*.v1.*"}, 1, "* beats **"},
		{"acme.users.UserService", []string{"acme.*.UserService", "acme.users.*"}, 1, "what is further left counts more"},
		{"acme.users.UserService", []string{"**.UserService", "acme.**"}, 1, "what is further left counts more, though both have one name"},
		{"acme.Users", []string{"acme.*.**", "acme.*"}, 1, "nothing beats **"},
		{"acme.Users", []string{"**", "**.Users"}, 1, "a name beats nothing"},
		{"a.b.c", []string{"**.a.**", "**.b.**"}, 0, "equally specific: the first"},
		{"acme.users.v1.UserService", []string{"acme.orders.**", "acme.users.*"}, -1, "none matches"},
	} {
		cfg := &config.Config{}
		for _, m := range c.matches {
			cfg.Services = append(cfg.Services, config.Service{Match: glob(t, m)})
		}
		got, ok := cfg.ServiceFor(c.service)
		if got != c.want || ok != (c.want >= 0) {
			t.Errorf("%s among %q: got %d, %t; want %d: %s", c.service, c.matches, got, ok, c.want, c.reason)
		}
	}
}

func TestExposes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expose, hide []string
		service      string
		want         bool
	}{
		{nil, nil, "a.B", true},
		{[]string{"a.**"}, nil, "a.B", true},
		{[]string{"a.**"}, nil, "b.B", false},
		{nil, []string{"a.**"}, "a.B", false},
		{[]string{"a.**", "b.**"}, []string{"a.internal.**"}, "a.internal.B", false},
		{[]string{"a.**", "b.**"}, []string{"a.internal.**"}, "b.B", true},
	} {
		s := &config.Schemas{}
		for _, g := range c.expose {
			s.Expose = append(s.Expose, glob(t, g))
		}
		for _, g := range c.hide {
			s.Hide = append(s.Hide, glob(t, g))
		}
		if got := s.Exposes(c.service); got != c.want {
			t.Errorf("expose %q, hide %q, %s: got %t, want %t", c.expose, c.hide, c.service, got, c.want)
		}
	}
}
