// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package redact provides the policy that takes fields out of answers for those who may not see them.
package redact

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/prune"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Config says which fields of answers go, and for whom not.
type Config struct {
	// Marked takes out the fields whose option debug_redact is true.
	Marked bool
	// Fields are more of them: paths from the answer, such as owner.email, or full names behind a dot, such as .acme.users.v1.User.email, which are
	// meant wherever they stand.
	Fields []string
	// Unless is the condition under which all is shown; nil is never.
	Unless *expression.Expression
}

// zero tells whether the configuration takes nothing out.
func (c *Config) zero() bool { return c == nil || !c.Marked && len(c.Fields) == 0 }

// Method is a method and what is taken out of its answers. Methods that have one configuration share the pointer.
type Method struct {
	*transcoder.Method
	Config *Config // nil takes nothing out
}

// FieldError says that a configuration names a field that no answer has.
type FieldError struct {
	// Config has it, at the index Field of its Fields; -1 says that it is about the methods themselves.
	Config *Config
	Field  int
	// Message is what is wrong.
	Message string
}

// Error returns the message.
func (e *FieldError) Error() string { return e.Message }

// Policy is an admitter that admits every call, and takes fields out of the answers of some.
type Policy struct {
	plans map[string]*plan // the key is the method's path
}

var (
	_ interceptor.Admitter = (*Policy)(nil)
	_ interceptor.Editor   = (*Policy)(nil)
)

// plan is what is taken out of the answers of a method.
type plan struct {
	unless  *expression.Program // nil for never
	answer  *prune.Plan
	details *prune.Plan // of an Any
}

