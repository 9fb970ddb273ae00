// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"log/slog"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// when is a condition in CEL. It is safe for concurrent use.
type when struct {
	program *expression.Program
	text    string
	label   string
	log     *slog.Logger

	complaint expression.Complaint
}

// holds tells whether the expression is true of a call. One that cannot be evaluated, because it converts what is no number, or
// costs too much, is not; nor is one that asks who calls where nobody is known to.
func (w *when) holds(c *transcoder.Call) bool {
	outcome, _ := w.program.Head(c) // the error could show what stands in a header
	if outcome == expression.Unknown {
		if n, due := w.complaint.Due(c.Start); due {
			w.log.Warn("an expression could not be evaluated for some calls, and counted as false",
				slog.String("rule", w.label), slog.String("when", w.text), slog.Int64("calls", n))
		}
	}
	return outcome == expression.Holds
}
