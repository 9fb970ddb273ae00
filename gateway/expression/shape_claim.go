// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// claim is the path of a claim, of one name or more.
type claim []string

// claim returns the path of a claim; nil where the shape is another.
func (s *shaper) claim(e ast.Expr) claim {
	if s.variable(e) == "auth.claims" {
		return claim{}
	}
	var (
		of   ast.Expr
		name string
	)
	switch {
	case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
		of, name = e.AsSelect().Operand(), e.AsSelect().FieldName()
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index:
		literal := literalText(e.AsCall().Args()[1])
		if literal == nil {
			return nil
		}
		of, name = e.AsCall().Args()[0], *literal
	default:
		return nil
	}
	if within := s.claim(of); within != nil {
		return append(within, name)
	}
	return nil
}

// find returns a claim as encoding/json has read it.
func (l claim) find(c *transcoder.Call) (any, truth) {
	if c.Identity == nil {
		return nil, failed
	}
	var v any = c.Identity.Claims
	for _, name := range l {
		if _, list := v.([]any); list {
			return nil, failed // it has elements by number alone
		}
		object, _ := v.(map[string]any) // what is no object has no claims
		var ok bool
		if v, ok = object[name]; !ok {
			return nil, missing
		}
	}
	return v, yes
}

// isTrue tells whether the claim is true.
func (l claim) isTrue(c *transcoder.Call, _ []byte, _ bool) truth {
	v, t := l.find(c)
	if t != yes {
		return t
	}
	b, ok := v.(bool)
	if !ok {
		return failed
	}
	return truthOf(b)
}

// is tells whether the claim is a text.
func (l claim) is(text string) condition {
	return func(c *transcoder.Call, _ []byte, _ bool) truth {
		v, t := l.find(c)
		if t != yes {
			return t
		}
		s, ok := v.(string)
		return truthOf(ok && s == text)
	}
}

// has tells whether the claim is a list with a text, or has a claim of that name.
func (l claim) has(x text) condition {
	return func(c *transcoder.Call, message []byte, read bool) truth {
		value, t := x(c, message, read)
		v, u := l.find(c)
		if t != yes || u != yes {
			return both(t, u)
		}
		switch all := v.(type) {
		case []any:
			for _, one := range all {
				if s, ok := one.(string); ok && s == value {
					return yes
				}
			}
			return no
		case map[string]any:
			_, ok := all[value]
			return truthOf(ok)
		}
		return failed
	}
}

// has tells whether a claim is there.
func (s *shaper) has(test ast.SelectExpr) condition {
	within := s.claim(test.Operand())
	if within == nil {
		return nil
	}
	name := test.FieldName()
	return func(c *transcoder.Call, _ []byte, _ bool) truth {
		v, t := within.find(c)
		if t != yes {
			return t
		}
		if _, list := v.([]any); list {
			return failed
		}
		object, _ := v.(map[string]any)
		_, ok := object[name]
		return truthOf(ok)
	}
}
