// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Variable is what an expression can look at.
type Variable struct {
	// Name is how expressions call it.
	Name string
	// Type is its type in CEL.
	Type string
	// Doc says what it is, in half a sentence.
	Doc string

	cel   *cel.Type
	value func(c *transcoder.Call) any
}

// Variables returns everything that an expression can look at.
func Variables() []Variable {
	return []Variable{
		{
			"service", "string", "the full name of the service, such as acme.orders.v1.OrderService", cel.StringType,
			func(c *transcoder.Call) any { return c.Method.Service },
		},
		{
			"method", "string", "the name of the method in its service, such as GetOrder", cel.StringType,
			func(c *transcoder.Call) any { return c.Method.Name },
		},
		{
			"headers", "map(string, string)", `the first value of each header field of the request; names are in lower case, and a field that is not there is ""`,
			cel.MapType(cel.StringType, cel.StringType),
			func(c *transcoder.Call) any { return firstValues{c.Request.Header} },
		},
		{
			"header_values", "map(string, list(string))", "all values of each header field of the request; none for a field that is not there",
			cel.MapType(cel.StringType, cel.ListType(cel.StringType)),
			func(c *transcoder.Call) any { return allValues{c.Request.Header} },
		},
		{
			"client.address", "string", `the address that the call counts as coming from, such as "192.0.2.7"; "" over a Unix socket`, cel.StringType,
			func(c *transcoder.Call) any {
				if !c.Client.IsValid() {
					return ""
				}
				return c.Client.String()
			},
		},
		{
			"host", "string", "the host that the call is for, in lower case, without the port", cel.StringType,
			func(c *transcoder.Call) any { return strings.ToLower(bareHost(hostOf(c))) },
		},
		{
			"listener", "string", "the name of the listener", cel.StringType,
			func(c *transcoder.Call) any { return c.Request.Listener },
		},
		{
			"protocol", "string", "what the client speaks: grpc, grpc-web, connect, rest or websocket", cel.StringType,
			func(c *transcoder.Call) any { return c.Protocol },
		},
	}
}

// activation gives an expression the values of one call.
type activation struct {
	call   *transcoder.Call
	values map[string]func(*transcoder.Call) any
}

// ResolveName returns the value of a variable.
func (a *activation) ResolveName(name string) (any, bool) {
	value, ok := a.values[name]
	if !ok {
		return nil, false
	}
	return value(a.call), true
}

// Parent returns nil.
func (*activation) Parent() cel.Activation { return nil }
