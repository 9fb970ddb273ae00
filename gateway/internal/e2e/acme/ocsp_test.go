// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/crypto/ocsp"

	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// responder answers by OCSP that certificates are good, or revoked, in the name of who issued them.
type responder struct {
	url string

	mu      sync.Mutex
	hangs   bool              // it takes questions and never answers; guarded by mu
	aged    bool              // its answers are of an hour ago, and due to be asked for again; guarded by mu
	issuer  *x509.Certificate // nil before it is known, when nothing is answered; guarded by mu
	key     crypto.Signer     // guarded by mu
	asked   []*big.Int        // for these; guarded by mu
	revoked map[string]int    // reasons, by number; guarded by mu
}

func newResponder(t *testing.T) *responder {
	t.Helper()
	r := &responder{}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *responder) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hangs {
		r.mu.Unlock()
		<-request.Context().Done()
		r.mu.Lock()
		return
	}
	question, err := ocsp.ParseRequest(body)
	if err != nil || r.issuer == nil {
		http.Error(w, "no answer", http.StatusBadRequest)
		return
	}
	r.asked = append(r.asked, question.SerialNumber)
	now := time.Now()
	says := ocsp.Response{Status: ocsp.Good, SerialNumber: question.SerialNumber, ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}
	if r.aged {
		says.ThisUpdate, says.NextUpdate = now.Add(-time.Hour), now.Add(time.Minute)
	}
	if reason, ok := r.revoked[question.SerialNumber.String()]; ok {
		says.Status, says.RevocationReason, says.RevokedAt = ocsp.Revoked, reason, now.Add(-time.Minute)
	}
	answer, err := ocsp.CreateResponse(r.issuer, r.issuer, says, r.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	_, _ = w.Write(answer) // who has left is not told
}

// answersFor has it answer for what an authority issues.
func (r *responder) answersFor(t *testing.T, a *authority) {
	t.Helper()
	of := func(what string) []byte {
		var text bytes.Buffer
		if err := a.get(t, "https://"+a.management+"/"+what+"/0", &text); err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text.Bytes())
		if block == nil {
			t.Fatalf("%s is %q", what, text.String())
		}
		return block.Bytes
	}
	issuer, err := x509.ParseCertificate(of("intermediates"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS1PrivateKey(of("intermediate-keys"))
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issuer, r.key = issuer, key
}

// revokes has it say from now on that a certificate is revoked.
func (r *responder) revokes(leaf *x509.Certificate, reason int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked == nil {
		r.revoked = map[string]int{}
	}
	r.revoked[leaf.SerialNumber.String()] = reason
}

// was says whether it was asked for a certificate.
func (r *responder) was(askedFor *x509.Certificate) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, serial := range r.asked {
		if serial.Cmp(askedFor.SerialNumber) == 0 {
			return true
		}
	}
	return false
}

// state is what a client learns in a handshake.
func state(t *testing.T, address, name string) (tls.ConnectionState, error) {
	t.Helper()
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}} //nolint:gosec // what is stapled is looked at
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState(), nil //nolint:errcheck // tls.Dialer returns no other
}

// ofFile writes a certificate whose issuer names a responder, and the issuer's, into files.
func ofFile(t *testing.T, responder string) (certificate, key string) {
	t.Helper()
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	first, err := x509.CreateCertificate(rand.Reader, issuer, issuer, authority.Public(), authority)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: issuer.NotBefore, NotAfter: issuer.NotAfter, DNSNames: []string{"file.acme.test"}, OCSPServer: []string{responder}, //nolint:mnd // another one
	}
	second, err := x509.CreateCertificate(rand.Reader, leaf, issuer, own.Public(), authority)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "file.crt"), filepath.Join(dir, "file.key")
	write(t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: second}))+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: first})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return certificate, key
}

