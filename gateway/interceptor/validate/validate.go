// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package validate provides the policy that holds the messages of requests to what their schema says of them: the rules of buf.validate, and
// google.api.field_behavior.
package validate

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/prune"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// OutputOnly says what happens to fields of requests that are OUTPUT_ONLY (AIP-203).
type OutputOnly string

// What happens to them.
const (
	// Clear removes them: the backend does not see them. It is the default.
	Clear OutputOnly = "clear"
	// Keep passes them on.
	Keep OutputOnly = "keep"
	// Refuse refuses requests that have one.
	Refuse OutputOnly = "refuse"
)

// Config says what requests are held to. A nil or empty field is not said.
type Config struct {
	// Requests are held to their schema at all; nil means that they are not.
	Requests *bool
	// Required are held to have their REQUIRED fields; nil means that they are.
	Required *bool
	// OutputOnly is what happens to OUTPUT_ONLY fields; "" means Clear.
	OutputOnly OutputOnly
	// Responses is what happens to answers that break a rule of buf.validate; "" means Ignore.
	Responses Responses
}

// On tells whether requests are held to their schema.
func (c Config) On() bool { return c.Requests != nil && *c.Requests }

// LooksAtAnswers tells whether answers are held to their schema.
func (c Config) LooksAtAnswers() bool { return c.Responses == Report || c.Responses == RefuseResponses }

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	if !slices.Contains([]OutputOnly{"", Clear, Keep, Refuse}, c.OutputOnly) {
		return fmt.Errorf("output_only is %q; it must be %s, %s or %s", c.OutputOnly, Clear, Keep, Refuse)
	}
	if !slices.Contains([]Responses{"", Ignore, Report, RefuseResponses}, c.Responses) {
		return fmt.Errorf("validate_responses is %q; it must be %s, %s or %s", c.Responses, Ignore, Report, RefuseResponses)
	}
	return nil
}

// Method is a method and what its requests are held to.
type Method struct {
	*transcoder.Method
	Config Config
}

// Policy is an admitter that admits every call, and sees the messages of those whose schema says something of them.
type Policy struct {
	checks  map[string]*check   // of requests; the key is the method's path
	answers map[string]*answers // likewise
}

var (
	_ interceptor.Admitter  = (*Policy)(nil)
	_ interceptor.Inspector = (*Policy)(nil)
)

// check is what the messages of a method are held to.
type check struct {
	input     protoreflect.MessageDescriptor // or the answer
	types     *schema.Types
	clear     *prune.Plan             // nil where nothing is cleared
	behavior  *behavior               // nil where nothing is required or refused
	mask      *mask                   // nil where the request has none
	validator protovalidate.Validator // nil without rules
	loops     int                     // how many loops of an expression stand in each other
}

