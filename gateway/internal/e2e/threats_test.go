// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Threat A13: a host is one host however it is written, whatever TLS was told; and authentication does not depend on it.
func TestThreatA13SpellingsOfAHost(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	running, configs := several(t, "stable", "beta")
	d := startFor(t, "127.0.0.1:1", func(c *config.Config) {
		c.Backends = configs
		c.Services = []config.Service{{Match: config.AllServices(), Backend: "stable", Split: []split.Rule{{Backend: "beta", Hosts: []string{"beta.example"}}}}}
		c.Auth.Providers = []config.AuthProvider{jwtProvider(t, "mobile", nil, key)}
		c.Defaults.Auth = []string{"mobile"}
	})
	good := "Bearer " + key.Token("alice", map[string]any{"tenant": "t1"})
	for _, row := range []struct{ host, want string }{
		{"beta.example", "beta"},
		{"BETA.example", "beta"},
		{"beta.example.", "beta"},
		{"beta.example:443", "beta"},
		{"Beta.Example.:8443", "beta"},
		{"beta.example.evil", "stable"},
		{"xbeta.example", "stable"},
		{"beta", "stable"},
		{"127.0.0.1", "stable"},
	} {
		for _, sni := range []string{"-", "", "beta.example", "other.example", "BETA.EXAMPLE"} {
			c := d.h1(t)
			if sni != "-" {
				c = d.named(t, sni)
			}
			for _, token := range []string{good, "Bearer x", ""} {
				before := running["beta"].Counts(canaryEcho).Arrived + running["stable"].Counts(canaryEcho).Arrived
				r := c.request(t, http.MethodGet, "/canary/v1/echo", "")
				r.Host = row.host
				if token != "" {
					r.Header.Set("Authorization", token)
				}
				a := c.do(t, r)
				arrived := running["beta"].Counts(canaryEcho).Arrived + running["stable"].Counts(canaryEcho).Arrived - before
				switch {
				case token != good && (a.status != 401 || arrived != 0):
					t.Errorf("host %s, SNI %q: with %q: %d, and %d calls arrived", row.host, sni, token, a.status, arrived)
				case token == good && (a.status != 200 || fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen().GetBackend() != row.want):
					t.Errorf("host %s, SNI %q: %d %s; want it served by %s", row.host, sni, a.status, a.body, row.want)
				}
			}
		}
	}
}

// named is a client of the listener with TLS that says a name in its handshake, or none.
func (d *dragoman) named(t testing.TB, sni string) *client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{ServerName: sni, InsecureSkipVerify: true}} //nolint:gosec // the name is what is tested
	t.Cleanup(transport.CloseIdleConnections)
	return &client{name: "TLS", base: "https://" + d.secure, http: &http.Client{Transport: transport}}
}

// Threat B8: a head that is larger than a backend takes fails its own call; others, and those under way, on the connection that they share go on,
// and see nothing of it.
func TestThreatB8HeadsThatABackendDoesNotTake(t *testing.T) {
	t.Parallel()
	const takes = 8 << 10
	served := make(chan string, 1000)
	address := misbehaveBy(t, func(method string, s grpc.ServerStream) error {
		md, _ := metadata.FromIncomingContext(s.Context())
		served <- strings.Join(md.Get("x-who"), "|")
		if strings.HasSuffix(method, "Converse") {
			return echoAll(s)
		}
		return sends("")(method, s)
	}, grpc.MaxHeaderListSize(takes))
	d := startFor(t, address, nil)
	stream, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	goesOn := func(after string) {
		t.Helper()
		if err := stream.Send(&testv1.CanaryRequest{}); err != nil {
			t.Fatalf("after %s: %v", after, err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatalf("after %s: the stream of another client ends: %v", after, err)
		}
	}
	goesOn("nothing")
	<-served
	large := strings.Repeat("v", takes)
	for i, w := range ways {
		id := fmt.Sprintf("large-%d", i)
		w.call(t, d, canaryEcho, "x-request-id", id, "x-who", "attacker", "x-large", large)
		r := d.access.await(t, id)
		status := map[string]int{"rest": 431, "connect": 429}[r.Protocol] // Connect has a status for each code; the others' are 200 and 101
		if r.Code != "RESOURCE_EXHAUSTED" || r.Reason != "header_too_large" || status != 0 && r.Status != status {
			t.Errorf("%s: the call with a large head ended as %+v", w.name, r)
		}
		goesOn(w.name)
		if a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "x-who", "victim"); a.status != 200 {
			t.Errorf("after %s: another call: %d %s", w.name, a.status, a.body)
		}
		if who := <-served; who != "victim" {
			t.Errorf("after %s: the backend served %q", w.name, who)
		}
	}
}

