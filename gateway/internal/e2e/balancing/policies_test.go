// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Every policy serves calls of all kinds, without a failure, and uses all servers; a backend that names none has the adaptive one.
func TestPoliciesServe(t *testing.T) {
	t.Parallel()
	for name, yaml := range map[string]string{
		"default":              "",
		"adaptive":             "load_balancing: {policy: adaptive, adaptive: {memory: 1s, slowness_power: 1}}",
		"least_request":        "load_balancing: {policy: least_request}",
		"peak_ewma":            "load_balancing: {policy: peak_ewma}",
		"weighted_round_robin": "load_balancing: {policy: weighted_round_robin}",
		"load reports":         "load_balancing: {policy: weighted_round_robin, weighted_round_robin: {reports: true}}",
		"ring_hash":            "load_balancing: {policy: ring_hash, hash_key: [{field: id}]}",
		"maglev":               "load_balancing: {policy: maglev, hash_key: [{field: id}]}",
		"round_robin":          "load_balancing: {policy: round_robin}",
		"random":               "load_balancing: {policy: random}",
		"without ejection":     "health: {outlier: {disabled: true}}",
		"slow start":           "load_balancing: {slow_start: {window: 100ms}}",
		"sessions":             "load_balancing: {sticky: {header: x-session}}",
		"active health":        "health: {active: {service: dragoman.test.v1.EchoService}}",
		"polled health":        "health: {active: {interval: 50ms}}",
		"a method for health":  "health: {active: {method: /dragoman.test.v1.EchoService/Echo, interval: 50ms}}",
		"several connections":  "connections: {min: 2, max: 4, max_streams: 10}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := servers(t, 3)
			d := start(t, "endpoints: "+listed(all)+"\n"+yaml)
			d.ready(t, all...)
			// A server that looks slow is left alone for a while, so it may take some calls until each has had one.
			ctx, used := within(t), map[string]bool{}
			for n := 0; len(used) < len(all) || n < 60; n++ {
				server, err := echo(ctx, d.client, &testv1.CanaryRequest{Id: fmt.Sprint(n)})
				if err != nil {
					t.Fatalf("call %d, those before went to %v: %v", n, used, err)
				}
				used[server] = true
			}
			stream, err := d.client.Stream(ctx, &testv1.CanaryRequest{Id: "x"})
			if err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if _, err := stream.Recv(); err != nil {
					t.Fatal(err)
				}
			}
			talk, err := d.client.Converse(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				if err := talk.Send(&testv1.CanaryRequest{Id: fmt.Sprint(n)}); err != nil {
					t.Fatal(err)
				}
				if _, err := talk.Recv(); err != nil {
					t.Fatal(err)
				}
			}
			if err := talk.CloseSend(); err != nil {
				t.Fatal(err)
			}
			want := name
			if !strings.Contains(yaml, "policy: "+name) {
				want = "adaptive"
				if name == "load reports" {
					want = "weighted_round_robin"
				}
			}
			if got := d.started.Overviews()[0].Policy; string(got) != want {
				t.Errorf("the policy is %q; want %q", got, want)
			}
		})
	}
}

