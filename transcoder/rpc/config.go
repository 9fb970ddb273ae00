// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"fmt"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Config says how messages are written. The zero value is ready.
type Config struct {
	// Encode says how JSON is written.
	Encode codec.EncodeOptions
	// CompressFrom is the size in bytes from which the gateway itself compresses messages of answers for clients that accept it; 0
	// for never. Messages that the backend has compressed pass as they are (decision 9). To compress costs the gateway more than all
	// else that it does for a call, and an answer that has both a secret and what an attacker has said gives the secret away by
	// its size (BREACH).
	CompressFrom int
	// WithoutErrorInfo leaves the google.rpc.ErrorInfo out of the gateway's own errors, for clients that expect to find no details
	// but the backend's.
	WithoutErrorInfo bool
}

// Check tells what is wrong with a configuration.
func (c *Config) Check() error {
	if c.CompressFrom < 0 {
		return fmt.Errorf("compress_from is %d; it must be 0, for never, or more", c.CompressFrom)
	}
	return nil
}

// Status returns what a client is told of an error.
func (c *Config) Status(err error) *spb.Status {
	if c.WithoutErrorInfo {
		return status.ProtoWithoutInfo(err)
	}
	return status.Proto(err)
}
