// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package mtls_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/mtls"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// client makes a certificate of a client.
func (a *authority) client(t testing.TB, edit func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(255), Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Minute),
	}
	if edit != nil {
		edit(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil // Go itself refuses it, before anybody sees it
	}
	return cert
}

func dns(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func uri(t testing.TB, text string) func(*x509.Certificate) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *x509.Certificate) { c.URIs = []*url.URL{u} }
}

// with is a request on a connection whose client showed certificates.
func with(chain ...*x509.Certificate) *transcoder.Request {
	r := authtest.Request("user-agent", "test")
	r.TLS = &tls.ConnectionState{PeerCertificates: chain}
	return r
}

func provider(t testing.TB, ca []byte, allow ...string) (*mtls.Provider, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := mtls.New(mtls.Config{Name: "mesh", CA: file, Allow: allow, Forward: map[string]string{"sub": "x-client", "serial": "x-serial"}})
	if err != nil {
		t.Fatal(err)
	}
	return p, file
}

func TestContract(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	p, _ := provider(t, a.pem(), "dns:*.clients.example", "uri:spiffe://acme/ns/*")
	authtest.Run(t, authtest.Subject{
		Provider: p,
		Good: map[string]*transcoder.Request{
			"one.clients.example": with(a.client(t, dns("one.clients.example"))), "spiffe://acme/ns/api": with(a.client(t, uri(t, "spiffe://acme/ns/api"))),
			"two.clients.example": with(a.client(t, dns("other.example", "TWO.Clients.example"))),
		},
		Bad: map[string]*transcoder.Request{
			"of somebody else's": with(other.client(t, dns("one.clients.example"))), "no name": with(a.client(t, nil)), "another name": with(a.client(t, dns("one.example"))),
			"expired": with(a.client(t, func(c *x509.Certificate) { dns("one.clients.example")(c); c.NotAfter = time.Now().Add(-time.Second) })),
			"for a server": with(a.client(t, func(c *x509.Certificate) {
				dns("one.clients.example")(c)
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			})),
			"many": with(append([]*x509.Certificate{a.client(t, dns("one.clients.example"))}, make([]*x509.Certificate, 100)...)...),
		},
	})
	id, err := authtest.Authenticate(t.Context(), p, with(a.client(t, dns("one.clients.example"))))
	if err != nil || id.Forward.Get("x-client") != "one.clients.example" || id.Forward.Get("x-serial") != "ff" || id.Expires.IsZero() {
		t.Errorf("got %+v, %v", id, err)
	}
}

