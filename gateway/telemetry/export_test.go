// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import "github.com/dragoman-gateway/dragoman/transcoder"

// SetTries gives a record its attempts, which it has of a call otherwise.
func (r *Record) SetTries(all []transcoder.Try) { r.tryCount = copy(r.tries[:], all) }
