// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/internal/certificatetest"
)

// secure starts a server over TLS.
func secure(tb testing.TB, s *server, cert tls.Certificate, protocols ...string) *server { //nolint:gocritic // as tls has it
	tb.Helper()
	s.serve(tls.NewListener(listen(tb), &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protocols, MinVersion: tls.VersionTLS12}))
	tb.Cleanup(s.stop)
	return s
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// A server's name is the authority, unless its address has one of its own, and what a call names instead must be one that the certificate has.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, pool := certificatetest.New(t, authority, "named.test", "other.test")
	creds := credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
	for name, tt := range map[string]struct {
		server string
		opts   []grpc.CallOption
		seen   string // as the authority; "" for nothing
	}{
		"the authority":                        {seen: authority},
		"a server name":                        {server: "named.test", seen: "named.test"},
		"another authority":                    {opts: []grpc.CallOption{grpc.CallAuthority("other.test:443")}, seen: "other.test:443"},
		"another authority and a server name":  {server: "named.test", opts: []grpc.CallOption{grpc.CallAuthority("other.test")}, seen: "other.test"},
		"an authority that it does not have":   {opts: []grpc.CallOption{grpc.CallAuthority("strange.test")}},
		"an authority that is an IP address":   {opts: []grpc.CallOption{grpc.CallAuthority("127.0.0.1")}},
		"an authority that is not one at all":  {opts: []grpc.CallOption{grpc.CallAuthority("a b")}},
		"an authority that is empty is no one": {opts: []grpc.CallOption{grpc.CallAuthority("")}, seen: authority},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan *request, 1)
			s := secure(t, &server{ended: func(c *conn, r *request) {
				requests <- r
				answering("one")(c, r.id)
			}}, cert, "h2")
			var channels [2]*channel
			for i, side := range sides {
				set := to(s.address)
				set.creds, set.addresses[0].ServerName = creds, tt.server
				channels[i] = side.open(t, set)
			}
			for i := range kinds {
				var got [2]*outcome
				for j, c := range channels {
					got[j] = kinds[i].do(t.Context(), c, tt.opts...)
					seen, scheme := "", ""
					select {
					case r := <-requests:
						seen, scheme = strings.Join(r.get(":authority"), "|"), strings.Join(r.get(":scheme"), "|")
					default:
					}
					if seen != tt.seen || seen != "" && scheme != "https" {
						t.Errorf("%s: %s: the server is called %q by %q; it must be %q", sides[j].name, kinds[i].name, seen, scheme, tt.seen)
					}
				}
				if diff := cmp.Diff(got[1], got[0], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s: the engine differs (-grpc +engine):\n%s", kinds[i].name, diff)
				}
			}
		})
	}
}

// Why there is no connection is told to the balancer, and by it to calls that do not wait, with the words of who knows.
func TestConnectionsThatFail(t *testing.T) {
	t.Parallel()
	cert, pool := certificatetest.New(t, authority)
	strangers, _ := certificatetest.New(t, "strange.test")
	trusting := credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
	saying := func(what string) func(*testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			l := listen(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(c, what) // it may be gone
					_ = c.Close()
				}
			}()
			t.Cleanup(func() {
				_ = l.Close()
				<-done
			})
			return l.Addr().String()
		}
	}
	over := func(cert tls.Certificate, protocols ...string) func(*testing.T) string {
		return func(t *testing.T) string { t.Helper(); return secure(t, &server{}, cert, protocols...).address }
	}
	for name, tt := range map[string]struct {
		server func(*testing.T) string
		creds  credentials.TransportCredentials
		want   []string // both sides' errors say it
	}{
		"another name":            {over(strangers, "h2"), trusting, []string{"strange.test", authority}},
		"an unknown authority":    {over(cert, "h2"), credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12}), []string{"x509: certificate signed by unknown authority"}},
		"no protocol":             {over(cert), trusting, []string{"credentials: cannot check peer: missing selected ALPN property"}},
		"another protocol":        {over(cert, "http/1.1"), trusting, []string{"tls: no application protocol"}},
		"no TLS":                  {saying("HTTP/1.1 400 Bad Request\r\n\r\n"), trusting, []string{"tls: first record does not look like a TLS handshake"}},
		"nobody there":            {func(t *testing.T) string { t.Helper(); l := listen(t); _ = l.Close(); return l.Addr().String() }, nil, []string{"connect: connection refused"}},
		"a server of HTTP/1.1":    {saying("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, nil},
		"a server that goes away": {saying(""), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := tt.server(t)
			for _, side := range sides {
				set := to(at)
				set.script, set.creds = &script{stay: true}, tt.creds
				c := side.open(t, set)
				until(t, "failing", func() bool {
					set.script.mu.Lock()
					defer set.script.mu.Unlock()
					return set.script.failure != nil
				})
				for i := range kinds {
					o := kinds[i].do(t.Context(), c, grpc.WaitForReady(false))
					if o.Code != codes.Unavailable || o.Text == "" {
						t.Errorf("%s: %s: %v %q", side.name, kinds[i].name, o.Code, o.Text)
					}
					for _, want := range tt.want {
						if !strings.Contains(o.Text, want) {
							t.Errorf("%s: %s: %q does not say %q", side.name, kinds[i].name, o.Text, want)
						}
					}
				}
				set.script.mu.Lock()
				if err := set.script.failure; side.name == "engine" && name == "a server that goes away" && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
					t.Errorf("the balancer is told %v", err)
				}
				set.script.mu.Unlock()
			}
		})
	}
}
