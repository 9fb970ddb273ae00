// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

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

// Names of variables about who calls.
const (
	identity      = "auth"
	authenticated = "auth.authenticated"
)

// Variables returns everything of the head of a call that an expression can look at.
func Variables() []Variable {
	return append(headVariables(), identityVariables()...)
}

func headVariables() []Variable {
	texts := cel.MapType(cel.StringType, cel.StringType)
	lists := cel.MapType(cel.StringType, cel.ListType(cel.StringType))
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
			"headers", "map(string, string)", `the first value of each header field of the request; names are in lower case, and a field that is not there is ""`, texts,
			func(c *transcoder.Call) any { return firstValues{c.Request.Header} },
		},
		{
			"header_values", "map(string, list(string))", "all values of each header field of the request; none for a field that is not there", lists,
			func(c *transcoder.Call) any { return allValues{c.Request.Header} },
		},
		{
			"client.address", "string", `the address that the call counts as coming from, such as "192.0.2.7"; "" over a Unix socket`, cel.StringType,
			func(c *transcoder.Call) any { return clientAddress(c) },
		},
		{
			"client.ip", "string", "the same as client.address", cel.StringType,
			func(c *transcoder.Call) any { return clientAddress(c) },
		},
		{
			"host", "string", "the host that the call is for, in lower case, without the port", cel.StringType,
			func(c *transcoder.Call) any { return strings.ToLower(HostOf(c)) },
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

// identityVariables are about who calls. Where nobody is known to, none but the first has a value: nothing equals a subject that is not there.
func identityVariables() []Variable {
	list := cel.ListType(cel.StringType)
	return []Variable{
		{
			authenticated, "bool", "whether authentication has found who calls", cel.BoolType,
			func(c *transcoder.Call) any { return c.Identity != nil },
		},
		{
			"auth.subject", "string", "who calls, unique among those of the provider", cel.StringType,
			identified(func(id *transcoder.Identity) any { return id.Subject }),
		},
		{
			"auth.provider", "string", "the name of the provider that has found it", cel.StringType,
			identified(func(id *transcoder.Identity) any { return id.Provider }),
		},
		{
			"auth.tenant", "string", "the tenant of who calls; it has no value where there is none", cel.StringType,
			identified(func(id *transcoder.Identity) any {
				if id.Tenant == "" {
					return errNoTenant
				}
				return id.Tenant
			}),
		},
		{
			"auth.groups", "list(string)", "the groups that the subject belongs to", list,
			identified(func(id *transcoder.Identity) any { return id.Groups }),
		},
		{
			"auth.scopes", "list(string)", "what this call may do of what the subject may", list,
			identified(func(id *transcoder.Identity) any { return id.Scopes }),
		},
		{
			"auth.claims", "map(string, dyn)", "all claims; one that is not there has no value", cel.MapType(cel.StringType, cel.DynType),
			identified(func(id *transcoder.Identity) any { return id.Claims }),
		},
	}
}

// What has no value is an error of CEL's, which && and || ask no more than they have to.
var (
	errNobody   = types.NewErr("nobody is known to call") //nolint:gochecknoglobals // an error
	errNoTenant = types.NewErr("%s: tenant", noSuchKey)   //nolint:gochecknoglobals // an error
)

func identified(value func(*transcoder.Identity) any) func(*transcoder.Call) any {
	return func(c *transcoder.Call) any {
		if c.Identity == nil {
			return errNobody
		}
		return value(c.Identity)
	}
}

func clientAddress(c *transcoder.Call) string {
	if !c.Client.IsValid() {
		return ""
	}
	return c.Client.String()
}

// HostOf returns the host that a call counts as being for, as it is written, without the port and without the dot of the root.
func HostOf(c *transcoder.Call) string {
	if c.Host != "" {
		return bareHost(c.Host)
	}
	return bareHost(c.Request.Authority)
}

func bareHost(s string) string {
	if strings.HasPrefix(s, "[") {
		host, _, _ := strings.Cut(s[1:], "]")
		return host
	}
	if strings.Count(s, ":") == 1 {
		s = s[:strings.IndexByte(s, ':')]
	}
	return strings.TrimSuffix(s, ".")
}

// values are how variables get their values, by name.
var values = func() map[string]func(*transcoder.Call) any {
	all := map[string]func(*transcoder.Call) any{}
	for _, v := range Variables() {
		all[v.Name] = v.value
	}
	return all
}()
