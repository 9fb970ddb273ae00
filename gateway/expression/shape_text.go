// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"net/netip"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// plainTexts are the variables that are texts which need not be made.
var plainTexts = map[string]text{
	"service":  func(c *transcoder.Call, _ []byte, _ bool) (string, truth) { return c.Method.Service, yes },
	"method":   func(c *transcoder.Call, _ []byte, _ bool) (string, truth) { return c.Method.Name, yes },
	"listener": func(c *transcoder.Call, _ []byte, _ bool) (string, truth) { return c.Request.Listener, yes },
	"protocol": func(c *transcoder.Call, _ []byte, _ bool) (string, truth) { return c.Protocol, yes },
	"host":     func(c *transcoder.Call, _ []byte, _ bool) (string, truth) { return strings.ToLower(HostOf(c)), yes },
	"auth.subject": func(c *transcoder.Call, _ []byte, _ bool) (string, truth) {
		if c.Identity == nil {
			return "", failed
		}
		return c.Identity.Subject, yes
	},
	"auth.provider": func(c *transcoder.Call, _ []byte, _ bool) (string, truth) {
		if c.Identity == nil {
			return "", failed
		}
		return c.Identity.Provider, yes
	},
	"auth.tenant": func(c *transcoder.Call, _ []byte, _ bool) (string, truth) {
		switch {
		case c.Identity == nil:
			return "", failed
		case c.Identity.Tenant == "":
			return "", missing
		}
		return c.Identity.Tenant, yes
	},
}

// text returns what is a text; nil where the shape is another.
func (s *shaper) text(e ast.Expr) text {
	if literal := literalText(e); literal != nil {
		value := *literal
		return func(*transcoder.Call, []byte, bool) (string, truth) { return value, yes }
	}
	if name := s.variable(e); name != "" {
		return plainTexts[name]
	}
	if name, ok := s.indexed(e, "headers"); ok {
		return func(c *transcoder.Call, _ []byte, _ bool) (string, truth) { return c.Request.Header.Get(name), yes }
	}
	return s.textField(e)
}

// literalText returns a text that is written as it is; nil for all else.
func literalText(e ast.Expr) *string {
	if e.Kind() != ast.LiteralKind {
		return nil
	}
	if s, ok := e.AsLiteral().(types.String); ok {
		return new(string(s))
	}
	return nil
}

// indexed returns the constant key at which a variable is looked up.
func (s *shaper) indexed(e ast.Expr, variable string) (string, bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Index {
		if e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() && s.variable(e.AsSelect().Operand()) == variable {
			return e.AsSelect().FieldName(), true
		}
		return "", false
	}
	args := e.AsCall().Args()
	if literal := literalText(args[1]); literal != nil && s.variable(args[0]) == variable {
		return *literal, true
	}
	return "", false
}

// in tells whether a list or a map has a text.
func (s *shaper) in(what, where ast.Expr) condition {
	x := s.text(what)
	if x == nil {
		return nil
	}
	if claim := s.claim(where); claim != nil {
		return claim.has(x)
	}
	if name, ok := s.indexed(where, "header_values"); ok {
		return func(c *transcoder.Call, message []byte, read bool) truth {
			value, t := x(c, message, read)
			if t != yes {
				return t
			}
			for i := range c.Request.Header {
				if f := &c.Request.Header[i]; f.Name == name && f.Value == value {
					return yes
				}
			}
			return no
		}
	}
	list := s.list(where)
	if list == nil {
		return nil
	}
	return func(c *transcoder.Call, message []byte, read bool) truth {
		value, t := x(c, message, read)
		all, u := list(c)
		if t != yes || u != yes {
			return both(t, u)
		}
		return truthOf(slices.Contains(all, value))
	}
}

// list returns what is a list of texts; nil where the shape is another.
func (s *shaper) list(e ast.Expr) func(*transcoder.Call) ([]string, truth) {
	if e.Kind() == ast.ListKind && e.AsList().Size() > 0 { // nothing is in an empty one, whatever it is, says cel-go
		var all []string
		for _, element := range e.AsList().Elements() {
			literal := literalText(element)
			if literal == nil {
				return nil
			}
			all = append(all, *literal)
		}
		return func(*transcoder.Call) ([]string, truth) { return all, yes }
	}
	switch s.variable(e) {
	case "auth.groups":
		return func(c *transcoder.Call) ([]string, truth) {
			if c.Identity == nil {
				return nil, failed
			}
			return c.Identity.Groups, yes
		}
	case "auth.scopes":
		return func(c *transcoder.Call) ([]string, truth) {
			if c.Identity == nil {
				return nil, failed
			}
			return c.Identity.Scopes, yes
		}
	}
	return nil
}

func isClient(name string) bool { return name == "client.address" || name == "client.ip" }

// isAddress compares the address of the client with a constant, which it is equal to in one spelling alone.
func (s *shaper) isAddress(variable, other ast.Expr) condition {
	literal := literalText(other)
	if literal == nil || !isClient(s.variable(variable)) {
		return nil
	}
	if *literal == "" {
		return func(c *transcoder.Call, _ []byte, _ bool) truth { return truthOf(!c.Client.IsValid()) }
	}
	address, err := netip.ParseAddr(*literal)
	if err != nil || address.String() != *literal {
		return constant(false)
	}
	return func(c *transcoder.Call, _ []byte, _ bool) truth { return truthOf(c.Client == address) }
}

// network tells whether a constant network has the address of the client.
func (s *shaper) network(network, address ast.Expr) condition {
	if address.Kind() == ast.CallKind && address.AsCall().FunctionName() == "ip" && len(address.AsCall().Args()) == 1 {
		address = address.AsCall().Args()[0]
	}
	if !isClient(s.variable(address)) || network.Kind() != ast.CallKind || network.AsCall().FunctionName() != "cidr" || len(network.AsCall().Args()) != 1 {
		return nil
	}
	literal := literalText(network.AsCall().Args()[0])
	if literal == nil {
		return nil
	}
	prefix, err := netip.ParsePrefix(*literal)
	if err != nil || prefix.Addr().Is4In6() {
		return nil // what is wrong with it is cel-go's to say
	}
	return func(c *transcoder.Call, _ []byte, _ bool) truth {
		if !c.Client.IsValid() || c.Client.Zone() != "" || c.Client.Is4In6() {
			return failed
		}
		return truthOf(prefix.Contains(c.Client))
	}
}
