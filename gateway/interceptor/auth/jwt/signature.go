// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256
	_ "crypto/sha512" // SHA-384 and SHA-512
	"math/big"
)

// hashes of the algorithms (RFC 7518, section 3.1).
var hashes = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512,
	"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512,
}

// verifySignature tells whether a signature of a text is right. The kind of the key was matched with the algorithm before.
func verifySignature(public crypto.PublicKey, algorithm, text string, signature []byte) bool {
	if key, ok := public.(ed25519.PublicKey); ok {
		return ed25519.Verify(key, []byte(text), signature)
	}
	hash, ok := hashes[algorithm]
	if !ok {
		return false
	}
	h := hash.New()
	h.Write([]byte(text))
	digest := h.Sum(nil)
	switch key := public.(type) {
	case *rsa.PublicKey:
		if algorithm[:2] == "PS" {
			// RFC 7518, section 3.5: the salt is as long as the hash.
			return rsa.VerifyPSS(key, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		// RFC 7518, section 3.4: r and s, each of the length of the curve, one behind the other.
		const perByte = 8
		size := (key.Curve.Params().BitSize + perByte - 1) / perByte
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(key, digest, r, s)
	}
	return false
}
