// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Shaped tells whether an expression is evaluated without cel-go.
func (p *Program) Shaped() bool { return p.shape != nil }

// references are the programs of cel-go's for those that have none, by *Program.
var references sync.Map

// Interpret is Message, or Head where there is none, by cel-go, whatever the shape is.
func (p *Program) Interpret(c *transcoder.Call, message []byte, read bool) (Outcome, error) {
	if p.cel != nil {
		return p.interpret(c, message, read)
	}
	own, ok := references.Load(p)
	if !ok {
		made, err := p.reference()
		if err != nil {
			return 0, err
		}
		own, _ = references.LoadOrStore(p, made)
	}
	return own.(*Program).interpret(c, message, read) //nolint:errcheck // there is nothing else
}

// Forget drops what Interpret has kept.
func (p *Program) Forget() { references.Delete(p) }

// reference is the same program by cel-go.
func (p *Program) reference() (*Program, error) {
	env, err := environmentOf(Request)
	if p.message != nil {
		env, err = environmentFor(p.message.d)
	}
	if err != nil {
		return nil, err
	}
	tree, err := check(env, p.of.text)
	if err != nil {
		return nil, err
	}
	made := *p
	made.cel, err = planned(env, tree)
	return &made, err
}