// Threat C18: names are compared with names of their kind, whole, and what is odd about one makes it nobody's.
func TestThreatC18NamesOfCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	raw := func(values ...asn1.RawValue) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			value, err := asn1.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}}
		}
	}
	tagged := func(tag int, s string) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(s)}
	}
	const tagEmail, tagDNS, tagURI, tagIP = 1, 2, 6, 7
	p, _ := provider(t, a.pem(), "dns:api.example", "dns:*.wild.example", "uri:spiffe://acme/api", "uri:spiffe://acme/ns/*", "email:a@example", "ip:10.0.0.1", "ip:fe80::1")
	for _, row := range []struct {
		name string
		edit func(*x509.Certificate)
		ok   bool
	}{
		{"dns", dns("api.example"), true},
		{"dns in capitals", dns("API.Example"), true},
		{"dns with more in front", dns("x.api.example"), false},
		{"dns with a dot behind", dns("api.example."), false},
		{"dns with NUL", raw(tagged(tagDNS, "api.example\x00.evil.example")), false},
		{"dns with NUL beside a good one", raw(tagged(tagDNS, "api.example"), tagged(tagDNS, "a\x00b")), false},
		{"dns that is not ASCII", raw(tagged(tagDNS, "api.ex\xe4mple")), false},
		{"dns with a space", raw(tagged(tagDNS, "api.example ")), false},
		{"one label for the star", dns("a.wild.example"), true},
		{"two labels", dns("a.b.wild.example"), false},
		{"no label", dns("wild.example"), false},
		{"an empty label", raw(tagged(tagDNS, ".wild.example")), false},
		{"a star", raw(tagged(tagDNS, "*.wild.example")), false},
		{"the common name is no name", func(c *x509.Certificate) { c.Subject.CommonName = "api.example" }, false},
		{"uri", uri(t, "spiffe://acme/api"), true},
		{"uri in capitals", uri(t, "spiffe://acme/API"), false},
		{"uri with more behind", uri(t, "spiffe://acme/api/x"), false},
		{"uri with a query", uri(t, "spiffe://acme/api?x"), false},
		{"uri of another scheme", uri(t, "https://acme/api"), false},
		{"one segment", uri(t, "spiffe://acme/ns/a"), true},
		{"two segments", uri(t, "spiffe://acme/ns/a/b"), false},
		{"no segment", uri(t, "spiffe://acme/ns/"), false},
		{"a segment that is encoded", uri(t, "spiffe://acme/ns/a%2Fb"), false},
		{"a uri in a dns name", raw(tagged(tagDNS, "spiffe://acme/api")), false},
		{"a dns name in a uri", raw(tagged(tagURI, "dns://api.example")), false},
		{"an email in a dns name", raw(tagged(tagDNS, "a@example")), false},
		{"email", raw(tagged(tagEmail, "a@example")), true},
		{"email of another", raw(tagged(tagEmail, "b@example")), false},
		{"ip", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }, true},
		{"ip, as one of version 6", raw(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagIP, Bytes: net.IPv4(10, 0, 0, 1).To16()}), true},
		{"ip in a dns name", raw(tagged(tagDNS, "10.0.0.1")), false},
		{"ip with a zone in a dns name", raw(tagged(tagDNS, "fe80::1%eth0")), false},
		{"ip of three bytes", raw(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagIP, Bytes: []byte{10, 0, 0}}), false},
	} {
		cert := a.client(t, row.edit)
		if cert == nil {
			if row.ok {
				t.Errorf("%s: the certificate cannot be read", row.name)
			}
			continue
		}
		_, err := authtest.Authenticate(t.Context(), p, with(cert))
		if (err == nil) != row.ok || err != nil && status.ReasonOf(err) != status.ReasonCertificateInvalid {
			t.Errorf("%s: %v; want %t", row.name, err, row.ok)
		}
	}
}

// Threats C16 and C17: who is trusted no more is refused at once, on connections that are open too; a file without certificates changes nothing,
// and starts nothing.
func TestThreatC16C17WhoIsTrustedChanges(t *testing.T) {
	t.Parallel()
	a, b := newAuthority(t), newAuthority(t)
	p, file := provider(t, a.pem())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	ofA, ofB := with(a.client(t, dns("a.example"))), with(b.client(t, dns("b.example")))
	if _, err := authtest.Authenticate(ctx, p, ofA); err != nil {
		t.Fatal(err)
	}
	replace := func(data []byte) {
		if err := os.WriteFile(file+".new", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	replace([]byte("no certificate"))
	replace(b.pem())
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(authtest.Patience); ; <-ticker.C {
		_, errB := authtest.Authenticate(ctx, p, ofB)
		_, errA := authtest.Authenticate(ctx, p, ofA)
		if errA != nil && errB == nil {
			break
		}
		if (errA == nil) == (errB == nil) || time.Now().After(end) {
			t.Fatalf("a: %v, b: %v", errA, errB)
		}
	}
	for _, text := range []string{"", "no certificate"} {
		empty := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(empty, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := mtls.New(mtls.Config{Name: "x", CA: empty}); err == nil {
			t.Errorf("a file with %q is accepted", text)
		}
	}
	if _, err := mtls.New(mtls.Config{Name: "x", CA: "/nothing"}); err == nil {
		t.Error("a file that is not there is accepted")
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, r := range []string{"", "api.example", "dns:", "dns:*", "dns:*.", "dns:a.*.example", "dns:*a.example", "dns:a b", "uri:", "uri:acme", "uri:spiffe://*/a", "uri:spiffe://acme/a*", "email:a", "email:*@a", "ip:a", "ip:fe80::1%eth0", "cn:a", "DNS:a"} {
		if mtls.CheckRule(r) == nil {
			t.Errorf("%q is accepted", r)
		}
	}
}
