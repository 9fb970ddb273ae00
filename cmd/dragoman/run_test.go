// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// completeConfig has every section of the file. ${BOOKS} is the address of the backend.
const completeConfig = `version: v1
listeners:
  - name: public
    address: "127.0.0.1:0"
    protocols: [http1, http2]
    tls: {cert: tls/server.crt, key: tls/server.key, min_version: "1.2"}
    limits: {max_message: 1MiB, max_header: 16KiB, header_timeout: 5s}
    connections: {max_idle: 1m, max_concurrent_streams: 100}
  - name: internal
    address: "127.0.0.1:0"
    protocols: [http1, h2c]
schemas:
  sources:
    - name: repo
      protos: {dir: ./proto, watch: true}
  expose: ["bookstore.**"]
  hide: [bookstore.v1.CoverService]
  on_conflict: reject
backends:
  books:
    endpoints: [{address: "${BOOKS}", weight: 2, zone: a}]
    load_balancing: {policy: round_robin}
    keepalive: {time: 1m, timeout: 10s}
defaults: {timeout: 10s, max_timeout: 30s, stream_idle_timeout: 5m}
services:
  - match: bookstore.v1.*
    backend: books
    methods:
      - {name: ListShelves, policy: {timeout: 2s}}
json: {emit_defaults: omit}
routes: {trailing_slash: strict, unknown_query: reject}
observability:
  log: {level: info, format: json}
  access_log: {output: ./access.log}
admin: {address: "127.0.0.1:0"}
shutdown: {drain: 10s}
`

// startComplete runs the gateway with the complete configuration, and a certificate with this serial number.
func startComplete(t *testing.T, serial int64) (*process, *servingLine, string) {
	t.Helper()
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", strings.ReplaceAll(completeConfig, "${BOOKS}", startBackend(t)))
	writeCertificate(t, dir, serial)
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	return p, p.serving(), dir
}

