// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks

import "github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"

// Report tells which keys there are and when they were read, also those that are too old to be used. Of the set it names the keys alone.
func (k *Keys) Report() auth.Report {
	r := auth.Report{}
	if s := k.current.Load(); s != nil {
		r.KeysRead = s.fetched
		for _, key := range s.set.keys {
			r.Keys = append(r.Keys, auth.KeyName{ID: key.ID, Algorithm: key.kind()})
		}
	}
	if fault := k.fault.Load(); fault != nil {
		r.KeysError = (*fault).Error()
	}
	return r
}

// kind is the algorithm that the key is for; "RSA" for one that is for all of RSA.
func (k *Key) kind() string {
	if k.algorithm != "" {
		return k.algorithm
	}
	for _, algorithm := range []string{"ES256", "ES384", "ES512", "EdDSA"} {
		if k.For(algorithm) {
			return algorithm
		}
	}
	return "RSA"
}
