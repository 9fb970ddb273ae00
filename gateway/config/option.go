// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
	policyv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/policy/v1"
)

// OptionNumber is the number of the options of dragoman.policy.v1, of a service as of a method.
const OptionNumber = 521087001

// How options are written, and the origins of what they say begin.
const (
	ServiceOption = "(dragoman.policy.v1.service)"
	MethodOption  = "(dragoman.policy.v1.method)"
)

// Option is what the option of a service or a method says in its schema: proto/dragoman/policy/v1.
type Option struct {
	// Name is how the option is written, (dragoman.policy.v1.method) say.
	Name string
	// Policy is the part of it that a policy of the configuration can say as well.
	Policy Policy
	// Authorization are rules; their Match is not set.
	Authorization []AuthorizationRule
	// Limits are rules as well, without Match and Weights.
	Limits []LimitRule
}

// Option returns the option of a service or a method; nil where it has none. The problems have the paths of fields within the option, and no
// other place.
func (c *Config) Option(d protoreflect.Descriptor) (*Option, []Problem) {
	data, ok, err := optionOf(d)
	if err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	if !ok {
		return nil, nil
	}
	own := &policyv1.Policy{}
	if err := proto.Unmarshal(data, own); err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	// A policy of the configuration has the same fields under the same numbers: its rules are for both.
	shared := &configv1.Policy{}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, shared); err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	k := &compiler{collector: newCollector(&text{}), names: map[string]int{}, cfg: c}
	unknownFields(k.collector, own.ProtoReflect(), "")
	k.checkOption(shared)
	o := &Option{Name: MethodOption, Policy: k.policy(shared, "")}
	if _, ok := d.(protoreflect.ServiceDescriptor); ok {
		o.Name = ServiceOption
	}
	for i, from := range own.GetAuthorization() {
		at := item("authorization", i)
		r := AuthorizationRule{Name: string(d.FullName()), Allow: from.GetAllow(), Message: from.GetMessage(), DryRun: from.GetDryRun()}
		if i > 0 {
			r.Name = item(r.Name, i)
		}
		if r.Allow == "" {
			k.on(at+".allow", "", "is missing")
			continue
		}
		rule, err := r.Rule()
		k.expression(rule.Allow, err, at+".allow")
		if err == nil {
			if err := rule.CheckText(); err != nil {
				k.on(at+".message", "", "%s", err)
			}
		}
		o.Authorization = append(o.Authorization, r)
	}
	for i, from := range own.GetLimits() {
		o.Limits = append(o.Limits, k.declaredLimit(from, string(d.FullName()), item("limits", i), i))
	}
	problems := slices.Concat(k.list, k.warnings)
	for i := range problems {
		problems[i].Path = strings.TrimPrefix(problems[i].Path, ".")
	}
	return o, problems
}

// declaredLimit compiles a limit of an option, as one of the configuration, whose fields have the same numbers.
func (k *compiler) declaredLimit(from *policyv1.Limit, of, path string, i int) LimitRule {
	shared := &configv1.LimitRule{}
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, from)
	if err == nil {
		err = proto.Unmarshal(data, shared)
	}
	if err != nil { // it was read before
		k.on(path, "", "cannot be read: %v", err)
		return LimitRule{}
	}
	shared.Name = "declared" // what it has instead may be longer than what people write
	err = protovalidate.Validate(shared)
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		found := newCollector(&text{})
		for _, v := range invalid.Violations {
			violation(found, shared.ProtoReflect(), v)
		}
		for _, p := range found.list {
			k.on(name(path, protoreflect.Name(p.Path)), p.Hint, "%s", p.Message)
		}
	}
	r := k.limit(shared, path)
	if r.Name = of; i > 0 {
		r.Name = item(of, i)
	}
	return r
}

// checkOption reports what breaks the rules of policies.
func (k *compiler) checkOption(m *configv1.Policy) {
	err := protovalidate.Validate(m)
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		for _, v := range invalid.Violations {
			violation(k.collector, m.ProtoReflect(), v)
		}
	} else if err != nil {
		k.at(place{}, "", "", "the rules of the option cannot be checked: %v", err)
	}
}

// unknownFields reports what this gateway does not know: an option of a newer one must not be taken for one that says less.
func unknownFields(c *collector, m protoreflect.Message, path string) {
	if data := m.GetUnknown(); len(data) > 0 {
		number, _, _ := protowire.ConsumeTag(data)
		c.at(place{}, path, "upgrade the gateway, or leave it out", "has a field with the number %d, which this gateway does not know", number)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				unknownFields(c, v.List().Get(i).Message(), item(name(path, f.Name()), i))
			}
		default:
			unknownFields(c, v.Message(), name(path, f.Name()))
		}
		return true
	})
}

// optionOf returns the bytes of the option of a service or a method. They are read from the options' wire form, so that the answer is the
// same whether the extension is known to who made the descriptor or not.
func optionOf(d protoreflect.Descriptor) (data []byte, found bool, err error) {
	options := d.Options()
	if options == nil {
		return nil, false, nil
	}
	wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(options)
	if err != nil {
		return nil, false, fmt.Errorf("the options of %s: %w", d.FullName(), err)
	}
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return nil, false, fmt.Errorf("the options of %s: %w", d.FullName(), protowire.ParseError(n))
		}
		wire = wire[n:]
		size := protowire.ConsumeFieldValue(number, kind, wire)
		if size < 0 {
			return nil, false, fmt.Errorf("the options of %s: %w", d.FullName(), protowire.ParseError(size))
		}
		if number == OptionNumber {
			if kind != protowire.BytesType {
				return nil, false, fmt.Errorf("the option %d of %s is no message", OptionNumber, d.FullName())
			}
			message, _ := protowire.ConsumeBytes(wire)
			data, found = append(data, message...), true // several are merged
		}
		wire = wire[size:]
	}
	return data, found, nil
}
