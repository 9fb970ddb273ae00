// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// maskBytes is how much of a hash is shown.
const maskBytes = 6

// maskKey is made anew by each process, so that nobody can look up what was hashed in a table made before.
var maskKey = sync.OnceValue(func() []byte { //nolint:gochecknoglobals // one for the process
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return key
})

// Mask returns what stands for a value that is not to be shown: "#" and a few digits, which are the same for the same value as long as the
// process lives.
func Mask(value string) string {
	sum := hmac.New(sha256.New, maskKey())
	_, _ = sum.Write([]byte(value)) // it never fails
	return "#" + hex.EncodeToString(sum.Sum(nil)[:maskBytes])
}
