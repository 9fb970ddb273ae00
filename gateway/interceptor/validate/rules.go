// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"buf.build/go/protovalidate"
	pvcel "buf.build/go/protovalidate/cel"
	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// ruleOption is the number of the options buf.validate.message, oneof and field, each in options of its own kind.
//
// https://github.com/bufbuild/protovalidate/blob/v1.2.0/proto/protovalidate/buf/validate/validate.proto
const ruleOption = 1159

// maxLoops is how many loops of an expression, such as all and exists, may stand in each other.
const maxLoops = 3

// RuleError says that a rule of a schema cannot be used.
type RuleError struct {
	// Schema has the rule, at On, a message or a field.
	Schema *schema.Schema
	On     protoreflect.Descriptor
	// Message is what is wrong.
	Message string
}

// Error returns the message with the name of what has the rule.
func (e *RuleError) Error() string {
	return fmt.Sprintf("the rule of %s cannot be used: %s", e.On.FullName(), e.Message)
}

// Option is the path of the rule in the descriptor of what has it, for schema.Locate.
func (e *RuleError) Option() []int32 {
	if _, ok := e.On.(protoreflect.MessageDescriptor); ok {
		const messageOptions = 7
		return []int32{messageOptions, ruleOption}
	}
	const fieldOptions = 8
	return []int32{fieldOptions, ruleOption}
}

// rules are those of one schema.
type rules struct {
	validator protovalidate.Validator // nil where no message has one
	own       map[protoreflect.FullName]bool
	depth     map[protoreflect.FullName]int // of loops in a message's own expressions
}

// newRules compiles the rules of messages and of all that lie in them.
func newRules(s *schema.Schema, inputs []protoreflect.MessageDescriptor) (*rules, error) {
	r := &rules{own: map[protoreflect.FullName]bool{}, depth: map[protoreflect.FullName]int{}}
	inputs = slices.DeleteFunc(slices.Clone(inputs), func(d protoreflect.MessageDescriptor) bool { return !r.reaches(d) })
	if len(inputs) == 0 {
		return r, nil
	}
	v, err := protovalidate.New(protovalidate.WithMessageDescriptors(inputs...), protovalidate.WithDisableLazy(), protovalidate.WithExtensionTypeResolver(s.Types()))
	if err != nil {
		return nil, fmt.Errorf("%s: rules of buf.validate: %w", s.Source(), err)
	}
	r.validator = v
	var errs []error
	seen := map[protoreflect.FullName]bool{}
	for _, input := range inputs {
		reachable(input, seen, func(d protoreflect.MessageDescriptor) {
			errs = append(errs, r.compiled(s, d), r.measure(s, d))
		})
	}
	return r, errors.Join(errs...)
}

// reaches tells whether there are rules for a message or one that lies in it.
func (r *rules) reaches(d protoreflect.MessageDescriptor) bool {
	found := false
	reachable(d, map[protoreflect.FullName]bool{}, func(d protoreflect.MessageDescriptor) {
		has, ok := r.own[d.FullName()]
		if !ok {
			has = hasRules(d)
			r.own[d.FullName()] = has
		}
		found = found || has
	})
	return found
}

// loops returns how many loops stand in each other in the expressions for a message and those that lie in it.
func (r *rules) loops(d protoreflect.MessageDescriptor) int {
	most := 0
	reachable(d, map[protoreflect.FullName]bool{}, func(d protoreflect.MessageDescriptor) { most = max(most, r.depth[d.FullName()]) })
	return most
}

// reachable calls f once for a message and for each type that can lie in it, but for what an Any holds.
func reachable(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool, f func(protoreflect.MessageDescriptor)) {
	if seen[d.FullName()] {
		return
	}
	seen[d.FullName()] = true
	f(d)
	for i := range d.Fields().Len() {
		if inner := d.Fields().Get(i).Message(); inner != nil {
			reachable(inner, seen, f)
		}
	}
}

// hasRules tells whether a message itself has rules.
func hasRules(d protoreflect.MessageDescriptor) bool {
	if hasOption(d) {
		return true
	}
	for i := range d.Oneofs().Len() {
		if hasOption(d.Oneofs().Get(i)) {
			return true
		}
	}
	for i := range d.Fields().Len() {
		if hasOption(d.Fields().Get(i)) {
			return true
		}
	}
	return false
}

