// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"connectrpc.com/connect"
	ws "github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// at is the configuration of a backend with one endpoint.
func at(t testing.TB, name, address string) backend.Config {
	t.Helper()
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	return backend.Config{Name: name, Endpoints: []endpoint.Endpoint{e}}
}

// several runs backends by their names.
func several(t testing.TB, names ...string) (map[string]*testbackend.Backend, []backend.Config) {
	t.Helper()
	running := map[string]*testbackend.Backend{}
	var configs []backend.Config
	for _, name := range names {
		running[name] = testbackend.Run(t, testbackend.Config{Name: name})
		configs = append(configs, at(t, name, running[name].Address()))
	}
	return running, configs
}

// startTraffic runs a gateway in front of backends, with one entry for all services.
func startTraffic(t testing.TB, backends []backend.Config, service config.Service) *dragoman {
	t.Helper()
	return startFor(t, "127.0.0.1:1", func(c *config.Config) {
		service.Match = config.AllServices()
		c.Backends, c.Services = backends, []config.Service{service}
	})
}

// mirrored counts the copies that a backend was to have, when none is in flight any more.
func (d *dragoman) mirrored(t testing.TB, name string) backend.MirrorStats {
	t.Helper()
	var stats backend.MirrorStats
	eventually(t, func() error {
		for _, b := range d.started.Backends() {
			if b.Name == name {
				stats = b.Mirrored
			}
		}
		if stats.InFlight > 0 {
			return fmt.Errorf("copies are in flight: %+v", stats)
		}
		return nil
	})
	return stats
}

// callerTo makes one call of BindingService/NoRule to a host, with a header of the test's, and returns the name of the backend that
// answered and the code that it failed with.
type callerTo func(t testing.TB, d *dragoman, host, canary string) (string, codes.Code)

// rpcBy calls with connect-go.
func rpcBy(options ...connect.ClientOption) callerTo {
	return func(t testing.TB, d *dragoman, host, canary string) (string, codes.Code) {
		t.Helper()
		rpc := connect.NewClient[testv1.BindRequest, testv1.BindResponse](d.h2(t).http, "http://"+d.address+binding+"NoRule", options...)
		r := connect.NewRequest(&testv1.BindRequest{})
		r.Header().Set("Host", host)
		r.Header().Set("X-Canary", canary)
		answer, err := rpc.CallUnary(within(t), r)
		if err != nil {
			return "", codes.Code(connect.CodeOf(err))
		}
		return answer.Msg.GetSeen().GetBackend(), codes.OK
	}
}

// restBy calls with JSON over HTTP.
func restBy(of func(*dragoman, testing.TB) *client) callerTo {
	return func(t testing.TB, d *dragoman, host, canary string) (string, codes.Code) {
		t.Helper()
		c := of(d, t)
		r := c.request(t, http.MethodPost, binding+"NoRule", "{}", "content-type", "application/json", "x-canary", canary)
		r.Host = host
		a := c.do(t, r)
		if a.status == http.StatusNotFound {
			return "", codes.Unimplemented
		}
		if a.status != http.StatusOK {
			t.Errorf("%d: %s", a.status, a.body)
		}
		_, rest, _ := strings.Cut(a.body, `"backend":"`)
		name, _, _ := strings.Cut(rest, `"`)
		return name, codes.OK
	}
}

// callers are one for each protocol, by its name in logs.
func callers() map[string]callerTo {
	return map[string]callerTo{
		"grpc": func(t testing.TB, d *dragoman, host, canary string) (string, codes.Code) {
			t.Helper()
			ctx := metadata.AppendToOutgoingContext(within(t), "x-canary", canary)
			answer, err := testv1.NewBindingServiceClient(d.dial(t, grpc.WithAuthority(host))).NoRule(ctx, &testv1.BindRequest{})
			return answer.GetSeen().GetBackend(), status.Code(err)
		},
		"grpc-web": rpcBy(connect.WithGRPCWeb()),
		"connect":  rpcBy(),
		"rest":     restBy((*dragoman).h1),
		"rest, HTTP/2": restBy(func(d *dragoman, t testing.TB) *client {
			t.Helper()
			return d.h2(t)
		}),
		"websocket": func(t testing.TB, d *dragoman, host, canary string) (string, codes.Code) {
			t.Helper()
			conn, response, err := ws.Dial(within(t), "ws://"+d.address+binding+"NoRule", &ws.DialOptions{Host: host, HTTPHeader: http.Header{"X-Canary": {canary}}})
			if response != nil && response.Body != nil {
				_ = response.Body.Close()
			}
			if err != nil && response != nil && response.StatusCode == http.StatusNotFound {
				return "", codes.Unimplemented
			}
			if err != nil {
				t.Fatalf("%v, %+v", err, response)
			}
			defer func() { _ = conn.CloseNow() }()
			conn.SetReadLimit(-1)
			k := &talk{t: t, conn: conn, ctx: within(t)}
			k.send("{}")
			return seenIn(t, k.next(ws.MessageText)).GetBackend(), codes.OK
		},
	}
}

