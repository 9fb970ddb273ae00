// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package jwks provides the public keys of who signs tokens: read from a JSON Web Key Set (RFC 7517), found by a URL, a file or OpenID
// Connect discovery, and kept fresh in the background.
package jwks

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync/atomic"
)

// Bounds of a key set (threat C7).
const (
	// MaxSet is the size in bytes of the largest key set.
	MaxSet = 1 << 20
	// MaxKeys is how many keys a set may have.
	MaxKeys = 100
	// MinRSA is how many bits the smallest RSA key has.
	MinRSA = 2048
	// MaxRSA is how many bits the largest RSA key has.
	MaxRSA = 8192
	// MaxKeyID is the length in bytes of the longest name of a key.
	MaxKeyID = 256

	maxExponent = 1<<31 - 1
)

// Key is one public key. What it is made of does not change.
type Key struct {
	// ID is its name in tokens; "" for none.
	ID string
	// Public is an *rsa.PublicKey, an *ecdsa.PublicKey or an ed25519.PublicKey.
	Public crypto.PublicKey

	algorithm string // the only one that it is for; "" for all of its kind
	raw       string // what two equal keys have in common
	gone      atomic.Bool
}

// Gone tells whether the key is in the set no more: what was signed by it is not to be believed any longer (threat C8).
func (k *Key) Gone() bool { return k.gone.Load() }

// For tells whether signatures of an algorithm may be the key's. It is the key that decides, and never the token (threat C2).
func (k *Key) For(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch public := k.Public.(type) {
	case *rsa.PublicKey:
		return len(algorithm) == len("RS256") && (algorithm[:2] == "RS" || algorithm[:2] == "PS")
	case *ecdsa.PublicKey:
		switch public.Curve {
		case elliptic.P256():
			return algorithm == "ES256"
		case elliptic.P384():
			return algorithm == "ES384"
		case elliptic.P521():
			return algorithm == "ES512"
		}
	case ed25519.PublicKey:
		return algorithm == "EdDSA" || algorithm == "Ed25519"
	}
	return false
}

// Set is a set of keys. It does not change.
type Set struct{ keys []*Key }

// Len returns how many keys there are.
func (s *Set) Len() int { return len(s.keys) }

// Find calls try with the keys that a token of a key's name and an algorithm may be signed by, until it returns true. A key without a
// name is tried for all names, and all keys for a token without one.
func (s *Set) Find(id, algorithm string, try func(*Key) bool) {
	for _, k := range s.keys {
		if k.For(algorithm) && (id == "" || k.ID == "" || k.ID == id) && try(k) {
			return
		}
	}
}

// jwk is a key as it stands in a set.
type jwk struct {
	Type      string   `json:"kty"`
	ID        string   `json:"kid"`
	Use       string   `json:"use"`
	Ops       []string `json:"key_ops"`
	Algorithm string   `json:"alg"`
	Curve     string   `json:"crv"`
	N         string   `json:"n"`
	E         string   `json:"e"`
	X         string   `json:"x"`
	Y         string   `json:"y"`
}

// Parse reads a key set. Keys that are not for signatures, or of kinds that are not known here, are left out; one that is known and wrong
// makes the set wrong.
func Parse(data []byte) (*Set, error) {
	if len(data) > MaxSet {
		return nil, fmt.Errorf("the key set has %d bytes; it may have %d", len(data), MaxSet)
	}
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("the key set is not JSON: %w", err)
	}
	if doc.Keys == nil {
		return nil, errors.New("the key set has no member keys")
	}
	if len(doc.Keys) > MaxKeys {
		return nil, fmt.Errorf("the key set has %d keys; it may have %d", len(doc.Keys), MaxKeys)
	}
	s := &Set{}
	for i, raw := range doc.Keys {
		k, err := parseKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", i, err)
		}
		if k != nil {
			s.keys = append(s.keys, k)
		}
	}
	if len(s.keys) == 0 {
		return nil, errors.New("the key set has no public key for signatures")
	}
	return s, nil
}

// parseKey returns nil for a key that is none of ours.
func parseKey(data []byte) (*Key, error) {
	var j jwk
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("it is no JSON Web Key: %w", err)
	}
	if j.Use != "" && j.Use != "sig" || len(j.Ops) > 0 && !verifies(j.Ops) {
		return nil, nil //nolint:nilnil // it is for something else
	}
	if len(j.ID) > MaxKeyID {
		return nil, fmt.Errorf("its kid has %d bytes; it may have %d", len(j.ID), MaxKeyID)
	}
	k := &Key{ID: j.ID, algorithm: j.Algorithm}
	var err error
	switch {
	case j.Type == "RSA":
		k.Public, err = rsaKey(&j)
	case j.Type == "EC":
		k.Public, err = ecKey(&j)
	case j.Type == "OKP" && j.Curve == "Ed25519":
		k.Public, err = edKey(&j)
	default:
		return nil, nil //nolint:nilnil // also oct: a shared secret is no public key
	}
	if err != nil {
		return nil, err
	}
	if k.Public == nil {
		return nil, nil //nolint:nilnil // a curve that is not known here
	}
	k.raw = fmt.Sprintf("%s %q %q %s %q %q %q %q", j.Type, j.ID, j.Algorithm, j.Curve, j.N, j.E, j.X, j.Y)
	return k, nil
}

func verifies(ops []string) bool {
	for _, op := range ops {
		if op == "verify" {
			return true
		}
	}
	return false
}

func number(name, s string) (*big.Int, error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(data) == 0 {
		return nil, fmt.Errorf("its %s is no number in base64url", name)
	}
	return new(big.Int).SetBytes(data), nil
}

func rsaKey(j *jwk) (crypto.PublicKey, error) {
	const roomForBase64 = 4.0 / 3
	if bits := MaxRSA / 8 * roomForBase64; float64(len(j.N)) > bits+1 {
		return nil, fmt.Errorf("its n is longer than %d bits", MaxRSA)
	}
	n, err := number("n", j.N)
	if err != nil {
		return nil, err
	}
	e, err := number("e", j.E)
	if err != nil {
		return nil, err
	}
	if bits := n.BitLen(); bits < MinRSA || bits > MaxRSA {
		return nil, fmt.Errorf("its n has %d bits; it must have %d to %d", bits, MinRSA, MaxRSA)
	}
	if !e.IsInt64() || e.Int64() < 3 || e.Int64() > maxExponent || e.Int64()%2 == 0 || n.Bit(0) == 0 {
		return nil, errors.New("it is no RSA key: n and e must be odd, and e 3 or more and below 2^31")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func ecKey(j *jwk) (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch j.Curve {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, nil //nolint:nilnil // not known here
	}
	const perByte = 8
	size := (curve.Params().BitSize + perByte - 1) / perByte
	point := []byte{4}
	for _, c := range []struct{ name, value string }{{"x", j.X}, {"y", j.Y}} {
		data, err := base64.RawURLEncoding.DecodeString(c.value)
		if err != nil || len(data) > size {
			return nil, fmt.Errorf("its %s is not %d bytes in base64url", c.name, size)
		}
		point = append(point, bytes.Repeat([]byte{0}, size-len(data))...)
		point = append(point, data...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("it is no point of %s", j.Curve)
	}
	return public, nil
}

func edKey(j *jwk) (crypto.PublicKey, error) {
	data, err := base64.RawURLEncoding.DecodeString(j.X)
	if err != nil || len(data) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("its x is not %d bytes in base64url", ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(data), nil
}