// What the responder says of a certificate that came by ACME is stapled, also after a restart while the responder is away; nothing is asked of a certificate from files, and nothing stapled to it.
func TestOCSPIsStapledToWhatCameByACME(t *testing.T) {
	t.Parallel()
	r := newResponder(t)
	a := newAuthority(t, authoritySettings{ocsp: r.url}).run(t)
	r.answersFor(t, a)
	certificate, key := ofFile(t, r.url)
	s := &settings{authority: a, domains: "[stapled.acme.test]", tls: fmt.Sprintf(", cert: %q, key: %q", certificate, key)}
	d := start(t, s)
	stapled := func() {
		t.Helper()
		eventually(t, func() error {
			got, err := state(t, a.secure, "stapled.acme.test")
			if err != nil {
				return err
			}
			leaf := got.PeerCertificates[0]
			if leaf.DNSNames[0] != "stapled.acme.test" {
				return errors.New("the certificate has not come yet")
			}
			answer, err := ocsp.ParseResponseForCert(got.OCSPResponse, leaf, got.PeerCertificates[1])
			if err != nil || answer.Status != ocsp.Good || !r.was(leaf) {
				t.Fatalf("%d bytes are stapled: %+v, %v", len(got.OCSPResponse), answer, err)
			}
			return nil
		})
	}
	stapled()
	conn, err := quic.DialAddr(t.Context(), a.secure, &tls.Config{ServerName: "stapled.acme.test", RootCAs: a.trusted(t), NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatalf("over QUIC: %v", err)
	}
	over := conn.ConnectionState().TLS
	_ = conn.CloseWithError(0, "")
	if answer, err := ocsp.ParseResponseForCert(over.OCSPResponse, over.PeerCertificates[0], over.PeerCertificates[1]); err != nil || answer.Status != ocsp.Good {
		t.Errorf("over QUIC %d bytes are stapled: %v", len(over.OCSPResponse), err)
	}
	file, err := state(t, a.secure, "file.acme.test")
	if err != nil {
		t.Fatal(err)
	}
	if leaf := file.PeerCertificates[0]; leaf.OCSPServer[0] != r.url || len(file.OCSPResponse) > 0 || r.was(leaf) {
		t.Errorf("of the certificate from files %d bytes are stapled, and the responder was asked: %t", len(file.OCSPResponse), r.was(leaf))
	}
	d.stop(t)
	r.mu.Lock()
	r.issuer = nil
	r.mu.Unlock()
	start(t, s)
	stapled()
}

// A certificate that is revoked is replaced, its key too, as soon as the responder says so, while the gateway runs; the others stay.
func TestRevokedCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	r := newResponder(t)
	r.aged = true
	a := newAuthority(t, authoritySettings{ocsp: r.url}).run(t)
	r.answersFor(t, a)
	for name, reason := range map[string]int{"superseded.acme.test": ocsp.Superseded, "compromised.acme.test": ocsp.KeyCompromise} {
		s := &settings{authority: a, domains: fmt.Sprintf("[%s, good.acme.test]", name), more: ", renew_before: 5s"}
		d := start(t, s)
		first, good := d.issued(t, a, a.secure, name), d.issued(t, a, a.secure, "good.acme.test")
		r.revokes(first, reason)
		var second *x509.Certificate
		eventually(t, func() error {
			var err error
			if second, err = shake(t, a.secure, name, a.trusted(t)); err == nil && second.Equal(first) {
				return fmt.Errorf("%s still has the certificate that is revoked", name)
			}
			return err
		})
		if key, ok := second.PublicKey.(*ecdsa.PublicKey); !ok || key.Equal(first.PublicKey) {
			t.Errorf("%s has the key of what was revoked", name)
		}
		if got := d.issued(t, a, a.secure, "good.acme.test"); !got.Equal(good) || !r.was(good) {
			t.Errorf("a certificate that is good was replaced, or the responder not asked for it: %t", r.was(good))
		}
		d.stop(t)
		d = start(t, s)
		if got := d.issued(t, a, a.secure, name); got.Equal(first) {
			t.Errorf("after a restart %s has the certificate that is revoked", name)
		}
		d.stop(t)
	}
}

// A responder that takes questions and never answers does not keep a certificate from being shown, nor a gateway from stopping.
func TestFaultyResponderHoldsUpNothing(t *testing.T) {
	t.Parallel()
	if !faults.Held() {
		t.Skip("half a minute for each question; make faults has it")
	}
	r := newResponder(t)
	r.hangs = true
	a := newAuthority(t, authoritySettings{ocsp: r.url}).run(t)
	s := &settings{authority: a, domains: "[unstapled.acme.test]"}
	d := start(t, s)
	unstapled := func() {
		t.Helper()
		for began := time.Now(); ; {
			got, err := state(t, a.secure, "unstapled.acme.test")
			if err == nil && len(got.OCSPResponse) == 0 {
				return
			}
			if time.Since(began) > 3*patience {
				t.Fatalf("there is no certificate: %v", err)
			}
			<-time.After(patience / 100)
		}
	}
	unstapled()
	d.stop(t)
	start(t, s)
	unstapled()
}