// Every protocol is routed and mirrored by the same rules, and the log says by which: a policy that holds for one protocol only is where
// attackers get in.
func TestEveryProtocolIsSplitAndMirrored(t *testing.T) {
	t.Parallel()
	running, configs := several(t, "stable", "canary", "beta", "spoken", "copies")
	for name, call := range callers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocol, _, _ := strings.Cut(name, ",")
			d := startTraffic(t, configs, config.Service{
				Split: []split.Rule{
					{Label: "beta rule", Backend: "beta", Hosts: []string{"beta.example.com"}},
					{Label: "canary rule", Backend: "canary", Headers: map[string]string{"x-canary": "yes"}},
					{Label: "when rule", Backend: "spoken", When: fmt.Sprintf(`protocol == %q && host == "spoken.example.com" && method == "NoRule"`, protocol)},
					{Label: "stable rule", Backend: "stable", Hosts: []string{"*.example.com"}},
				},
				Mirror: &config.Mirror{Backend: "copies"},
			})
			for _, row := range []struct{ host, canary, want string }{
				{"api.example.com", "no", "stable"},
				{"API.example.COM:8080", "no", "stable"},
				{"beta.example.com", "no", "beta"},
				{"beta.example.com", "yes", "beta"}, // the first rule
				{"api.example.com", "yes", "canary"},
				{"spoken.example.com", "no", "spoken"},
			} {
				if got, code := call(t, d, row.host, row.canary); got != row.want || code != codes.OK {
					t.Errorf("%s, %s: %q answered with %s; want %s", row.host, row.canary, got, code, row.want)
				}
			}
			// The methods are not there for a host that no rule names.
			if _, code := call(t, d, "other.example.org", "no"); code != codes.Unimplemented {
				t.Errorf("another host: %s; want %s", code, codes.Unimplemented)
			}
			if s := d.mirrored(t, "copies"); s.Sent != 6 || s.Failed+s.Busy+s.TooLarge != 0 {
				t.Errorf("copies: %+v; want 6 that were sent", s)
			}
			eventually(t, func() error {
				for _, want := range []string{`"backend":"canary"`, `"split":"canary rule"`, `"split":"when rule"`, `"split":"beta rule"`, `"split":"stable rule"`} {
					if !strings.Contains(d.access.String(), want) {
						return fmt.Errorf("%s is not in the access log", want)
					}
				}
				return nil
			})
		})
	}
	t.Cleanup(func() {
		if n := running["copies"].Counts(binding + "NoRule").Arrived; n == 0 {
			t.Error("no copy arrived")
		}
	})
}

// Which host a call is for is the word of a proxy that is trusted, and of nobody else (T170).
func TestT170_HostsOfProxies(t *testing.T) {
	t.Parallel()
	_, configs := several(t, "stable", "beta")
	for name, row := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{
		"anybody":         {nil, "stable"},
		"a trusted proxy": {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "beta"},
	} {
		d := startFor(t, "127.0.0.1:1", func(c *config.Config) {
			c.Listeners[0].TrustedProxies = row.trusted
			c.Backends = configs
			c.Services = []config.Service{{Match: config.AllServices(), Backend: "stable", Split: []split.Rule{{Backend: "beta", Hosts: []string{"beta.example.com"}}}}}
		})
		a := d.h1(t).call(t, http.MethodPost, binding+"NoRule", "{}", "x-forwarded-host", "beta.example.com")
		if !strings.Contains(a.body, fmt.Sprintf(`"backend":%q`, row.want)) {
			t.Errorf("%s says the host: %d %s; want it served by %s", name, a.status, a.body, row.want)
		}
	}
}
