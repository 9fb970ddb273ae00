// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"log/slog"
	"sync/atomic"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Lines of the log. Neither shows what a client has sent.
const (
	lineDryRun  = "a rule on trial would have refused calls"
	lineUnknown = "an expression could not be evaluated for some calls, which counts as a refusal"
)

// rule is a Rule as calls want it.
type rule struct {
	Rule

	index  int // of the configuration; -1 for none
	denied *status.Error
	*counts
}

// counts are what a rule has done.
type counts struct {
	refused, unknown atomic.Int64
	trial, complain  expression.Complaint
}

func newRule(r Rule, index int) *rule {
	return &rule{Rule: r, index: index, denied: r.refusal(), counts: &counts{}}
}

func (r *rule) state() State {
	return State{Rule: r.Name, DryRun: r.DryRun, Refused: r.refused.Load(), Unknown: r.unknown.Load()}
}

// decide makes an answer of what the expression says of a call: nil where the call goes on.
func (r *rule) decide(c *transcoder.Call, outcome expression.Outcome, p *Policy) error {
	if outcome == expression.Holds {
		return nil
	}
	r.refused.Add(1)
	if outcome == expression.Unknown {
		r.unknown.Add(1)
		if n, due := r.complain.Due(c.Start); due {
			p.authorizer.log.Warn(lineUnknown, slog.String("rule", r.Name), slog.Int64("calls", n))
		}
	}
	if r.DryRun {
		if c.DryRun == "" {
			c.DryRun = r.Name
		}
		if n, due := r.trial.Due(c.Start); due {
			p.authorizer.log.Warn(lineDryRun, slog.String("rule", r.Name), slog.Int64("calls", n))
		}
		return nil
	}
	if outcome == expression.Unidentified {
		return r.unidentified(p.challenge)
	}
	return r.denied
}
