// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import "github.com/dragoman-gateway/dragoman/transcoder"

// Shaped tells whether an expression is evaluated without cel-go.
func (p *Program) Shaped() bool { return p.shape != nil }

// Interpret is Message, or Head where there is none, by cel-go, whatever the shape is.
func (p *Program) Interpret(c *transcoder.Call, message []byte, read bool) (Outcome, error) {
	return p.interpret(c, message, read)
}
