// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"crypto/tls"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/internal/certificatetest"
)

// An endpoint's certificate is checked for its server name, and why it is refused is told.
func TestServerName(t *testing.T) {
	t.Parallel()
	cert, pool := certificatetest.New(t, "books.test")
	b := newBackend(t, grpc.Creds(credentials.NewServerTLSFromCert(&cert)))
	named := func(name string) []endpoint.Endpoint {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{b.address}, ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		return []endpoint.Endpoint{e}
	}
	trusting := credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
	good := open(t, balancer.Config{Endpoints: named("books.test"), Credentials: trusting})
	if _, err := unary(t.Context(), good); err != nil {
		t.Error(err)
	}
	expecting := credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, ServerName: "films.test"})
	for name, tt := range map[string]struct {
		server string
		creds  credentials.TransportCredentials
		want   string
	}{
		"another name":                {"films.test", trusting, "certificate is for books.test, expected films.test"},
		"no name":                     {"", trusting, "certificate is for books.test, expected 127.0.0.1"},
		"the name of the credentials": {"", expecting, "certificate is for books.test, expected films.test"},
		"unknown issuer":              {"books.test", credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12}), "unknown authority"},
	} {
		c := open(t, balancer.Config{Endpoints: named(tt.server), Credentials: tt.creds})
		s := states(t, c, "failing", func(s []balancer.State) bool { return len(s) == 1 && s[0].Condition == balancer.Failing })
		if r := s[0].Reason; !strings.HasPrefix(r, "tls: ") || !strings.Contains(r, tt.want) {
			t.Errorf("%s: reason %q does not say %q", name, r, tt.want)
		}
	}
	// Plain text to a TLS server, the commonest mistake of all.
	plain := open(t, balancer.Config{Target: b.address})
	s := states(t, plain, "failing", func(s []balancer.State) bool { return len(s) == 1 && s[0].Condition == balancer.Failing })
	if !strings.Contains(s[0].Reason, "is TLS right?") && s[0].Reason != "connection reset" {
		t.Errorf("reason %q", s[0].Reason)
	}
}

// The limit of streams is heard above TLS too.
func TestStreamsThatAreUsedUpBehindTLS(t *testing.T) {
	t.Parallel()
	cert, pool := certificatetest.New(t, "books.test")
	b := newBackend(t, grpc.Creds(credentials.NewServerTLSFromCert(&cert)), grpc.MaxConcurrentStreams(5), slowly(50*time.Millisecond))
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{b.address}, ServerName: "books.test"})
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, balancer.Config{
		Endpoints: []endpoint.Endpoint{e}, Credentials: credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}),
	})
	ready(t, c, 1)
	var calls sync.WaitGroup
	for range 40 {
		calls.Go(func() {
			if _, err := unary(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if n := c.Endpoints()[0].Connections; n < 2 {
		t.Errorf("%d connection for 40 calls", n)
	}
}