func hasOption(d protoreflect.Descriptor) bool {
	values, err := schema.OptionBytes(d.Options(), ruleOption)
	return err != nil || len(values) > 0 // what cannot be read is told by who compiles it
}

// compiled tells which rules of a message could not be compiled. The library keeps that to itself until the rule is needed; so each is asked for, on a
// message that has nothing in it. What does not hold there is no matter.
func (r *rules) compiled(s *schema.Schema, d protoreflect.MessageDescriptor) error {
	if d.IsMapEntry() {
		return nil // its rules are those of the map
	}
	var errs []error
	ask := func(on protoreflect.Descriptor) {
		only := protovalidate.FilterFunc(func(_ protoreflect.Message, asked protoreflect.Descriptor) bool { return asked == on })
		err := r.validator.Validate(dynamicpb.NewMessage(d), protovalidate.WithFilter(only))
		if failed, ok := errors.AsType[*protovalidate.CompilationError](err); ok && !strings.Contains(err.Error(), "failed to compile embedded type") {
			errs = append(errs, &RuleError{Schema: s, On: on, Message: complaint(failed)})
		}
	}
	ask(d)
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		ask(fd) // what is wrong with a type that lies in it is told of that
	}
	return errors.Join(errs...)
}

// complaint is what the library says, without its own names for what it does, in one line.
func complaint(err error) string {
	text := strings.TrimPrefix(err.Error(), "compilation error: ")
	return strings.Join(strings.Fields(text), " ")
}

// parsing is what expressions are parsed in to be measured.
var parsing = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(cel.Lib(pvcel.NewLibrary())) }) //nolint:gochecknoglobals // made once

// measure notes how many loops stand in each other in the expressions of a message, and refuses too many: each multiplies what a long list costs.
func (r *rules) measure(s *schema.Schema, d protoreflect.MessageDescriptor) error {
	env, err := parsing()
	if err != nil {
		return err
	}
	look := func(on protoreflect.Descriptor, expressions []string) error {
		for _, text := range expressions {
			parsed, issues := env.Parse(text)
			if issues.Err() != nil {
				continue // which was told
			}
			n := loops(parsed.NativeRep().Expr())
			if n > maxLoops {
				return &RuleError{Schema: s, On: on, Message: fmt.Sprintf("%d loops stand in each other; they may be %d", n, maxLoops)}
			}
			r.depth[d.FullName()] = max(r.depth[d.FullName()], n)
		}
		return nil
	}
	var errs []error
	if m, err := protovalidate.ResolveMessageRules(d); err == nil && m != nil {
		list := slices.Clone(m.GetCelExpression())
		for _, rule := range m.GetCel() {
			list = append(list, rule.GetExpression())
		}
		errs = append(errs, look(d, list))
	}
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		f, err := protovalidate.ResolveFieldRules(fd)
		if err != nil || f == nil {
			continue
		}
		list := slices.Clone(f.GetCelExpression())
		for _, rule := range f.GetCel() {
			list = append(list, rule.GetExpression())
		}
		errs = append(errs, look(fd, list))
	}
	return errors.Join(errs...)
}

// loops returns how many loops stand in each other in an expression.
func loops(e celast.Expr) int {
	most := 0
	look := func(list ...celast.Expr) {
		for _, e := range list {
			most = max(most, loops(e))
		}
	}
	switch e.Kind() {
	case celast.ComprehensionKind:
		c := e.AsComprehension()
		look(c.LoopStep(), c.LoopCondition(), c.Result())
		most++
		look(c.IterRange(), c.AccuInit())
	case celast.CallKind:
		c := e.AsCall()
		look(c.Args()...)
		if c.IsMemberFunction() {
			look(c.Target())
		}
	case celast.ListKind:
		look(e.AsList().Elements()...)
	case celast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			look(entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case celast.StructKind:
		for _, entry := range e.AsStruct().Fields() {
			look(entry.AsStructField().Value())
		}
	case celast.SelectKind:
		look(e.AsSelect().Operand())
	case celast.IdentKind, celast.LiteralKind, celast.UnspecifiedExprKind:
	}
	return most
}
