// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
)

// FuzzExpressions holds that an expression, which the configuration may have from anywhere, is refused or can be evaluated, on the head
// of a call and on its request.
func FuzzExpressions(f *testing.F) {
	for _, row := range headRows {
		f.Add(row.expression)
	}
	for _, row := range identityRows {
		f.Add(row.expression)
	}
	for _, row := range messageRows {
		f.Add(row.expression)
	}
	d := order(f, "orders.proto")
	data := encoded(f, d, `customer_id: "ada" items { owner: "ada" } tags: "x"`)
	f.Fuzz(func(t *testing.T, text string) {
		c := call("x-canary", "yes")
		c.Identity = identity()
		if e, err := expression.New(text, expression.Head); err == nil {
			if outcome, _ := e.Head().Head(c); outcome < expression.Holds || outcome > expression.Unknown {
				t.Errorf("the outcome is %d", outcome)
			}
		}
		e, err := expression.New(text, expression.Request)
		if err != nil {
			return
		}
		p, err := e.For(d)
		if err != nil {
			return
		}
		early, _ := p.Head(c)
		late, _ := p.Message(c, data)
		if early != expression.Unknown && early != late {
			t.Errorf("the head says %d, and the message %d", early, late)
		}
	})
}

// FuzzMessages holds that whatever clients send for a message, an expression has one outcome, which does not depend on fields that it does not
// look at.
func FuzzMessages(f *testing.F) {
	d := order(f, "orders.proto")
	for _, row := range messageRows {
		f.Add(encoded(f, d, row.message))
	}
	few := program(f, `request.customer_id == auth.subject || request.by_name == "x"`, d)
	all := program(f, `(request.customer_id == auth.subject || request.by_name == "x") && (request == request || true)`, d)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := call()
		c.Identity = identity()
		got, _ := few.Message(c, data)
		want, _ := all.Message(c, data)
		if want != expression.Unknown && got != want {
			t.Errorf("%x: the outcome is %d; with the whole message it is %d", data, got, want)
		}
	})
}
