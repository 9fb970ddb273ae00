// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

// patience is how long a test waits for what must come. Nothing takes that long unless something is broken.
const patience = 30 * time.Second

// pebbleFolder has the module by which Pebble is built, seen from here.
const pebbleFolder = "../../../../tools/pebble"

// blocked is a name that the authority gives no certificate for.
const blocked = "blocked.acme.test"

// pebble builds the authority, once.
var pebble = sync.OnceValues(func() (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", "tool", "-n", "pebble")
	cmd.Dir = pebbleFolder
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, wrong.String())
	}
	return strings.TrimSpace(out.String()), nil
})

// authority is Pebble. All its names lead to this machine.
type authority struct {
	directory string // its URL
	root      string // a file with the certificate of its server
	secure    string // the address at which it looks for tls-alpn-01
	plain     string // that for http-01

	management string
	config     string // a file
	dns        string
	client     *http.Client
	log        bytes.Buffer
	process    *exec.Cmd
}

// authoritySettings are what differs between tests.
type authoritySettings struct {
	validity time.Duration // of what it issues; 0 means long
	eab      map[string]string
	ocsp     string // where certificates say that their responder is; "" for nowhere
}

// newAuthority prepares an authority, which does not run yet.
func newAuthority(t *testing.T, s authoritySettings) *authority {
	t.Helper()
	listen := freePort(t)
	a := &authority{directory: "https://" + listen + "/dir", secure: freePort(t), plain: freePort(t), management: freePort(t)}
	a.dns = resolvertest.NewDNS(t, netip.MustParseAddr("127.0.0.1")).Address()
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir)
	a.root, a.config = certificate, filepath.Join(dir, "pebble.json")
	pool := x509.NewCertPool()
	data, err := os.ReadFile(certificate)
	if err != nil || !pool.AppendCertsFromPEM(data) {
		t.Fatal(err)
	}
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	if s.validity == 0 {
		s.validity = 90 * 24 * time.Hour
	}
	algorithm := "ecdsa"
	if s.ocsp != "" {
		algorithm = "rsa" // it gives away its key, with which the responder signs, only of this kind
	}
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": a.management, "certificate": certificate, "privateKey": key,
		"httpPort": port(t, a.plain), "tlsPort": port(t, a.secure), "domainBlocklist": []string{blocked}, "keyAlgorithm": algorithm,
		"externalAccountBindingRequired": s.eab != nil, "externalAccountMACKeys": s.eab,
		"ocspResponderURL": s.ocsp,
		"retryAfter":       map[string]int{"authz": 1, "order": 1},
		"profiles":         map[string]any{"default": map[string]any{"description": "of the test", "validityPeriod": int(s.validity.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, a.config, string(text))
	t.Cleanup(a.kill)
	return a
}

// run starts it, and waits until it answers. It knows nothing of what was before.
func (a *authority) run(t *testing.T) *authority {
	t.Helper()
	program, err := pebble()
	if err != nil {
		t.Fatalf("pebble cannot be built: %v", err)
	}
	a.log.Reset()
	a.process = exec.CommandContext(context.WithoutCancel(t.Context()), program, "-config", a.config, "-dnsserver", a.dns)
	a.process.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	a.process.Stdout, a.process.Stderr = &a.log, &a.log
	if err := a.process.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return a.get(t, a.directory, io.Discard) })
	return a
}

// kill ends it.
func (a *authority) kill() {
	if a.process != nil {
		_ = a.process.Process.Kill()
		_ = a.process.Wait()
		a.process = nil
	}
}

func (a *authority) get(t *testing.T, url string, to io.Writer) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	_, err = io.Copy(to, answer.Body)
	return err
}

// trusted are the certificates by which what it issues is checked.
func (a *authority) trusted(t *testing.T) *x509.CertPool {
	t.Helper()
	var root bytes.Buffer
	if err := a.get(t, "https://"+a.management+"/roots/0", &root); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root.Bytes()) {
		t.Fatal("the authority has no root")
	}
	return pool
}

// freePort returns an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	for range 20 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", l.Addr().String())
		_ = l.Close()
		if err == nil {
			_ = udp.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free for both TCP and UDP")
	return ""
}

func port(t *testing.T, address string) uint16 {
	t.Helper()
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port()
}

// own is the certificate of clients that are asked for one.
var own = sync.OnceValue(func() []tls.Certificate {
	certificate, key, err := makeCertificate()
	if err != nil {
		return nil
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil
	}
	return []tls.Certificate{pair}
})

// makeCertificate makes a certificate for this machine, as PEM.
func makeCertificate() (certificate, key []byte, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"file.acme.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(own)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), err
}

// selfSigned writes such a certificate into files.
func selfSigned(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	pair, private, err := makeCertificate()
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	write(t, certificate, string(pair))
	write(t, key, string(private))
	return certificate, key
}

func write(t *testing.T, file, text string) {
	t.Helper()
	const mode = 0o600
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// eventually polls until ok returns nil; what it last returned is the failure.
func eventually(t *testing.T, ok func() error) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	end := time.Now().Add(patience)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it did not come to be in %s: %v", patience, err)
		}
		<-ticker.C
	}
}
