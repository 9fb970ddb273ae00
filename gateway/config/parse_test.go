// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/introspection"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/mtls"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
)

// settings compares configurations without where they stood in the file.
var settings = cmp.Options{
	cmpopts.IgnoreUnexported(config.Config{}),
	cmp.Comparer(func(a, b config.Glob) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b config.MethodGlob) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func glob(t testing.TB, s string) config.Glob {
	t.Helper()
	g, err := config.ParseGlob(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func instance(t testing.TB, s endpoint.Spec) endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func policy(timeout, most, idle time.Duration) config.Policy {
	return config.Policy{Deadline: deadline.Config{Timeout: timeout, MaxTimeout: most, StreamIdle: idle}}
}

func TestEverySettingReachesItsOwner(t *testing.T) {
	t.Parallel()
	got, err := parse(t, "testdata/complete.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: "complete.good.yaml",
		Listeners: []transport.Config{{
			Name: "public", Address: ":443", Protocols: []string{"http1", "http2", "http3"}, AltSvc: transport.AltSvc{Off: true, MaxAge: time.Hour, Port: 8443},
			TLS:       &transport.TLS{Cert: "tls/public.crt", Key: "/etc/dragoman/public.key", MinVersion: "1.3", ClientCertificates: "request"},
			MaxHeader: 16 << 10, MaxHeaderFields: 64, MaxMessage: 8 << 20, MaxAnswer: 32 << 20,
			HeaderTimeout: 5 * time.Second, RequestTimeout: 2 * time.Minute, WriteStall: 15 * time.Second,
			IdleTimeout: 10 * time.Minute, MaxConnections: 5000, MaxConcurrentStreams: 250, Heartbeat: 20 * time.Second,
			MaxAge: 15 * time.Minute, PingAfter: 20 * time.Second, PingTimeout: 5 * time.Second,
		}, {
			Name: "internal", Address: "10.0.0.5:8080", Protocols: []string{"h2c"}, AllowUnderscores: true, DropInvalidHeaders: true,
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::7/128")},
			ProxyProtocol: &proxyprotocol.Config{
				From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::7/128")}, Timeout: 2 * time.Second,
			},
		}, {
			Name: "certified", Address: ":8443", TLS: &transport.TLS{ACME: &acme.Config{
				Domains: []string{"api.acme.example", "WWW.acme.example"}, Email: "ops@acme.example", Storage: "certificates",
				CA: "https://ca.acme.example:9000/directory", CARoot: "ca.pem", KeyType: "p384", Challenges: []string{acme.TLSALPN01},
				EAB: &acme.EAB{KeyID: "kid-1", MACKey: "of-the-operators"}, RenewBefore: 240 * time.Hour, Profile: "shortlived",
			}},
		}},
		Local: map[string]config.Local{"public": {Reflection: true}, "internal": {Health: true}},
		Schemas: config.Schemas{
			Sources: []config.Source{
				{Name: "repo", Protos: &config.Protos{
					Dirs:        []string{"proto"},
					ImportPaths: []config.ImportPath{{Dir: "third_party"}, {Virtual: "acme/common", Dir: "../common/protos"}},
					Watch:       true,
				}, HTTPRules: []string{"rest/orders.yaml", "/etc/dragoman/rules.yaml"}},
				{Name: "one,two", Protos: &config.Protos{Dirs: []string{"one", "two"}}, PolicyOptions: config.IgnoreOptions},
				{Name: "ci", DescriptorSet: &config.DescriptorSet{Path: "/etc/dragoman/descriptors/*.binpb", Watch: true}},
				{Name: "live", Reflection: &config.Reflection{Backend: "search", Interval: 30 * time.Second}, PolicyOptions: config.IgnoreOptions},
				{Name: "pushed", Upload: &config.Upload{File: "data/schemas/pushed.binpb"}, PolicyOptions: config.IgnoreOptions},
			},
			Expose:     []config.Glob{glob(t, "acme.**")},
			Hide:       []config.Glob{glob(t, "acme.internal.**"), glob(t, "**.AdminService")},
			OnConflict: config.ConflictFirstWins, MergeRules: config.MergeAdd, LiteralTail: true, BreakingChanges: config.BreakingReject,
		},
		Backends: []backend.Config{{
			Name: "orders",
			Endpoints: []endpoint.Endpoint{
				instance(t, endpoint.Spec{Addresses: []string{"10.0.1.11:50051"}, Weight: 3, Zone: "a"}),
				instance(t, endpoint.Spec{Addresses: []string{"[fd00::12]:50051"}}),
			},
		}, {
			Name: "search", Target: "unix:/run/search.sock", Gzip: true,
			RetryBudget: backend.BudgetConfig{Percent: 10, MinPerSecond: 5}, RetryBuffer: backend.BufferConfig{PerCall: 128 << 10, Total: 32 << 20},
			CircuitBreaker: backend.BreakerConfig{FailurePercent: 50, MinCalls: 10, OpenFor: 2 * time.Second, Probes: 5},
			Limits: backend.LimitsConfig{
				MaxInFlight: 200, MaxStreams: 300, MaxPerEndpoint: 50, MaxPerClient: 20, Queue: 10, QueueTimeout: 100 * time.Millisecond, Adaptive: true,
			},
		}, {
			Name: "users", Target: "dns:///users.prod.svc.cluster.local:50051", LoadBalancing: backend.LoadBalancing{Policy: backend.Random},
			TLS:            &backend.TLS{CA: "ca.pem", Cert: "client.crt", Key: "client.key", ServerName: "users.internal"},
			ConnectTimeout: 500 * time.Millisecond, PingInterval: time.Minute, DeadAfter: 20 * time.Second, MaxHeader: 32 << 10,
		}},
		Defaults: policy(10*time.Second, time.Minute, 10*time.Minute),
		Auth: config.Auth{Providers: []config.AuthProvider{{
			Name: "batch", JWT: &jwt.Config{
				Name: "batch", Issuer: "batch", Audiences: []string{"acme"}, Algorithms: []string{"EdDSA"}, Keys: jwks.Config{File: "keys/batch.json"},
				Carrier: auth.Carrier{Header: "x-batch-token"},
			},
		}, {
			Name: "legacy", JWT: &jwt.Config{
				Name: "legacy", Issuer: "legacy", Audiences: []string{"acme"}, Algorithms: []string{"PS256"},
				Keys: jwks.Config{URL: "https://keys.internal/keys.json"},
			},
		}, {
			Name: "mesh", MTLS: &mtls.Config{Name: "mesh", CA: "clients.pem", Allow: []string{"dns:*.clients.example"}, Forward: map[string]string{"sub": "x-client"}},
		}, {
			Name: "mobile", ForwardCredentials: true, EndStreams: new(true), JWT: &jwt.Config{
				Name: "mobile", Issuer: "https://login.acme.example/", Audiences: []string{"acme-mobile", "acme-web"}, Algorithms: []string{"RS256", "ES256"},
				Type: "at+jwt", Leeway: 20 * time.Second, Keys: jwks.Config{Refresh: 2 * time.Minute, MaxStale: 48 * time.Hour}, Discover: true,
				Carrier: auth.Carrier{Cookie: "session"},
				Claims: auth.ClaimNames{
					Subject: "uid", Tenant: "org", Groups: "realm_access.roles", Scopes: "scp", Forward: map[string]string{"uid": "x-user-id", "org": "x-tenant-id-bin"},
				},
			},
		}, {
			Name: "opaque", Introspection: &introspection.Config{
				Name: "opaque", URL: "https://login.acme.example/introspect", ClientID: "gateway", ClientSecret: "a secret", Issuer: "https://login.acme.example/", Audiences: []string{"acme"},
				Timeout: 2 * time.Second, Remember: 30 * time.Second, Carrier: auth.Carrier{Cookie: "opaque"}, Claims: auth.ClaimNames{Scopes: "scp"},
			},
		}, {
			Name: "partner", APIKey: &apikey.Config{Name: "partner", File: "keys.yaml", Header: "x-key", Forward: map[string]string{"sub": "x-partner"}},
		}, {
			Name: "service", ExtAuthz: &extauthz.Config{
				Name: "service", Backend: "search", Timeout: 300 * time.Millisecond, Forward: []string{"x-service-user"}, Withhold: []string{"cookie"}, Claims: auth.ClaimNames{Subject: "user"},
			},
		}, {
			Name: "small", Basic: &basic.Config{Name: "small", File: "/etc/dragoman/users.yaml", Forward: map[string]string{"sub": "x-small"}},
		}}},
		Services: []config.Service{
			{Match: glob(t, "acme.users.v1.*"), Backend: "users", Policy: policy(3*time.Second, 0, 0), Methods: []config.Method{
				{Name: "GetUser", Policy: policy(500*time.Millisecond, 2*time.Second, 0)},
				{Name: "WatchUsers", Policy: config.Policy{Deadline: deadline.Config{StreamIdle: time.Hour, StreamTimeout: 12 * time.Hour}}, HTTP: []config.HTTPRule{
					{Pattern: "get", Path: "/v1/users:watch"},
					{Pattern: "custom", Kind: "SEARCH", Path: "/v1/users", Body: "*", ResponseBody: "users"},
				}},
			}},
			{Match: glob(t, "acme.search.**"), Backend: "search", Passthrough: true},
			{Match: glob(t, "**"), Backend: "orders"},
		},
		JSON: config.JSON{ProtoFieldNames: new(true), Int64AsNumber: new(true), EnumsAsNumbers: new(true), EmitDefaults: config.EmitOmit, RejectUnknownFields: new(false)},
		Routes: config.Routes{
			TrailingSlash: config.SlashRedirect, UnknownQuery: config.QueryIgnore,
			IgnoredQueryParameters: []string{"key", "$alt"}, DisableDerivedHead: true,
			RejectDotSegments: true, Unescape: config.UnescapeAll, MethodOverride: true,
		},
		RPC: config.RPC{CompressFrom: 4 << 10, WithoutErrorInfo: true, RequireConnectVersion: true},
		Observability: config.Observability{
			Log: config.Log{Level: slog.LevelDebug, Format: config.FormatJSON, Endpoint: "http://collector:4317"},
			AccessLog: config.AccessLog{
				Output: "logs/access.log", Format: config.FormatText, OTLP: true, Headers: []string{"x-tenant"}, Redact: []string{"client_ip", "x-tenant"},
				SamplePercent: new(12.5), AlwaysOver: 2 * time.Second,
			},
			Tracing:    config.Tracing{Endpoint: "https://traces.acme.example", SamplePercent: new(0.1), IgnoreParent: true, Link: "https://jaeger.acme.example/trace/{trace_id}"},
			Metrics:    config.Metrics{Path: "/prometheus", Off: true, Endpoint: "http://[::1]:4317", Interval: 15 * time.Second},
			OTLP:       config.OTLP{Headers: map[string]string{"api-key": "secret"}, CA: "collector.pem", Gzip: true, Timeout: 5 * time.Second},
			HideReason: true, DebugToken: "sixteen-letters-or-more",
		},
		Admin:    config.Admin{Address: "10.0.0.5:9902", Token: "of-the-operators", ReadOnly: true, DataDir: "data", Capture: completeCapture(t)},
		Shutdown: config.Shutdown{Delay: 5 * time.Second, Drain: time.Minute},
		Docs: &docs.Config{Path: "/help", WithoutPage: true, OpenAPI: "/spec/v1", Listeners: []string{"internal"}, Info: openapi.Info{
			Title: "Acme API", Version: "2.1", Description: "What Acme sells.", Servers: []string{"https://api.acme.example", "/prefix"}, Visibility: []string{"PREVIEW"},
		}},
	}
	want.RateLimits = completeLimits(t)
	want.Authorization = config.Authorization{Deny: true, DryRun: true, Rules: []config.AuthorizationRule{
		{
			Name: "admins", Match: methodGlob(t, "acme.users.v1.UserService/DeleteUser"), Allow: "'admin' in auth.claims.roles",
			Message: "only admins can delete users", DryRun: true,
		},
		{Name: "rules[1]", Match: methodGlob(t, "acme.orders.v1.**"), Allow: "request.customer_id == auth.subject"},
		{Name: "rules[2]", Match: config.AllMethods(), Allow: "'a' in auth.groups"},
	}}
	want.Cache = config.Cache{
		Config: cache.Config{Memory: 512 << 20, Largest: 2 << 20, TagField: "surrogate-key", MaxWait: 2 * time.Second, MaxRefreshes: 100},
		Redis:  &redis.Config{Addresses: []string{"redis-3:6379"}, Database: 2, Prefix: "answers:"},
	}
	if diff := cmp.Diff(want, got, settings); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// security.md section 3: what is in force when nothing is said.
func TestDefaultsAreSecure(t *testing.T) {
	t.Parallel()
	got, err := parse(t, "testdata/minimal.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File:      "minimal.good.yaml",
		Listeners: []transport.Config{{Name: "default", Address: ":8080"}},
		Schemas: config.Schemas{
			Sources:    []config.Source{{Name: "./proto", Protos: &config.Protos{Dirs: []string{"proto"}, Watch: true}}},
			OnConflict: config.ConflictReject, MergeRules: config.MergeReplace, BreakingChanges: config.BreakingAllow,
		},
		Backends:      []backend.Config{{Name: "all", Target: "localhost:50051"}},
		Services:      []config.Service{{Match: glob(t, "**"), Backend: "all"}},
		Routes:        config.Routes{TrailingSlash: config.SlashStrict, Unescape: config.UnescapeKeepSlash},
		Observability: config.Observability{AccessLog: config.AccessLog{Output: config.OutputStdout}},
		Admin:         config.Admin{Address: "127.0.0.1:9901"},
		Shutdown:      config.Shutdown{Drain: 30 * time.Second},
	}
	if diff := cmp.Diff(want, got, settings); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	p, _ := got.PolicyFor("acme.users.v1.UserService", "GetUser")
	if diff := cmp.Diff(policy(15*time.Second, 300*time.Second, 300*time.Second), p); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestConfigWithoutAFile(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{
		Backends: []backend.Config{{Name: "all", Target: "localhost:50051"}},
		Services: []config.Service{{Match: config.AllServices(), Backend: "all"}},
		Schemas:  config.Schemas{Sources: []config.Source{{Name: "p", Protos: &config.Protos{Dirs: []string{"proto"}, Watch: true}}}},
	}
	cfg.SetDefaults()
	parsed, err := parse(t, "testdata/minimal.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parsed.File, parsed.Schemas.Sources[0].Name = "", "p"
	if diff := cmp.Diff(parsed, cfg, settings); diff != "" {
		t.Errorf("a file that says the same (-) differs from what was made by hand (+):\n%s", diff)
	}
	if line, column := cfg.Position("listeners[0].tls.cert"); line != 0 || column != 0 {
		t.Errorf("got position %d:%d; want none", line, column)
	}
	if got, want := cfg.Problem("listeners[0].tls.cert", "cannot be read", "").String(), " listeners[0].tls.cert: cannot be read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCamelCaseIsReadToo(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/complete.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Parse("c.yaml", data, environment)
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`_[a-z0-9]+(_[a-z0-9]+)*:`)
	camel := keys.ReplaceAllStringFunc(string(data), func(s string) string {
		var b strings.Builder
		for part := range strings.SplitSeq(s[1:], "_") {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
		return b.String()
	})
	if camel == string(data) || strings.Contains(camel, "_case:") {
		t.Fatal("no key was rewritten")
	}
	got, err := config.Parse("c.yaml", []byte(camel), environment)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, settings); diff != "" {
		t.Errorf("-snake +camel:\n%s", diff)
	}
}

func TestVariablesAreValuesAndNothingElse(t *testing.T) {
	t.Parallel()
	got, err := parse(t, "testdata/variables.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want string }{
		{"default and value in one", got.Listeners[0].Address, "127.0.0.1:8081"},
		{"empty is unset for :-", got.Schemas.Sources[0].Protos.Dirs[0], "proto"},
		{"empty text instead", got.Backends[0].Endpoints[0].Zone(), ""},
		{"no structure, no comment", got.Backends[0].TLS.ServerName, "a, b: {c}\"]} #"},
		{"a dollar alone", got.Routes.IgnoredQueryParameters[0], "$alt"},
		{"two dollars are one", got.Routes.IgnoredQueryParameters[1], "${PORT}"},
		{"a dollar at the end", got.Routes.IgnoredQueryParameters[2], "a$"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	if l := got.Listeners[0]; l.MaxConnections != 77 || !got.Schemas.Sources[0].Protos.Watch || got.Defaults.Deadline.Timeout != 7*time.Second {
		t.Errorf("got %d, %t, %s; want a number, a bool and a duration from variables: 77, true, 7s",
			l.MaxConnections, got.Schemas.Sources[0].Protos.Watch, got.Defaults.Deadline.Timeout)
	}
}

func TestPathsBeginAtTheFolderOfTheFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	data, err := os.ReadFile("testdata/complete.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "dragoman.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		cfg.Listeners[0].TLS.Cert, cfg.Listeners[0].TLS.Key, cfg.Schemas.Sources[0].Protos.Dirs[0],
		cfg.Schemas.Sources[0].Protos.ImportPaths[1].Dir, cfg.Backends[2].TLS.CA, cfg.Observability.AccessLog.Output,
	}
	want := []string{
		filepath.Join(folder, "tls/public.crt"), "/etc/dragoman/public.key", filepath.Join(folder, "proto"),
		filepath.Join(filepath.Dir(folder), "common/protos"), filepath.Join(folder, "ca.pem"), filepath.Join(folder, "logs/access.log"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), config.Options{})
	var p *config.Problems
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &p) {
		t.Errorf("got %v; want fs.ErrNotExist, which is no problem of the file", err)
	}
	large := append([]byte("version: v1\n#"), make([]byte, config.MaxSize)...)
	_, err = config.Parse("large.yaml", large, config.Options{})
	if got := problems(t, err)[0].Message; !strings.Contains(got, "it may have 1048576") {
		t.Errorf("got %q; want the size and the bound", got)
	}
}

func TestProblemsThatAreFoundLaterHaveTheirPlace(t *testing.T) {
	t.Parallel()
	cfg, err := parse(t, "testdata/complete.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]int{
		"listeners[0].tls.cert":                     {8, 17},
		"listeners[1].tls.cert":                     {22, 5}, // not in the file: the listener
		`backends["users"].tls.ca`:                  {72, 11},
		`backends["users"].tls`:                     {71, 5},
		"services[0].methods[0].policy.timeout":     {95, 20},
		"services[0].methods[1].http[0].get":        {99, 22},
		"schemas.sources[0].protos.import_paths[1]": {51, 13},
		"": {1, 1},
	} {
		if line, column := cfg.Position(path); line != want[0] || column != want[1] {
			t.Errorf("%s: got %d:%d, want %d:%d", path, line, column, want[0], want[1])
		}
	}
	got := render(t, []config.Problem{cfg.Problem("listeners[0].tls.cert", "cannot be read: no such file", "create it")})
	want := `complete.good.yaml:8:17 listeners[0].tls.cert: cannot be read: no such file
   8 |     tls: {cert: tls/public.crt, key: /etc/dragoman/public.key, min_version: "1.3", client_certificates: request}
   8 | ................^  create it
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