// echoAll answers every message of a stream.
func echoAll(s grpc.ServerStream) error {
	for {
		m := raw("")
		if err := s.RecvMsg(m); err != nil {
			return nil //nolint:nilerr // it is the end
		}
		m.Free()
		if err := s.SendMsg(raw("")); err != nil {
			return err
		}
	}
}

// Threat B13: what is about a connection is no field of HTTP/2, and a body is as long as it says.
func TestThreatB13FieldsOfConnectionsAndLengths(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	post := []string{":method", "POST", ":scheme", "http", ":path", "/canary/v1/echo", ":authority", "a", "content-type", "application/json"}
	with := func(more ...string) []string { return append(append([]string{}, post...), more...) }
	for _, row := range []struct {
		name   string
		fields []string
		body   string
	}{
		{"connection", with("connection", "close"), "{}"},
		{"keep-alive", with("keep-alive", "timeout=5"), "{}"},
		{"proxy-connection", with("proxy-connection", "keep-alive"), "{}"},
		{"transfer-encoding", with("transfer-encoding", "chunked"), "{}"},
		{"upgrade", with("upgrade", "websocket"), "{}"},
		{"te of another kind", with("te", "gzip"), "{}"},
		{"a capital", with("X-A", "1"), "{}"},
		{"a pseudo field behind others", with(":path", "/canary/v1/public"), "{}"},
		{"a pseudo field twice", append([]string{":path", "/canary/v1/public"}, post...), "{}"},
		{"a pseudo field that is none", append([]string{":status", "200"}, post...), "{}"},
		{"an empty path", []string{":method", "POST", ":scheme", "http", ":path", "", ":authority", "a"}, "{}"},
		{"no method", post[2:], "{}"},
		{"no scheme", append(append([]string{}, post[:2]...), post[4:]...), "{}"},
		{"another host", with("host", "b"), "{}"},
		{"a length that is longer", with("content-length", "10"), "{}"},
		{"a length that is shorter", with("content-length", "1"), "{}"},
		{"two lengths", with("content-length", "2", "content-length", "3"), "{}"},
		{"a length that is no number", with("content-length", "2x"), "{}"},
		{"a negative length", with("content-length", "-2"), "{}"},
	} {
		none(t, d.arrivals(func() {
			p := d.probe(t)
			defer func() { _ = p.conn.Close() }()
			stream := p.open(false, row.fields...)
			_ = p.framer.WriteData(stream, true, []byte(row.body)) // it may be refused already
			if a, err := p.read(stream); err == nil && a.status != 400 {
				t.Errorf("%s: %d %v %s", row.name, a.status, a.header, a.body)
			}
		}))
	}
	p := d.probe(t)
	stream := p.open(false, with("content-length", "2", "te", "trailers", "host", "a")...)
	p.must(p.framer.WriteData(stream, true, []byte("{}")))
	if a, err := p.read(stream); err != nil || a.status != 200 {
		t.Errorf("a good one: %v, %+v", err, a)
	}
}

// Threat F1: CORS is off unless it is configured, and lets in the origins that are listed, with credentials or without, and no other, whatever it
// looks like.
func TestThreatF1Origins(t *testing.T) {
	t.Parallel()
	off := start(t, nil)
	on := start(t, func(c *config.Config) { c.Defaults.CORS = corsFor("https://app.example", true) })
	origins := []string{
		"https://app.example", "http://app.example", "https://app.example:443", "https://app.example:8443", "https://app.example.", "https://APP.example", "HTTPS://app.example",
		"https://app.example.evil", "https://app.example.evil.com", "https://evil.com/app.example", "https://app.example@evil.com", "https://evilapp.example", "https://evil-app.example",
		"https://x.app.example", "https://app-example", "https://appxexample", "https://app.example/", "https://app.example#", "https://app.example?", "https://app.example, https://evil.com",
		"https://evil.com, https://app.example", "null", "NULL", "*", "file://", "https://", "app.example", "//app.example", "https://xn--pp-eka.example", "https://app.example%00.evil.com", "https://app.example:0",
	}
	if len(origins) < 30 {
		t.Errorf("%d origins; there must be 30 or more", len(origins))
	}
	for _, d := range []*dragoman{off, on} {
		for _, c := range d.both(t) {
			for _, origin := range origins {
				want := ""
				if d == on && origin == "https://app.example" {
					want = origin
				}
				for name, a := range map[string]*answer{
					"a preflight": c.call(t, "OPTIONS", "/canary/v1/echo", "", "origin", origin, "access-control-request-method", "POST", "access-control-request-headers", "authorization"),
					"a call":      c.call(t, "GET", "/canary/v1/echo", "", "origin", origin),
					"a refusal":   c.call(t, "GET", "/nowhere", "", "origin", origin),
				} {
					if got := a.header.Values("Access-Control-Allow-Origin"); strings.Join(got, "|") != want {
						t.Errorf("%s: %s of %q: allowed is %q, want %q", c.name, name, origin, got, want)
					}
					if got := a.header.Get("Access-Control-Allow-Credentials"); (got != "") != (want != "") {
						t.Errorf("%s: %s of %q: credentials are %q", c.name, name, origin, got)
					}
				}
			}
		}
	}
}

