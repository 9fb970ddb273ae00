// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// extensionNumber is the field number of google.api.http in google.protobuf.MethodOptions.
const extensionNumber = 72295728

// RulesOf gives the google.api.http rule in the options of a method, or nil if there is none.
//
// The option is read from the options' wire form, so the answer is the same whether the extension was known when the
// descriptor was built, is held by a dynamic message, or is unknown bytes. Several
// occurrences are merged as protobuf merges them. The error says that the bytes are not an HttpRule.
func RulesOf(method protoreflect.MethodDescriptor) (*annotations.HttpRule, error) {
	options := method.Options()
	if options == nil {
		return nil, nil
	}
	wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("options of %s: %w", method.FullName(), err)
	}
	var rule *annotations.HttpRule
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return nil, fmt.Errorf("options of %s: %w", method.FullName(), protowire.ParseError(n))
		}
		wire = wire[n:]
		size := protowire.ConsumeFieldValue(number, kind, wire)
		if size < 0 {
			return nil, fmt.Errorf("options of %s: %w", method.FullName(), protowire.ParseError(size))
		}
		value := wire[:size]
		wire = wire[size:]
		if number != extensionNumber {
			continue
		}
		if kind != protowire.BytesType {
			return nil, fmt.Errorf("option google.api.http of %s has wire type %d; it must be %d", method.FullName(), kind, protowire.BytesType)
		}
		message, _ := protowire.ConsumeBytes(value)
		if rule == nil {
			rule = &annotations.HttpRule{}
		}
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(message, rule); err != nil {
			return nil, fmt.Errorf("option google.api.http of %s: %w", method.FullName(), err)
		}
	}
	return rule, nil
}