// New returns the policy of these methods; nil, without an error, where nothing is ever taken out. The error joins a *FieldError for each field that
// no answer has.
func New(methods []Method) (*Policy, error) {
	p := &Policy{plans: map[string]*plan{}}
	var (
		makers = map[*Config]*maker{}
		order  []*maker
		errs   []error
	)
	for _, m := range methods {
		if m.Config.zero() || m.Local {
			continue
		}
		k := makers[m.Config]
		if k == nil {
			k = newMaker(m.Config)
			makers[m.Config] = k
			order = append(order, k)
		}
		if m.Desc == nil {
			errs = append(errs, &FieldError{Config: m.Config, Field: -1, Message: fmt.Sprintf("%s is passed on without a schema, so that nothing can be taken out of its answers", m.Rule)})
			continue
		}
		if own := k.plan(m.Method); own != nil {
			p.plans[m.Path] = own
		}
	}
	for _, k := range order {
		errs = append(errs, k.missing())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(p.plans) == 0 {
		return nil, nil //nolint:nilnil // nothing to take out is no error
	}
	return p, nil
}

// maker makes the plans of one configuration.
type maker struct {
	config  *Config
	named   map[protoreflect.FullName]int // the fields with full names, and their indexes
	pruners map[*schema.Schema]*prune.Pruner
	found   []bool   // by index of the fields
	why     []string // one that was not found is not
}

func newMaker(cfg *Config) *maker {
	k := &maker{
		config: cfg, named: map[protoreflect.FullName]int{}, pruners: map[*schema.Schema]*prune.Pruner{},
		found: make([]bool, len(cfg.Fields)), why: make([]string, len(cfg.Fields)),
	}
	for i, field := range cfg.Fields {
		if name, ok := strings.CutPrefix(field, "."); ok {
			k.named[protoreflect.FullName(name)] = i
			k.why[i] = "no schema has a field " + name
		}
	}
	return k
}

// drop tells whether a field goes wherever it stands.
func (k *maker) drop(fd protoreflect.FieldDescriptor) bool {
	if _, ok := k.named[fd.FullName()]; ok {
		return true
	}
	o, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && k.config.Marked && o.GetDebugRedact()
}

// plan returns what is taken out of the answers of a method; nil for nothing.
func (k *maker) plan(m *transcoder.Method) *plan {
	pruner := k.pruners[m.Schema]
	if pruner == nil {
		pruner = prune.New(prune.Config{Drop: k.drop, Types: m.Schema.Types()})
		k.pruners[m.Schema] = pruner
		for name, i := range k.named {
			if d, err := m.Schema.FindDescriptorByName(name); err == nil {
				_, isField := d.(protoreflect.FieldDescriptor)
				k.found[i] = k.found[i] || isField
			}
		}
	}
	var paths []prune.Path
	for i, field := range k.config.Fields {
		if strings.HasPrefix(field, ".") {
			continue
		}
		path, err := prune.ParsePath(m.Desc.Output(), field)
		if err != nil {
			first, _, _ := strings.Cut(field, ".")
			if k.why[i] == "" || m.Desc.Output().Fields().ByName(protoreflect.Name(first)) != nil {
				k.why[i] = err.Error() // of the answer that has most of the path
			}
			continue
		}
		k.found[i] = true
		paths = append(paths, path)
	}
	own := &plan{answer: pruner.Plan(m.Desc.Output(), paths...), details: pruner.Plan((*anypb.Any)(nil).ProtoReflect().Descriptor())}
	if own.answer == nil && own.details == nil {
		return nil
	}
	if k.config.Unless != nil {
		own.unless = k.config.Unless.Head()
	}
	return own
}

// missing tells which fields no answer has: that somebody can see what he may not must not hang on a letter.
func (k *maker) missing() error {
	var errs []error
	for i, found := range k.found {
		if !found {
			errs = append(errs, &FieldError{Config: k.config, Field: i, Message: fmt.Sprintf("%q is in no answer that the policy is for: %s", k.config.Fields[i], k.why[i])})
		}
	}
	return errors.Join(errs...)
}

// Admit admits every call.
func (p *Policy) Admit(*transcoder.Call) error { return nil }

// Edits tells whether fields are taken out of the answers of a call: unless the condition holds, and also where it cannot be told whether it does.
func (p *Policy) Edits(c *transcoder.Call) bool {
	own := p.plans[c.Method.Path]
	if own == nil {
		return false
	}
	if own.unless == nil {
		return true
	}
	outcome, _ := own.unless.Head(c) // what cannot be told does not hold
	return outcome != expression.Holds
}

// Edit takes fields out of a message of the answer.
func (p *Policy) Edit(c *transcoder.Call, m *transcoder.Message) error {
	own := p.plans[c.Method.Path]
	if own.answer == nil {
		return nil
	}
	if err := m.Decompress(int64(c.Request.MaxAnswer())); err != nil {
		return unreadable(err)
	}
	kept, changed, err := own.answer.Prune(m.View())
	if err != nil {
		return unreadable(err)
	}
	if changed {
		m.Free()
		m.Data = mem.BufferSlice{mem.SliceBuffer(kept)}
	}
	return nil
}

// unreadable is for answers of which it cannot be told what is in them: nobody gets them.
func unreadable(cause error) error {
	return &status.Error{Code: codes.Internal, Reason: status.ReasonBackendError, Message: "the backend's answer is no message of its type", Cause: cause}
}

// EditError takes fields out of the details of an error that the backend has given.
func (p *Policy) EditError(c *transcoder.Call, err error) error {
	own := p.plans[c.Method.Path]
	if _, gateway := errors.AsType[*status.Error](err); gateway || own.details == nil {
		return err
	}
	st := status.Proto(err)
	kept := make([]*anypb.Any, 0, len(st.GetDetails()))
	touched := false
	for _, detail := range st.GetDetails() {
		clean, changed, errDetail := own.detail(detail)
		touched = touched || changed || errDetail != nil
		if errDetail == nil {
			kept = append(kept, clean)
		}
	}
	if !touched {
		return err
	}
	st.Details = kept
	return grpcstatus.ErrorProto(st)
}

// detail takes fields out of one detail.
func (k *plan) detail(detail *anypb.Any) (*anypb.Any, bool, error) {
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, detail)
	if err != nil {
		return nil, false, err
	}
	kept, changed, err := k.details.Prune(data)
	if err != nil || !changed {
		return detail, false, err
	}
	out := &anypb.Any{}
	return out, true, proto.Unmarshal(kept, out)
}
