// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Most conditions are of a few shapes: a text is another, a list has it, and what && || ! make of that. These are evaluated here, without an
// allocation, and everything else by cel-go. Both say the same: cel-go is what the tests compare with.

// truth is what a part of an expression is for a call: true, false, or why it is neither.
type truth uint8

const (
	yes     truth = iota // for a value: it is there
	no                   // false
	missing              // it asks for what is not there
	failed               // it has no value for another reason; nobody is known to call, say
)

// condition is a part that is true or false. The message has been checked; it is nil, and read false, before the request is read.
type condition func(c *transcoder.Call, message []byte, read bool) truth

// text is a part that is a text.
type text func(c *transcoder.Call, message []byte, read bool) (string, truth)

// shaper makes conditions of a checked tree.
type shaper struct {
	tree    *ast.AST
	request protoreflect.MessageDescriptor // nil where it is not looked at
}

// shapeOf returns the condition of an expression; nil where it has another shape.
func shapeOf(tree *cel.Ast, d protoreflect.MessageDescriptor) condition {
	s := &shaper{tree: tree.NativeRep(), request: d}
	return s.condition(s.tree.Expr())
}

// variable is the name of the variable that a part is; "" for none.
func (s *shaper) variable(e ast.Expr) string {
	if e.Kind() != ast.IdentKind && e.Kind() != ast.SelectKind {
		return ""
	}
	if r := s.tree.ReferenceMap()[e.ID()]; r != nil {
		return r.Name
	}
	return ""
}

// condition returns what is true or false; nil where the shape is another.
func (s *shaper) condition(e ast.Expr) condition {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return constant(bool(b))
		}
	case ast.CallKind:
		return s.call(e.AsCall())
	case ast.IdentKind, ast.SelectKind:
		if s.variable(e) == authenticated {
			return isAuthenticated
		}
		if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
			return s.has(e.AsSelect())
		}
		if claim := s.claim(e); claim != nil {
			return claim.isTrue
		}
		return s.boolField(e)
	default:
	}
	return nil
}

func constant(b bool) condition {
	t := no
	if b {
		t = yes
	}
	return func(*transcoder.Call, []byte, bool) truth { return t }
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func isAuthenticated(c *transcoder.Call, _ []byte, _ bool) truth { return truthOf(c.Identity != nil) }

func (s *shaper) call(call ast.CallExpr) condition {
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return s.join(args, no, yes)
	case operators.LogicalOr:
		return s.join(args, yes, no)
	case operators.LogicalNot:
		if inner := s.condition(args[0]); inner != nil {
			return negation(inner)
		}
	case operators.Equals:
		return s.equal(args[0], args[1])
	case operators.NotEquals:
		if inner := s.equal(args[0], args[1]); inner != nil {
			return negation(inner)
		}
	case operators.In:
		return s.in(args[0], args[1])
	case "startsWith", "endsWith", "contains":
		if call.IsMemberFunction() && len(args) == 1 {
			return s.part(call.FunctionName(), call.Target(), args[0])
		}
	case "containsIP":
		if call.IsMemberFunction() && len(args) == 1 {
			return s.network(call.Target(), args[0])
		}
	default:
	}
	return nil
}

// join makes && and ||: one part that decides is enough, whatever the others are; without one, a part that has no value leaves it without.
func (s *shaper) join(args []ast.Expr, decides, otherwise truth) condition {
	parts := make([]condition, len(args))
	for i, arg := range args {
		if parts[i] = s.condition(arg); parts[i] == nil {
			return nil
		}
	}
	return func(c *transcoder.Call, message []byte, read bool) truth {
		result := otherwise
		for _, part := range parts {
			switch t := part(c, message, read); {
			case t == decides:
				return decides
			case t == otherwise:
			case result == otherwise:
				result = t // the first counts
			}
		}
		return result
	}
}

func negation(inner condition) condition {
	return func(c *transcoder.Call, message []byte, read bool) truth {
		switch t := inner(c, message, read); t {
		case yes:
			return no
		case no:
			return yes
		default:
			return t
		}
	}
}

// both is whether two values are there that something needs, or why not.
func both(a, b truth) truth {
	if a == yes {
		return b
	}
	return a
}

// equal compares texts, also one of a claim with a constant.
func (s *shaper) equal(a, b ast.Expr) condition {
	if address := s.isAddress(a, b); address != nil {
		return address
	}
	if address := s.isAddress(b, a); address != nil {
		return address
	}
	if claim, literal := s.claim(a), literalText(b); claim != nil && literal != nil {
		return claim.is(*literal)
	}
	if claim, literal := s.claim(b), literalText(a); claim != nil && literal != nil {
		return claim.is(*literal)
	}
	x, y := s.text(a), s.text(b)
	if x == nil || y == nil {
		return nil
	}
	return func(c *transcoder.Call, message []byte, read bool) truth {
		one, t := x(c, message, read)
		other, u := y(c, message, read)
		if t != yes || u != yes {
			return both(t, u)
		}
		return truthOf(one == other)
	}
}

// part tells whether a text begins with, ends with, or has another.
func (s *shaper) part(function string, whole, of ast.Expr) condition {
	x, y := s.text(whole), s.text(of)
	if x == nil || y == nil {
		return nil
	}
	test := strings.HasPrefix
	switch function {
	case "endsWith":
		test = strings.HasSuffix
	case "contains":
		test = strings.Contains
	}
	return func(c *transcoder.Call, message []byte, read bool) truth {
		one, t := x(c, message, read)
		other, u := y(c, message, read)
		if t != yes || u != yes {
			return both(t, u)
		}
		return truthOf(test(one, other))
	}
}

// outcomeOf makes an outcome of a truth.
func (p *Program) outcomeOf(c *transcoder.Call, t truth, read bool) (Outcome, error) {
	switch t {
	case yes:
		return Holds, nil
	case no:
		return p.outcome(c, nil, read)
	case missing:
		return p.outcome(c, errMissing, read)
	default:
		return p.outcome(c, errFailed, read)
	}
}
