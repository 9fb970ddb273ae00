// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"log/slog"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
)

// Tell returns what tells a log what becomes of a store, under a name.
func Tell(log *slog.Logger, name string) func(circuit.Event, error) {
	store := slog.String("store", name)
	return func(e circuit.Event, cause error) {
		switch e {
		case circuit.Silent:
			log.Warn("the store of limits does not answer", store, slog.Any("error", cause))
		case circuit.Lost:
			log.Warn("the store of limits cannot be asked; each gateway counts its share", store, slog.Any("error", cause))
		case circuit.Back:
			log.Info("the store of limits is asked", store)
		}
	}
}
