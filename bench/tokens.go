// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// What the tokens of callers say.
const (
	issuer   = "bench"
	audience = "library"
)

// tokens is a key with which callers' tokens are signed.
type tokens struct {
	keys   string // the file with the public half, as a JWKS
	bearer string // a token
}

func newTokens(folder string) (*tokens, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, then x and y
	if err != nil {
		return nil, err
	}
	const half = 32
	encode := base64.RawURLEncoding.EncodeToString
	set := map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "use": "sig", "x": encode(point[1 : 1+half]), "y": encode(point[1+half:]),
	}}}
	t := &tokens{keys: filepath.Join(folder, "jwks.json")}
	data, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(t.keys, data, 0o600); err != nil {
		return nil, err
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "aud": audience, "sub": "reader", "roles": []string{"reader"}, "iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
	})
	if err != nil {
		return nil, err
	}
	signed := encode([]byte(`{"alg":"ES256","kid":"1","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 2*half)
	r.FillBytes(signature[:half])
	s.FillBytes(signature[half:])
	t.bearer = fmt.Sprintf("%s.%s", signed, encode(signature))
	return t, nil
}
