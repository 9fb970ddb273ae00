// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package expression provides conditions on calls, written in CEL: checked with their types when they are loaded, bounded in what they cost,
// and evaluated on the head of a call or on messages of its request.
package expression

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Bounds of expressions: whoever writes the configuration is trusted, but what clients send must not make a call expensive.
const (
	// MaxLength is the length of the longest expression, in bytes.
	MaxLength = 4096
	// MaxCost is what evaluating an expression may cost, in CEL's units: about one for each operation and for each ten bytes of a
	// text that is looked through. A thousand header fields can be looked at, and no hundred milliseconds be spent.
	MaxCost = 20_000
	// maxNesting is how deep an expression may be nested.
	maxNesting = 64
	// maxLoops is how many comprehensions, such as exists, may stand in each other.
	maxLoops = 2
)

// Scope says what an expression can look at.
type Scope int

// What expressions can look at.
const (
	// Head is what is known before the body of a request is read.
	Head Scope = iota
	// Request is the head and a message of the request.
	Request
)

// Error says what is wrong with an expression.
type Error struct {
	// Character is where, from 1; 0 for the whole.
	Character int
	// Message is what, without the place.
	Message string
	// Hint says what could be meant; it may be empty.
	Hint string
}

// Error returns the message with its place.
func (e *Error) Error() string {
	if e.Character == 0 {
		return e.Message
	}
	return fmt.Sprintf("at character %d: %s", e.Character, e.Message)
}

// Expression is a condition whose types are checked, but for those of the request's fields, which are known by method alone. It is immutable.
type Expression struct {
	text  string
	reads reads
	head  *Program // nil where the request is read
}

// New checks an expression. The error is an *Error where the expression is at fault.
func New(text string, scope Scope) (*Expression, error) {
	if len(text) > MaxLength {
		return nil, &Error{Message: fmt.Sprintf("has %d bytes; it may have %d", len(text), MaxLength)}
	}
	env, err := environmentOf(scope)
	if err != nil {
		return nil, fmt.Errorf("the variables of expressions: %w", err)
	}
	tree, err := check(env, text)
	if err != nil && scope == Request {
		if parsed, ok := postponed(env, text); ok {
			return &Expression{text: text, reads: readsOf(parsed.NativeRep())}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	e := &Expression{text: text, reads: readsOf(tree.NativeRep())}
	if e.reads.request() {
		return e, nil
	}
	e.head, err = e.program(env, tree, nil)
	return e, err
}

// String returns the expression as it is written.
func (e *Expression) String() string { return e.text }

// ReadsRequest tells whether the expression looks at a message of the request.
func (e *Expression) ReadsRequest() bool { return e.head == nil }

// ReadsIdentity tells whether the expression looks at who calls.
func (e *Expression) ReadsIdentity() bool { return e.reads.identity }

// Head returns the program of an expression that does not look at the request; nil for others.
func (e *Expression) Head() *Program { return e.head }

// For returns the program for methods whose request is a message; that of the head where the request is not looked at. The error is an
// *Error where the expression does not fit the message.
func (e *Expression) For(d protoreflect.MessageDescriptor) (*Program, error) {
	if e.head != nil {
		return e.head, nil
	}
	d, err := apart(d)
	if err != nil {
		return nil, err
	}
	env, err := environmentFor(d)
	if err != nil {
		return nil, fmt.Errorf("the types of expressions: %w", err)
	}
	tree, err := check(env, e.text)
	if err != nil {
		return nil, err
	}
	return e.program(env, tree, d)
}

// check parses an expression and finds its types.
func check(env *cel.Env, text string) (*cel.Ast, error) {
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, errorOf(issues)
	}
	t := tree.OutputType()
	if t.IsExactType(cel.BoolType) {
		return tree, nil
	}
	// What a claim is, is known when it is there; what a field is, when the method is known.
	if r := readsOf(tree.NativeRep()); t.IsExactType(cel.DynType) && (r.identity || r.request()) {
		return tree, nil
	}
	return nil, notACondition(t)
}

// postponed parses an expression that names what the environment does not have and a schema may: types of messages, and values of enums. They
// have a dot in their names.
func postponed(env *cel.Env, text string) (*cel.Ast, bool) {
	parsed, issues := env.Parse(text)
	if issues.Err() != nil || !readsOf(parsed.NativeRep()).request() {
		return nil, false
	}
	_, issues = env.Check(parsed)
	for _, one := range issues.Errors() {
		name, ok := strings.CutPrefix(one.Message, "undeclared reference to '")
		if name, _, _ = strings.Cut(name, "'"); !ok || !qualifies(parsed.NativeRep(), name) {
			return nil, false
		}
	}
	return parsed, true
}

// qualifies tells whether an expression has a name only before a dot, or within one that is not a variable's.
func qualifies(tree *ast.AST, name string) bool {
	if strings.Contains(name, ".") {
		return true
	}
	for _, n := range ast.MatchDescendants(ast.NavigateAST(tree), ast.KindMatcher(ast.IdentKind)) {
		if n.AsIdent() != name {
			continue
		}
		if parent, ok := n.Parent(); !ok || parent.Kind() != ast.SelectKind || isVariable(name) {
			return false
		}
	}
	return true
}

// isVariable tells whether a name is that of variables, up to the first dot.
func isVariable(name string) bool {
	return slices.ContainsFunc(Variables(), func(v Variable) bool {
		head, _, _ := strings.Cut(v.Name, ".")
		return head == name
	})
}

func notACondition(t *cel.Type) error {
	return &Error{Message: fmt.Sprintf("is a %s; it must be true or false", t)}
}

// errorOf is the first of the issues: the others mostly follow from it.
func errorOf(issues *cel.Issues) error {
	first := issues.Errors()[0]
	message, _, _ := strings.Cut(first.Message, " (in container ''")
	message = strings.TrimPrefix(message, "Syntax error: ")
	e := &Error{Character: first.Location.Column() + 1, Message: message}
	switch {
	case strings.HasPrefix(message, "undeclared reference to 'request'"):
		e.Hint = "the request is not read yet where this is decided"
	case strings.HasPrefix(message, "undeclared reference"):
		var names []string
		for _, v := range Variables() {
			names = append(names, v.Name)
		}
		e.Hint = "there are " + strings.Join(names, ", ")
	}
	return e
}

// reads is what an expression looks at.
type reads struct {
	identity      bool            // who calls
	authenticated bool            // whether it is known who calls
	fields        map[string]bool // the fields of the request
	whole         bool            // the request as a whole
}

func (r reads) request() bool { return r.whole || len(r.fields) > 0 }

// readsOf finds what an expression looks at, with its types or without. It is never less than what it does look at.
func readsOf(tree *ast.AST) reads {
	r := reads{fields: map[string]bool{}}
	for _, n := range ast.MatchDescendants(ast.NavigateAST(tree), ast.KindMatcher(ast.IdentKind)) {
		field := ""
		if parent, ok := n.Parent(); ok && parent.Kind() == ast.SelectKind {
			field = parent.AsSelect().FieldName()
		}
		name := n.AsIdent()
		switch {
		case name == requestName && field != "":
			r.fields[field] = true
		case name == requestName:
			r.whole = true
		case name == identity || strings.HasPrefix(name, identity+"."):
			r.identity = true
			r.authenticated = r.authenticated || name == authenticated || identity+"."+field == authenticated
		}
	}
	return r
}
