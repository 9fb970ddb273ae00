// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package jwttest provides an issuer of tokens for tests.
package jwttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"testing"
	"time"
)

// Issuer and Audience are what tokens have unless a test says otherwise.
const (
	Issuer   = "https://login.example/"
	Audience = "acme"
)

// Key signs tokens.
type Key struct {
	// ID is the kid, Algorithm the alg.
	ID, Algorithm string
	// Signer is the private key.
	Signer crypto.Signer
}

// NewKey makes a key for an algorithm.
func NewKey(t testing.TB, id, algorithm string) *Key {
	t.Helper()
	const bits = 2048
	var (
		signer crypto.Signer
		err    error
	)
	switch algorithm[:2] {
	case "RS", "PS":
		signer, err = rsa.GenerateKey(rand.Reader, bits)
	case "ES":
		signer, err = ecdsa.GenerateKey(map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[algorithm], rand.Reader)
	default:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Key{ID: id, Algorithm: algorithm, Signer: signer}
}

// Encode writes base64url without padding.
func Encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// JWK returns the public key as it stands in a set.
func (k *Key) JWK() map[string]any {
	j := map[string]any{"kid": k.ID, "use": "sig"}
	switch public := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", Encode(public.N.Bytes()), Encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		must(err)
		half := (len(point) - 1) / 2
		j["kty"], j["crv"], j["x"], j["y"] = "EC", public.Params().Name, Encode(point[1:1+half]), Encode(point[1+half:])
	case ed25519.PublicKey:
		j["kty"], j["crv"], j["x"] = "OKP", "Ed25519", Encode(public)
	}
	return j
}

// Set returns a key set as JSON.
func Set(keys ...*Key) []byte {
	list := []any{}
	for _, k := range keys {
		list = append(list, k.JWK())
	}
	return JSON(map[string]any{"keys": list})
}

// JSON writes a value.
func JSON(v any) []byte {
	data, err := json.Marshal(v)
	must(err)
	return data
}

// must ends the test: nothing here fails but by a mistake in it.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // there is no caller who could do something
	}
}

// Claims are those of a good token of a subject, with more or others; nil takes one out.
func Claims(subject string, more map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{"iss": Issuer, "aud": Audience, "sub": subject, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Header is that of a good token by the key, with more or others; nil takes one out.
func (k *Key) Header(more map[string]any) map[string]any {
	header := map[string]any{"alg": k.Algorithm, "kid": k.ID, "typ": "JWT"}
	maps.Copy(header, more)
	maps.DeleteFunc(header, func(_ string, v any) bool { return v == nil })
	return header
}

// Token makes a token of a subject.
func (k *Key) Token(subject string, more map[string]any) string {
	return k.Sign(JSON(k.Header(nil)), JSON(Claims(subject, more)))
}

// Sign makes a token of texts, whatever they are, with a signature that is right.
func (k *Key) Sign(header, claims []byte) string {
	text := Encode(header) + "." + Encode(claims)
	return text + "." + Encode(k.Signature(text))
}

// HMAC makes a token that a secret signs.
func HMAC(secret, header, claims []byte) string {
	text := Encode(header) + "." + Encode(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + Encode(mac.Sum(nil))
}

// Signature signs a text.
func (k *Key) Signature(text string) []byte {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[k.Algorithm[2:]]
	digest := []byte(text)
	if hash != 0 {
		h := hash.New()
		h.Write(digest)
		digest = h.Sum(nil)
	}
	if private, ok := k.Signer.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, private, digest)
		must(err)
		const perByte = 8
		size := (private.Params().BitSize + perByte - 1) / perByte
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	var options crypto.SignerOpts = hash
	if k.Algorithm[:2] == "PS" {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := k.Signer.Sign(rand.Reader, digest, options)
	must(err)
	return signature
}