// writeCertificate makes a certificate for 127.0.0.1 and puts it where the configuration has it.
func writeCertificate(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "dragoman test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "tls/server.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, dir, "tls/server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// serial returns the serial number of the certificate that a listener shows.
func serial(t *testing.T, address string) int64 {
	t.Helper()
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is looked at, and nothing is sent
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64() //nolint:errcheck,forcetypeassert // tls.Dialer documents it
}

// secure is a client that trusts the certificate on disk.
func secure(t *testing.T, dir string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(readFile(t, filepath.Join(dir, "tls/server.crt")))) {
		t.Fatal("the certificate on disk is none")
	}
	c := client(t)
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// request makes a GET request.
func request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunServesACompleteConfiguration(t *testing.T) {
	t.Parallel()
	p, s, dir := startComplete(t, 1)
	if s.Methods != 12 || s.Routes != 14 || len(s.Listeners) != 2 {
		t.Errorf("it says that it serves %+v; want 12 methods, 14 routes, 2 listeners", s)
	}
	public, internal := "https://"+s.Listeners["public"], "http://"+s.Listeners["internal"]

	// Both listeners serve, the first in HTTP/2 over TLS.
	response, err := secure(t, dir).Do(request(t, public+"/v1/shelves"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("the public listener answers %s in %s; want 200 in HTTP/2.0", response.Status, response.Proto)
	}
	if code, body := get(t, "http://"+s.Listeners["public"]+"/v1/shelves"); code != http.StatusBadRequest {
		t.Errorf("the public listener answers %d %s in clear text; want 400", code, body)
	}
	wantAnswer(t, internal+"/v1/shelves", http.StatusOK, "shelves/classics")
	shelves, err := bookstorev1.NewBookstoreServiceClient(dial(t, s.Listeners["internal"])).ListShelves(t.Context(), &bookstorev1.ListShelvesRequest{})
	if err != nil || len(shelves.GetShelves()) != 3 {
		t.Errorf("ListShelves: %v, %v; want 3 shelves", shelves, err)
	}

	// What the file says of schemas, JSON and routes is in force.
	wantAnswer(t, internal+"/v1/shelves/classics/books/emma/cover", http.StatusNotFound, "no route")
	wantAnswer(t, internal+"/v1/shelves/", http.StatusNotFound, "no route")
	wantAnswer(t, internal+"/v1/shelves?colour=blue", http.StatusBadRequest, "colour")
	if _, body := get(t, internal+"/v1/shelves"); strings.Contains(body, "nextPageToken") {
		t.Errorf("emit_defaults is omit, and the answer is %s", body)
	}
	wantAnswer(t, "http://"+s.Admin+"/readyz", http.StatusOK, `"status":"ok"`)

	p.signal(syscall.SIGTERM)
	p.exits(0)
	if out := p.out.String(); out != "" {
		t.Errorf("the standard output has %q; want nothing: logs go to the error output and to the file", out)
	}
}

// TestRunReadsCertificatesAgain replaces a certificate under a running gateway: the new one is shown without a restart, and one that
// cannot be read leaves the last good one in force.
func TestRunReadsCertificatesAgain(t *testing.T) {
	t.Parallel()
	p, s, dir := startComplete(t, 1)
	address := s.Listeners["public"]
	shows := func(want int64) {
		t.Helper()
		eventually(t, patience, func() string {
			if got := serial(t, address); got != want {
				return fmt.Sprintf("the certificate has number %d; want %d", got, want)
			}
			return ""
		})
	}
	shows(1)
	writeCertificate(t, dir, 2)
	shows(2)
	if code, body := answer(secure(t, dir), request(t, "https://"+address+"/v1/shelves")); code != http.StatusOK {
		t.Errorf("with the new certificate: %d %s", code, body)
	}
	p.says(p.err, `"msg":"the certificate was reloaded"`)

	write(t, dir, "tls/server.crt", "half a certificate")
	p.says(p.err, `"msg":"the certificate was not reloaded; the one before stays in force"`)
	if got := serial(t, address); got != 2 {
		t.Errorf("with a broken file the certificate has number %d; want 2", got)
	}
	writeCertificate(t, dir, 3)
	shows(3)
}

// TestRunTellsReloads, T7, T14: what dev shows on its screen, run writes into its log.
func TestRunTellsReloads(t *testing.T) {
	t.Parallel()
	p, s, dir := startComplete(t, 1)
	api := "http://" + s.Listeners["internal"]
	const (
		before = `option (google.api.http) = {get: "/v1/shelves"};`
		after  = `option (google.api.http) = {get: "/v1/racks"};`
		broken = `option (google.api.http) = {get: "/v1/{rack}"};`
	)
	edit(t, dir, bookstoreFile, before, broken)
	p.says(p.err, `^\{.*"level":"ERROR".*"problem":"proto/bookstore/v1/bookstore\.proto:23:\d+: error\[DG1103\]: path variable \\"rack\\" is not a field of bookstore\.v1\.ListShelvesRequest".*\}$`)
	p.says(p.err, `^\{.*"level":"ERROR","msg":"the reload was refused; what was loaded before is still served",.*"since":"[^"]+"\}$`)
	wantAnswer(t, api+"/v1/shelves", http.StatusOK, "shelves/classics")
	edit(t, dir, bookstoreFile, broken, after)
	p.says(p.err, `^\{.*"level":"INFO","msg":"reloaded",.*"added":\["GET /v1/racks"\],"removed":\["GET /v1/shelves"\].*\}$`)
	wantAnswer(t, api+"/v1/racks", http.StatusOK, "shelves/classics")
}

// TestRunTellsAllPortsThatAreTaken: not only the first, and nothing stays behind.
func TestRunTellsAllPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	one, two := startBackend(t), startBackend(t)
	dir := t.TempDir()
	write(t, dir, "dragoman.yaml", `version: v1
listeners: [{name: one, address: "`+one+`"}, {name: two, address: "`+two+`"}]
schemas: {sources: [{reflection: {backend: books}}]}
backends: {books: {target: "`+one+`"}}
services: [{match: "**", backend: books}]
admin: {address: "127.0.0.1:0"}
`)
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	p.exits(1)
	for name, address := range map[string]string{"one": one, "two": two} {
		p.says(p.err, `listener "`+name+`": listen tcp `+address+`: bind: address already in use$`)
	}
}
