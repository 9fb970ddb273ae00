// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// ErrMessage is the cause of an outcome that a message of the request has for not being one of its type.
var ErrMessage = errors.New("the message is not one of its type")

// errNotACondition says that a claim, or what is made of one, is neither true nor false.
var errNotACondition = errors.New("it is neither true nor false")

// Why a shape has no value.
var (
	errMissing = errors.New("it asks for what is not there")
	errFailed  = errors.New("a part of it has no value")
)

// noSuchKey is how CEL begins to say that a map does not have a key; it has no other sign for it.
const noSuchKey = "no such key"

// errPending is the value of the request before it is read.
var errPending = types.NewErr("the request is not read yet") //nolint:gochecknoglobals // an error

// Program is an expression that is ready to be evaluated. It is safe for concurrent use.
type Program struct {
	of      *Expression
	cel     cel.Program // nil where there is a shape
	message *message    // nil where the request is not looked at
	all     bool        // the expression is true where several parts are
	shape   condition   // where the expression has one of a few shapes
}

// ReadsRequest tells whether the expression looks at a message of the request.
func (p *Program) ReadsRequest() bool { return p.message != nil }

// Request names the type of the request that is looked at; "" for none.
func (p *Program) Request() string {
	if p.message == nil {
		return ""
	}
	return string(p.message.d.FullName())
}

// HeadMayDecide tells whether the head of a call may show that the expression is false, though it looks at the request.
func (p *Program) HeadMayDecide() bool { return p.message != nil && p.all }

func (e *Expression) program(env *cel.Env, tree *cel.Ast, d protoreflect.MessageDescriptor) (*Program, error) {
	p := &Program{of: e, shape: shapeOf(tree, d)}
	if top := tree.NativeRep().Expr(); top.Kind() == ast.CallKind {
		p.all = top.AsCall().FunctionName() == operators.LogicalAnd
	}
	if d != nil {
		p.message = newMessage(d, e.reads)
	}
	if p.shape != nil {
		return p, nil // without cel-go, which would keep 60 KB for each
	}
	var err error
	p.cel, err = planned(env, tree)
	return p, err
}

// planned makes a program of cel-go's.
func planned(env *cel.Env, tree *cel.Ast) (cel.Program, error) {
	made, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(MaxCost))
	if err != nil {
		return nil, &Error{Message: err.Error()}
	}
	return made, nil
}

// Outcome is what an expression says of a call.
type Outcome int

// What expressions say of calls. The zero Outcome is none.
const (
	// Holds says that it is true.
	Holds Outcome = iota + 1
	// Fails says that it is false.
	Fails
	// Unidentified says that it is neither, or false, because nobody is known to call.
	Unidentified
	// Missing says that it is neither, because it asks for what is not there, such as a claim.
	Missing
	// Unknown says that it is neither, for another reason: it converts what is no number, or costs too much.
	Unknown
)

// Head evaluates the expression on the head of a call. Where the request is looked at, and it depends on that, the outcome is Unknown.
func (p *Program) Head(c *transcoder.Call) (Outcome, error) {
	return p.evaluate(c, nil, false)
}

// Message evaluates the expression on a call and a message of its request. The error is why the outcome is Unknown, for a log; it may show what
// the client has sent.
func (p *Program) Message(c *transcoder.Call, message []byte) (Outcome, error) {
	return p.evaluate(c, message, true)
}

func (p *Program) evaluate(c *transcoder.Call, message []byte, read bool) (Outcome, error) {
	if p.shape == nil {
		return p.interpret(c, message, read)
	}
	if read && p.message != nil {
		if err := p.message.check(message); err != nil {
			return Unknown, errors.Join(ErrMessage, err)
		}
	}
	return p.outcomeOf(c, p.shape(c, message, read), read)
}

// interpret evaluates an expression of any shape, by cel-go.
func (p *Program) interpret(c *transcoder.Call, message []byte, read bool) (Outcome, error) {
	a := activations.Get().(*activation) //nolint:errcheck // it has nothing else
	defer activations.Put(a)
	*a = activation{call: c, request: errPending}
	if read && p.message != nil {
		decoded, err := p.message.decode(message)
		if err != nil {
			return Unknown, errors.Join(ErrMessage, err)
		}
		a.request = decoded
	}
	result, _, err := p.cel.Eval(a)
	*a = activation{}
	if err == nil && result == types.True {
		return Holds, nil
	}
	if err == nil && result != types.False {
		err = errNotACondition
	}
	return p.outcome(c, err, read)
}

// outcome is what an expression says that is not true, for an error or without one.
func (p *Program) outcome(c *transcoder.Call, err error, read bool) (Outcome, error) {
	switch {
	case err != nil && p.message != nil && !read:
		return Unknown, nil // the message may tell
	case c.Identity == nil && (err != nil && p.of.reads.identity || p.of.reads.authenticated):
		return Unidentified, nil
	case err == nil:
		return Fails, nil
	case err == errMissing || strings.HasPrefix(err.Error(), noSuchKey): //nolint:errorlint // it is made here
		return Missing, nil
	default:
		return Unknown, err
	}
}

var activations = sync.Pool{New: func() any { return &activation{} }}

// activation gives an expression the values of one call.
type activation struct {
	call    *transcoder.Call
	request any
}

// ResolveName returns the value of a variable.
func (a *activation) ResolveName(name string) (any, bool) {
	if name == requestName {
		return a.request, true
	}
	value, ok := values[name]
	if !ok {
		return nil, false
	}
	return value(a.call), true
}

// Parent returns nil.
func (*activation) Parent() cel.Activation { return nil }
