// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Bounds of expressions: whoever writes the configuration is trusted, but what clients send must not make a call expensive.
const (
	// MaxExpression is the length of the longest expression, in bytes.
	MaxExpression = 4096
	// maxNesting is how deep an expression may be nested.
	maxNesting = 64
	// maxLoops is how many comprehensions, such as exists, may stand in each other.
	maxLoops = 2
	// maxCost is what evaluating an expression may cost, in CEL's units: about one for each operation and for each ten bytes of a
	// text that is looked through. A thousand header fields can be looked at, and no hundred milliseconds be spent.
	maxCost = 20_000
)

// complaintInterval is how often it is told that an expression could not be evaluated.
const complaintInterval = time.Minute

// ExpressionError says what is wrong with an expression.
type ExpressionError struct {
	// Character is where, from 1; 0 for the whole.
	Character int
	// Message is what, without the place.
	Message string
	// Hint says what could be meant; it may be empty.
	Hint string
}

// Error returns the message with its place.
func (e *ExpressionError) Error() string {
	if e.Character == 0 {
		return e.Message
	}
	return fmt.Sprintf("at character %d: %s", e.Character, e.Message)
}

// environment is what expressions are compiled in, made once: that takes a millisecond, and it never changes.
var environment = sync.OnceValues(func() (*cel.Env, error) { //nolint:gochecknoglobals // see above
	options := []cel.EnvOption{
		cel.ParserRecursionLimit(maxNesting),
		// Without has: a header that is not there reads as "", so that it would always be true.
		cel.ClearMacros(), cel.Macros(cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro, cel.MapMacro, cel.MapFilterMacro, cel.FilterMacro),
		cel.ASTValidators(cel.ValidateRegexLiterals(), literalPatterns{}, cel.ValidateComprehensionNestingLimit(maxLoops), headerNames{}),
		ext.Strings(ext.StringsVersion(4)), ext.Network(),
	}
	for _, v := range Variables() {
		options = append(options, cel.Variable(v.Name, v.cel))
	}
	return cel.NewEnv(options...)
})

// values are how variables get their values, by name.
var values = func() map[string]func(*transcoder.Call) any {
	all := map[string]func(*transcoder.Call) any{}
	for _, v := range Variables() {
		all[v.Name] = v.value
	}
	return all
}()

// compile checks an expression, with its types, and makes it ready to be evaluated. The error is an *ExpressionError where the
// expression is at fault.
func compile(text string) (cel.Program, error) {
	if len(text) > MaxExpression {
		return nil, &ExpressionError{Message: fmt.Sprintf("has %d bytes; it may have %d", len(text), MaxExpression)}
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("the variables of expressions: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, expressionError(issues)
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) {
		return nil, &ExpressionError{Message: fmt.Sprintf("is a %s; it must be true or false", t)}
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		return nil, &ExpressionError{Message: err.Error()}
	}
	return program, nil
}

// expressionError is the first of the issues: the others mostly follow from it.
func expressionError(issues *cel.Issues) error {
	first := issues.Errors()[0]
	message, _, _ := strings.Cut(first.Message, " (in container ''")
	message = strings.TrimPrefix(message, "Syntax error: ")
	e := &ExpressionError{Character: first.Location.Column() + 1, Message: message}
	if strings.HasPrefix(message, "undeclared reference") {
		var names []string
		for _, v := range Variables() {
			names = append(names, v.Name)
		}
		e.Hint = "there are " + strings.Join(names, ", ")
	}
	return e
}

// expression is a condition in CEL. It is safe for concurrent use.
type expression struct {
	program cel.Program
	text    string
	label   string
	log     *slog.Logger

	failures   atomic.Int64 // since the last complaint
	complained atomic.Int64 // when, in nanoseconds of the Unix clock
}

// holds tells whether the expression is true of a call. One that cannot be evaluated, because it converts what is no number, or
// costs too much, is not.
func (e *expression) holds(c *transcoder.Call) bool {
	result, _, err := e.program.Eval(&activation{call: c, values: values})
	if err != nil {
		e.complain(c.Start)
		return false
	}
	return result == types.True
}

// complain logs that the expression failed, now and then. The error itself could show what stands in a header.
func (e *expression) complain(now time.Time) {
	failures := e.failures.Add(1)
	last := e.complained.Load()
	if now.UnixNano()-last < int64(complaintInterval) || !e.complained.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	e.failures.Add(-failures)
	e.log.Warn("an expression could not be evaluated for some calls, and counted as false",
		slog.String("rule", e.label), slog.String("when", e.text), slog.Int64("calls", failures))
}