// calls makes calls of every protocol and kind with one key, and returns the servers that answered. tell puts the key into a call.
func (d *dragoman) calls(t testing.TB, key string, tell func(ctx context.Context, h http.Header, r *testv1.CanaryRequest, key string) context.Context) map[string]string {
	t.Helper()
	got := map[string]string{}
	header, request := http.Header{}, &testv1.CanaryRequest{}
	ctx := tell(within(t), header, request, key)
	var err error
	if got["gRPC"], err = echo(ctx, d.client, request); err != nil {
		t.Fatal(err)
	}
	stream, err := d.client.Stream(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	got["a server stream"] = first.GetSeen().GetBackend()
	for err == nil {
		_, err = stream.Recv()
	}
	talk, err := d.client.Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(request); err != nil {
		t.Fatal(err)
	}
	answer, err := talk.Recv()
	if err != nil {
		t.Fatal(err)
	}
	got["a stream of both"] = answer.GetSeen().GetBackend()
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	query := ""
	if request.GetId() != "" {
		query = "?id=" + request.GetId()
	}
	rest := &http.Client{Transport: &http.Transport{}}
	defer rest.CloseIdleConnections()
	if got["REST"], _, err = get(ctx, rest, "http://"+d.address+"/canary/v1/echo"+query, header); err != nil {
		t.Fatal(err)
	}
	connect := header.Clone()
	connect.Set("Connect-Protocol-Version", "1")
	url := "http://" + d.address + "/dragoman.test.v1.EchoService/Echo?connect=v1&encoding=json&message=%7B%7D"
	if request.GetId() != "" {
		url = strings.Replace(url, "%7B%7D", "%7B%22id%22:%22"+request.GetId()+"%22%7D", 1)
	}
	if got["Connect"], _, err = get(ctx, rest, url, connect); err != nil {
		t.Fatal(err)
	}
	return got
}

// Calls with the same key go to the same server, whatever protocol and kind; the keys together use all servers.
func TestKeys(t *testing.T) {
	t.Parallel()
	inHeader := func(ctx context.Context, h http.Header, _ *testv1.CanaryRequest, key string) context.Context {
		h.Set("X-Tenant", key)
		return metadata.AppendToOutgoingContext(ctx, "x-tenant", key)
	}
	inCookie := func(ctx context.Context, h http.Header, _ *testv1.CanaryRequest, key string) context.Context {
		h.Set("Cookie", "a=b; sid="+key)
		return metadata.AppendToOutgoingContext(ctx, "cookie", "a=b; sid="+key)
	}
	inMessage := func(ctx context.Context, _ http.Header, r *testv1.CanaryRequest, key string) context.Context {
		r.Id = key
		return ctx
	}
	for _, row := range []struct {
		name, balancing string
		tell            func(ctx context.Context, h http.Header, r *testv1.CanaryRequest, key string) context.Context
		one             bool // all clients have one key
	}{
		{"header, ring_hash", "{policy: ring_hash, hash_key: [{header: x-tenant}], ring_hash: {unbounded: true}}", inHeader, false},
		{"cookie, maglev", "{policy: maglev, hash_key: [{cookie: sid}], maglev: {unbounded: true}}", inCookie, false},
		{"field, maglev", "{policy: maglev, hash_key: [{header: x-none}, {field: id}], maglev: {unbounded: true}}", inMessage, false},
		{"field, ring_hash", "{policy: ring_hash, hash_key: [{field: id}], ring_hash: {unbounded: true}}", inMessage, false},
		{"address", "{policy: maglev, hash_key: [{client_address: true}], maglev: {unbounded: true}}", inMessage, true},
		{"a session in a header", "{sticky: {header: x-tenant}}", inHeader, false},
		{"a session in a cookie", "{sticky: {cookie: sid}}", inCookie, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			all := servers(t, 3)
			d := start(t, "endpoints: "+listed(all)+"\nload_balancing: "+row.balancing)
			d.ready(t, all...)
			used := map[string]bool{}
			for n := range 12 {
				first := ""
				for kind, server := range d.calls(t, fmt.Sprint("key-", n), row.tell) {
					if first == "" {
						first = server
					}
					if server != first {
						t.Errorf("key %d: %s went to %s, another call to %s", n, kind, server, first)
					}
					used[server] = true
				}
			}
			if row.one != (len(used) == 1) {
				t.Errorf("the servers used are %v", used)
			}
		})
	}
}