// Threats C1, C2, C3, C4, C5, C9, C10 and C11: of all tokens of the corpus, good ones arrive, by every protocol, and no other does by any; nobody
// comes to fetch what they name.
func TestThreatC9CorpusThroughEveryProtocol(t *testing.T) {
	t.Parallel()
	keys, list := jwttest.CorpusKeys(t)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) {
			c.Algorithms, c.Audiences, c.Claims.Forward = jwttest.Algorithms(), []string{jwttest.Audience, "web"}, map[string]string{"sub": "x-user-id"}
			c.Claims.Tenant = ""
		}, list...))
	})
	calls := 0
	for i, e := range jwttest.Corpus(t, keys) {
		if strings.ContainsFunc(e.Token, func(r rune) bool { return r < ' ' || r > '~' }) {
			continue // no field can have it; B9
		}
		if len(e.Token) > 12<<10 { // no head of gRPC may be so long
			c := d.h1(t)
			none(t, d.arrivals(func() {
				if a, err := c.try(c.request(t, "GET", "/canary/v1/echo", "", "authorization", "Bearer "+e.Token)); err == nil && a.status != 401 && a.status != 431 {
					t.Errorf("%s: %d", e.Name, a.status)
				}
			}))
			continue
		}
		some := ways
		if e.Reason != "" { // each bad one by two protocols, all protocols in turn
			some = []way{ways[i%len(ways)], ways[(i+4)%len(ways)]}
		}
		for _, w := range some {
			calls++
			got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("corpus-%d", calls), "authorization", "Bearer "+e.Token)
			switch {
			case !made:
			case e.Reason == "" && (got.Code != "OK" || got.Subject != "alice" || got.Arrived != 1 || fmt.Sprint(got.UserID) != "[alice]"):
				t.Errorf("%s by %s: %+v", e.Name, w.name, got)
			case e.Reason != "" && (got.Code != "UNAUTHENTICATED" || got.Arrived != 0 || e.Reason != jwttest.Any && got.Reason != e.Reason):
				t.Errorf("%s by %s: %+v; want %s", e.Name, w.name, got, e.Reason)
			}
		}
	}
}

// Threat C21: claims that cannot be said to a backend refuse the token, by every protocol.
func TestThreatC21ClaimsByEveryProtocol(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) { canaryAuth(t, c, jwtProvider(t, "mobile", nil, key)) })
	n := 0
	for name, tenant := range map[string]any{
		"a line end": "t1\r\nx-user-id: admin", "a zero": "t1\x00", "no ASCII": "t\u00e9", "nested": map[string]any{"a": "t1"}, "long": strings.Repeat("t", 5<<10),
	} {
		token := key.Token("alice", map[string]any{"tenant": tenant})
		for _, w := range ways {
			n++
			if got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("claims-%d", n), "authorization", "Bearer "+token); made && (got.Code != "UNAUTHENTICATED" || got.Arrived != 0) {
				t.Errorf("%s by %s: %+v", name, w.name, got)
			}
		}
	}
}

// Threat H3: one caller cannot take all streams to a backend: connections come as streams are used up, and calls at a time are limited by caller.
func TestThreatH3OneCallerTakesNotAllStreams(t *testing.T) {
	t.Parallel()
	const streams, mayHave = 10, 40
	release := make(chan struct{})
	address := misbehaveBy(t, func(method string, s grpc.ServerStream) error {
		if strings.HasSuffix(method, "Slow") {
			select {
			case <-release:
			case <-s.Context().Done():
			}
		}
		return sends("")(method, s)
	}, grpc.MaxConcurrentStreams(streams))
	d := startFor(t, address, limitTo(config.LimitRule{Name: "at-a-time", Match: config.AllMethods(), Key: "client.address", MaxInFlight: mayHave}))
	attacker := testv1.NewEchoServiceClient(d.dial(t))
	ended := make(chan error, 200)
	for range cap(ended) {
		go func() {
			_, err := attacker.Slow(within(t), &testv1.CanaryRequest{})
			ended <- err
		}()
	}
	for range cap(ended) - mayHave { // what is too much is refused while the rest waits
		if err := <-ended; grpcstatus.Code(err) != codes.ResourceExhausted {
			t.Errorf("a call too many: %v", err)
		}
	}
	victim := d.from(t, "127.0.0.2")
	for range 20 {
		if a := victim.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
			t.Errorf("another caller: %d %s", a.status, a.body)
		}
	}
	close(release)
	for range mayHave {
		if err := <-ended; err != nil {
			t.Errorf("a call within the limit: %v", err)
		}
	}
}