// New returns the policy of these methods. All rules are compiled: the error joins a *RuleError for each that cannot be. It is nil, without an error,
// where there is nothing to check. Answers that break rules are counted, and the log is told of them.
func New(methods []Method, counts *Counts, log *slog.Logger) (*Policy, error) {
	bySchema := map[*schema.Schema][]Method{}
	var order []*schema.Schema
	for _, m := range methods {
		if !m.Config.On() && !m.Config.LooksAtAnswers() || m.Desc == nil || m.Local {
			continue
		}
		if bySchema[m.Schema] == nil {
			order = append(order, m.Schema)
		}
		bySchema[m.Schema] = append(bySchema[m.Schema], m)
	}
	p := &Policy{checks: map[string]*check{}, answers: map[string]*answers{}}
	var errs []error
	for _, s := range order {
		errs = append(errs, p.add(s, bySchema[s], counts, log))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(p.checks)+len(p.answers) == 0 {
		return nil, nil //nolint:nilnil // nothing to check is no error
	}
	return p, nil
}

// Unchecked returns the methods whose requests the schema has rules of buf.validate for, and of which nothing is said whether they are held to them.
func Unchecked(methods []Method) []*transcoder.Method {
	var list []*transcoder.Method
	r := &rules{own: map[protoreflect.FullName]bool{}}
	for _, m := range methods {
		if m.Config.Requests == nil && m.Desc != nil && !m.Local && r.reaches(m.Desc.Input()) {
			list = append(list, m.Method)
		}
	}
	return list
}

// add makes the checks of the methods of one schema.
func (p *Policy) add(s *schema.Schema, methods []Method, counts *Counts, log *slog.Logger) error {
	var messages []protoreflect.MessageDescriptor
	for _, m := range methods {
		if err := m.Config.Check(); err != nil {
			return err
		}
		if m.Config.On() {
			messages = append(messages, m.Desc.Input())
		}
		if m.Config.LooksAtAnswers() {
			messages = append(messages, m.Desc.Output())
		}
	}
	r, err := newRules(s, messages)
	if err != nil {
		return err
	}
	b, clearing := behaviors{}, prune.New(prune.Config{Drop: outputOnly})
	for _, m := range methods {
		if output := m.Desc.Output(); m.Config.LooksAtAnswers() && r.reaches(output) {
			p.answers[m.Path] = &answers{
				check:  &check{input: output, types: s.Types(), validator: r.validator, loops: r.loops(output)},
				method: m.Method, refuse: m.Config.Responses == RefuseResponses, count: counts.of(m.Path), log: log,
			}
		}
		if !m.Config.On() {
			continue
		}
		input := m.Desc.Input()
		c := &check{input: input, types: s.Types(), mask: maskOf(input)}
		if m.Config.OutputOnly == Clear || m.Config.OutputOnly == "" {
			c.clear = clearing.Plan(input)
		}
		c.behavior = b.of(input, m.Config.Required == nil || *m.Config.Required, m.Config.OutputOnly == Refuse)
		if r.reaches(input) {
			c.validator, c.loops = r.validator, r.loops(input)
		}
		if c.clear != nil || c.behavior != nil || c.validator != nil {
			p.checks[m.Path] = c
		}
	}
	return nil
}

// Admit admits every call: only messages are looked at.
func (p *Policy) Admit(*transcoder.Call) error { return nil }

// Inspects tells whether the schema says something of the messages of the method.
func (p *Policy) Inspects(c *transcoder.Call) bool { return p.checks[c.Method.Path] != nil }

// Inspect holds a message to what the schema says. It is decompressed, and read once.
func (p *Policy) Inspect(c *transcoder.Call, _ int64, m *transcoder.Message) error {
	own := p.checks[c.Method.Path]
	if own == nil {
		return nil
	}
	if err := m.Decompress(c.Request.MaxMessage()); err != nil {
		return err
	}
	data := m.View()
	kept, changed, err := own.clear.Prune(data)
	if err != nil {
		return malformed(err)
	}
	if own.behavior != nil || own.validator != nil {
		if err := own.holds(kept); err != nil {
			return err
		}
	}
	if changed {
		m.Free()
		m.Data = mem.BufferSlice{mem.SliceBuffer(kept)}
	}
	return nil
}

// holds checks a message.
func (c *check) holds(data []byte) error {
	elements, err := weigh(c.input, data, c.loops)
	if err != nil {
		return err
	}
	m := dynamicpb.NewMessage(c.input)
	read := proto.UnmarshalOptions{AllowPartial: true, DiscardUnknown: true, RecursionLimit: prune.MaxDepth, Resolver: c.types}
	if err := read.Unmarshal(data, m); err != nil {
		return malformed(err)
	}
	var found violations
	c.behavior.check(m, c.mask.of(m), &found)
	if c.validator != nil {
		if err := c.validate(m, elements, &found); err != nil {
			return err
		}
	}
	return found.err()
}

// validate holds a message to the rules of buf.validate. Of one with many elements only the first violation is told: a list of them all could be
// larger than the message.
func (c *check) validate(m proto.Message, elements int64, found *violations) error {
	var options []protovalidate.ValidationOption
	if elements > manyElements {
		options = append(options, protovalidate.WithFailFast())
	}
	err := c.validator.Validate(m, options...)
	if err == nil {
		return nil
	}
	broken, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok { // an expression that could not be evaluated, and so does not hold
		return &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "a rule of the schema could not be evaluated", Cause: err}
	}
	for _, v := range broken.Violations {
		found.add(violationOf(v))
	}
	return nil
}

// malformed is for what is no message of its type.
func malformed(cause error) error {
	return &status.Error{
		Code: codes.InvalidArgument, Reason: status.ReasonBadRequest, Message: "the message of the request is no message of its type", Cause: cause,
	}
}