// Where the key is in the message, a stream waits for its first one: it goes on without a key when there is none, and the backend hears
// nothing of a client that goes before.
func TestKeyOfStreamsThatSendNothing(t *testing.T) {
	t.Parallel()
	all := servers(t, 2)
	d := start(t, "endpoints: "+listed(all)+"\nload_balancing: {policy: maglev, hash_key: [{field: id}]}")
	d.ready(t, all...)
	talk, err := d.client.Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("a stream without a message ends with %v; want OK", err)
	}
	arrived := func() (n int) {
		for _, s := range d.states() {
			n += int(s.Succeeded) + int(s.Failed) + int(s.InFlight) //nolint:gosec // few
		}
		return n
	}
	eventually(t, func() error {
		if n := arrived(); n != 1 {
			return fmt.Errorf("%d calls reached the servers; want that one", n)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if talk, err = d.client.Converse(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); grpcstatus.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a stream whose client waits ends with %v; want its deadline", err)
	}
	if n := arrived(); n != 1 {
		t.Errorf("a client that sent nothing has reached the servers: %d calls", n)
	}
}

// A client without a session is given one in a cookie; with it, its calls go to one server, also to that of the first call.
func TestSessionCookie(t *testing.T) {
	t.Parallel()
	all := servers(t, 3)
	d := start(t, "endpoints: "+listed(all)+"\nload_balancing: {policy: round_robin, sticky: {cookie: sid, set_cookie: true, max_age: 1h}}")
	d.ready(t, all...)
	rest := &http.Client{Transport: &http.Transport{}}
	defer rest.CloseIdleConnections()
	used := map[string]bool{}
	for range 8 {
		var cookie *http.Cookie
		first := ""
		for n := range 4 {
			header := http.Header{}
			if cookie != nil {
				header.Set("Cookie", cookie.Name+"="+cookie.Value)
			}
			server, fields, err := get(within(t), rest, "http://"+d.address+"/canary/v1/echo", header)
			if err != nil {
				t.Fatal(err)
			}
			set := (&http.Response{Header: fields}).Cookies()
			if n > 0 {
				if server != first || len(set) > 0 {
					t.Errorf("call %d of a session: %s, cookies %v; want %s and none", n, server, set, first)
				}
				continue
			}
			if len(set) != 1 || set[0].Name != "sid" || set[0].MaxAge != 3600 || !set[0].HttpOnly || set[0].SameSite != http.SameSiteLaxMode {
				t.Fatalf("the first answer sets %v", fields["Set-Cookie"])
			}
			for _, s := range all { // H5
				if strings.Contains(set[0].Value, s.Address()) {
					t.Errorf("the cookie has an address: %s", set[0].Value)
				}
			}
			cookie, first = set[0], server
			used[server] = true
		}
	}
	if len(used) < 2 {
		t.Errorf("eight sessions used %v", used)
	}
	// gRPC clients keep no cookies: their calls go on by the policy.
	by := map[string]int{}
	for range 9 {
		server, err := echo(within(t), d.client, &testv1.CanaryRequest{})
		if err != nil {
			t.Fatal(err)
		}
		by[server]++
	}
	for _, s := range all {
		if by[s.Name()] != 3 {
			t.Errorf("nine gRPC calls in turns: %v", by)
			break
		}
	}
}

// A session is given out over every protocol whose clients keep cookies, also with the answer of a stream, an error and a WebSocket.
func TestSessionCookieOfEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, "endpoints: "+listed(servers(t, 2))+"\nload_balancing: {sticky: {cookie: sid, set_cookie: true}}")
	const service = "/dragoman.test.v1.EchoService/"
	for _, row := range []struct {
		name, method, path, kind, body string
	}{
		{"REST", http.MethodPost, "/canary/v1/echo", "application/json", "{}"},
		{"a stream over REST", http.MethodPost, "/canary/v1/stream", "application/json", "{}"},
		{"an error over REST", http.MethodPost, "/canary/v1/echo", "application/json", `{"behavior":{"status":{"code":5}}}`},
		{"Connect", http.MethodPost, service + "Echo", "application/json", "{}"},
		{"a stream over Connect", http.MethodPost, service + "Stream", "application/connect+json", "\x00\x00\x00\x00\x02{}"},
		{"gRPC-Web", http.MethodPost, service + "Echo", "application/grpc-web+proto", "\x00\x00\x00\x00\x00"},
	} {
		request, err := http.NewRequestWithContext(within(t), row.method, "http://"+d.address+row.path, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", row.kind)
		request.Close = true
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if c := answer.Cookies(); err != nil || len(c) != 1 || c[0].Name != "sid" || len(c[0].Value) < 20 || c[0].MaxAge != 0 {
			t.Errorf("%s: %s, cookies %v, %q, %v", row.name, answer.Status, c, body, err)
		}
	}
	conn, answer, err := ws.Dial(within(t), "ws://"+d.address+"/canary/v1/converse", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body != nil {
		_ = answer.Body.Close()
	}
	if c := answer.Cookies(); len(c) != 1 || c[0].Name != "sid" {
		t.Errorf("WebSocket: cookies %v", c)
	}
	if err := conn.CloseNow(); err != nil {
		t.Error(err)
	}
	// gRPC has none.
	var header metadata.MD
	if _, err := d.client.Echo(within(t), &testv1.CanaryRequest{}, grpc.Header(&header)); err != nil || len(header.Get("set-cookie")) > 0 {
		t.Errorf("gRPC: %v, %v", header, err)
	}
}

// Weights, zones, priorities and subsets do through the gateway what they say.
func TestSharesOfEndpoints(t *testing.T) {
	t.Parallel()
	const calls = 200
	entry := func(s *testbackend.Backend, more string) string {
		return fmt.Sprintf("  - {address: %q%s}\n", s.Address(), more)
	}
	for _, row := range []struct {
		name      string
		endpoints func(a, b, c *testbackend.Backend) string
		balancing string
		want      [3][2]int // least and most
	}{
		{"weights", func(a, b, c *testbackend.Backend) string {
			return entry(a, ", weight: 7") + entry(b, ", weight: 2") + entry(c, "")
		}, "load_balancing: {policy: weighted_round_robin}", [3][2]int{{135, 145}, {35, 45}, {15, 25}}},
		{"a zone", func(a, b, c *testbackend.Backend) string {
			return entry(a, ", zone: here") + entry(b, ", zone: here") + entry(c, ", zone: there")
		}, "load_balancing: {policy: round_robin, zone: {prefer: here, share_percent: 50}}", [3][2]int{{95, 105}, {95, 105}, {0, 0}}},
		{"priorities", func(a, b, c *testbackend.Backend) string {
			return entry(a, "") + entry(b, ", priority: 1") + entry(c, ", priority: 2")
		}, "load_balancing: {policy: round_robin}", [3][2]int{{calls, calls}, {0, 0}, {0, 0}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			all := servers(t, 3)
			d := start(t, "endpoints:\n"+row.endpoints(all[0], all[1], all[2])+row.balancing)
			d.ready(t, all...)
			by := map[string]int{}
			for range calls {
				server, err := echo(within(t), d.client, &testv1.CanaryRequest{})
				if err != nil {
					t.Fatal(err)
				}
				by[server]++
			}
			for i, s := range all {
				if n := by[s.Name()]; n < row.want[i][0] || n > row.want[i][1] {
					t.Errorf("%s has %d of %d calls; want %d to %d", s.Name(), n, calls, row.want[i][0], row.want[i][1])
				}
			}
		})
	}
	t.Run("a subset", func(t *testing.T) {
		t.Parallel()
		all := servers(t, 5)
		d := start(t, "endpoints: "+listed(all)+"\nsubset: {size: 2, id: gateway-1}\nload_balancing: {policy: round_robin}")
		eventually(t, func() error {
			if n := len(d.states()); n != 2 {
				return fmt.Errorf("%d endpoints; want 2", n)
			}
			return nil
		})
		by := map[string]int{}
		for range 20 {
			server, err := echo(within(t), d.client, &testv1.CanaryRequest{})
			if err != nil {
				t.Fatal(err)
			}
			by[server]++
		}
		if len(by) > 2 {
			t.Errorf("the calls went to %v", by)
		}
	})
}
