// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// consoleFile is the configuration of the gateway that the console shows: something of everything that it has a page for.
const consoleFile = `version: v1
listeners:
  - {name: public, address: "127.0.0.1:0"}
  - {name: secure, address: "127.0.0.1:0", tls: {cert: %[1]s, key: %[2]s%[6]s}}
schemas:
  sources: [{name: bookstore, protos: {dir: %[3]s, watch: true}}, {name: garden, upload: {}}]
backends:
  bookstore:
    endpoints: [%[4]s]
    circuit_breaker: {failure_percent: 90, min_calls: 200}
  archive: {endpoints: [%[4]s]}
auth:
  providers:
    mobile:
      jwt: {issuer: "https://login.acme.example/", audiences: [acme-mobile], algorithms: [ES256], jwks_file: jwks.json, claims: {forward: {sub: x-user-id}}}
    partner: {api_key: {keys_file: keys.yaml}}
defaults: {auth: [mobile, partner, none]}
services:
  - {match: bookstore.v1.CoverService, backend: archive}
  - match: "**"
    backend: bookstore
    methods:
      - {name: GetShelf, policy: {timeout: 2s, cache: {ttl: 5s, shared: true}}}
rate_limits:
  rules:
    - {name: per-caller, key: "auth.subject || client.address", limit: 5000/s}
    - {name: new-shelves, match: bookstore.v1.BookstoreService/CreateShelf, key: client.address, limit: 3/m}
observability: {tracing: {link: "https://jaeger.acme.example/trace/{trace_id}?from=console"}}
admin: {address: "127.0.0.1:0", data_dir: %[7]s%[5]s}
shutdown: {drain: 1s}
`

// identity signs tokens that the gateway believes in.
type identity struct {
	key *ecdsa.PrivateKey
}

// newIdentity puts its key into the folder, where the configuration looks for it.
func newIdentity(t *testing.T, folder string) *identity {
	t.Helper()
	id := &identity{key: newKey(t)}
	point, err := id.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	const half = 32
	keys := map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "kid": "2026-11", "alg": "ES256", "use": "sig", "x": encode(point[1 : 1+half]), "y": encode(point[1+half:]),
	}}}
	data, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(folder, "jwks.json"), string(data))
	return id
}

// token is one of a subject.
func (id *identity) token(t *testing.T, subject string, life time.Duration) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"iss": "https://login.acme.example/", "aud": "acme-mobile", "sub": subject, "exp": time.Now().Add(life).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	text := encode([]byte(`{"alg":"ES256","kid":"2026-11"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, id.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	const half = 32
	signature := make([]byte, 2*half)
	r.FillBytes(signature[:half])
	s.FillBytes(signature[half:])
	return text + "." + encode(signature)
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// writeConsoleFile writes the configuration with its files into a folder. tls and admin are more of these sections.
func writeConsoleFile(t *testing.T, folder, protos string, addresses []string, c *certificate, tls, admin string) (file string) {
	t.Helper()
	endpoints := make([]string, 0, len(addresses))
	for i, a := range addresses {
		endpoints = append(endpoints, fmt.Sprintf("{address: %q, zone: %c}", a, 'a'+rune(i%2)))
	}
	writeText(t, filepath.Join(folder, "keys.yaml"), "keys: []\n")
	file = filepath.Join(folder, "dragoman.yaml")
	writeText(t, file, fmt.Sprintf(consoleFile, c.cert, c.key, protos, strings.Join(endpoints, ", "), admin, tls, filepath.Join(folder, "data")))
	return file
}

func writeText(t *testing.T, file, text string) {
	t.Helper()
	const mode = 0o600
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
