// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
)

// The authority looks at the listener itself, which serves from the beginning, and what it gives is shown over TCP and QUIC: to who asks for
// the name, and to who asks for none.
func TestIssuedByTLSALPN01(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{}).run(t)
	// Clients must show a certificate; the authority, which looks, has none.
	d := start(t, &settings{authority: a, domains: "[one.acme.test, Two.acme.test]", more: ", challenges: [tls-alpn-01], key_type: p384", tls: ", client_certificates: require"})
	one, two := d.issued(t, a, a.secure, "one.acme.test"), d.issued(t, a, a.secure, "TWO.acme.test")
	if one.Equal(two) || one.DNSNames[0] != "one.acme.test" || two.DNSNames[0] != "two.acme.test" {
		t.Errorf("the certificates are for %v and %v", one.DNSNames, two.DNSNames)
	}
	if none, err := shake(t, a.secure, "", nil); err != nil || !none.Equal(one) {
		t.Errorf("a client that asks for no name is shown another certificate: %v", err)
	}
	_, err := shake(t, a.secure, "three.acme.test", nil)
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("a name that is not ours: %v; want it to be told so", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, a.secure, &tls.Config{ServerName: "one.acme.test", RootCAs: a.trusted(t), NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatalf("over QUIC: %v", err)
	}
	if got := conn.ConnectionState().TLS.PeerCertificates[0]; !got.Equal(one) {
		t.Error("QUIC shows another certificate")
	}
	_ = conn.CloseWithError(0, "")
	c := client(t, a.secure, "two.acme.test", a.trusted(t))
	if status, body, err := fetch(t, c, "https://two.acme.test/canary/v1/echo"); err != nil || status != http.StatusOK {
		t.Errorf("a call: %d %s %v", status, body, err)
	}
}

// The authority looks at a listener in clear text, which answers it alone; all else there is served as always.
func TestIssuedByHTTP01(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{}).run(t)
	d := start(t, &settings{authority: a, domains: "[web.acme.test]", more: ", challenges: [http-01]"})
	if got := d.issued(t, a, a.secure, "web.acme.test"); got.DNSNames[0] != "web.acme.test" {
		t.Errorf("the certificate is for %v", got.DNSNames)
	}
	plain := direct(t)
	if status, body, err := fetch(t, plain, "http://"+a.plain+"/canary/v1/echo"); err != nil || status != http.StatusOK {
		t.Errorf("a call in clear text: %d %s %v", status, body, err)
	}
	status, body, err := fetch(t, plain, "http://"+a.plain+"/.well-known/acme-challenge/made-up")
	if err != nil || status != http.StatusNotFound || !strings.Contains(body, "no route") {
		t.Errorf("a challenge that nobody set: %d %s %v; want what any unknown path gets", status, body, err)
	}
}

// An account is bound to one that the operator has.
func TestAccountsAreBound(t *testing.T) {
	t.Parallel()
	const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	a := newAuthority(t, authoritySettings{eab: map[string]string{"kid-1": key}}).run(t)
	d := start(t, &settings{authority: a, domains: "[bound.acme.test]", more: fmt.Sprintf(", email: ops@acme.test, eab: {key_id: kid-1, mac_key: %s}", key)})
	d.issued(t, a, a.secure, "bound.acme.test")
	if strings.Contains(d.log.String(), key) {
		t.Error("the log has the key")
	}
}

// A listener that gives no address of an operator has an account of its own, also after another one has given one.
func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	named, nameless := newAuthority(t, authoritySettings{}).run(t), newAuthority(t, authoritySettings{}).run(t)
	d := start(t, &settings{authority: named, domains: "[named.acme.test]", more: ", email: ops@acme.test"})
	d.issued(t, named, named.secure, "named.acme.test")
	d = start(t, &settings{authority: nameless, domains: "[nameless.acme.test]"})
	d.issued(t, nameless, nameless.secure, "nameless.acme.test")
	accounts, err := filepath.Glob(filepath.Join(d.storage, "acme", "*", "users", "*"))
	if err != nil || len(accounts) != 1 || filepath.Base(accounts[0]) != "default" {
		t.Errorf("the accounts are %v, %v; want the one without an address", accounts, err)
	}
}
