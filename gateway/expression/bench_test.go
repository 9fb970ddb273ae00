// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
)

// What rules say most often, on the head of a call.
var hot = []struct{ name, text string }{
	{"role", `'admin' in auth.claims.roles`},
	{"scope", `'orders.read' in auth.scopes && auth.tenant == 'acme'`},
	{"header", `request.header('x-canary') == 'yes' || auth.subject == 'ada'`},
	{"network", `cidr('192.0.2.0/28').containsIP(client.ip)`},
}

func BenchmarkHead(b *testing.B) {
	for _, one := range hot {
		b.Run(one.name, func(b *testing.B) {
			e, err := expression.New(one.text, expression.Head)
			if err != nil {
				b.Fatal(err)
			}
			c := call("accept", "*/*", "user-agent", "x", "x-canary", "no")
			c.Identity = identity()
			b.ReportAllocs()
			for b.Loop() {
				if got, _ := e.Head().Head(c); got != expression.Holds {
					b.Fatal(got)
				}
			}
		})
	}
}

func BenchmarkMessage(b *testing.B) {
	d := order(b, "orders.proto")
	p := program(b, `request.customer_id == auth.subject`, d)
	data := encoded(b, d, `customer_id: "ada" amount: 7 items { owner: "x" }`)
	c := call()
	c.Identity = identity()
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := p.Message(c, data); got != expression.Holds {
			b.Fatal(got)
		}
	}
}

// BenchmarkFor is what a rule costs for each method that it is for, when a schema is loaded.
func BenchmarkFor(b *testing.B) {
	d := order(b, "orders.proto")
	e, err := expression.New(`request.customer_id == auth.subject`, expression.Request)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := e.For(d); err != nil {
			b.Fatal(err)
		}
	}
}
