// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"context"
	"errors"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/reflection"
)

// Reflects asks a backend whether it serves reflection; known is false where it has not answered that when ctx ended. It is safe for concurrent use.
func (a *Assembly) Reflects(ctx context.Context, name string) (serves, known bool) {
	b := a.backends[name]
	if b == nil {
		return false, false
	}
	s, err := reflection.New(reflection.Config{Name: name, Conn: b.Channel()})
	if err != nil {
		return false, false
	}
	_, err = s.Load(ctx)
	if err == nil {
		return true, true
	}
	refused, ok := errors.AsType[*schema.LoadError](err)
	if !ok || ctx.Err() != nil {
		return false, false
	}
	// What is wrong with what it tells does not matter here, but that it tells nothing at all may be for the moment.
	if slices.ContainsFunc(refused.Diagnostics, func(d schema.Diagnostic) bool { return d.Code == schema.CodeUnreachable }) {
		return false, false
	}
	return !slices.ContainsFunc(refused.Diagnostics, func(d schema.Diagnostic) bool { return d.Code == schema.CodeNoReflection }), true
}
