// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// general are the exceptions that apply to every call: how etcd's gateway is set up, against the defaults of ProtoJSON.
// They only change the spelling of what is there; values are never touched.
var general = []exception{
	{
		name:    "field names",
		reason:  "T110: the name of a field in JSON is its JSON name; etcd's gateway is set to print the names of the .proto file",
		explain: func(c *call, ours, _ *observed) error { return eachValue(c, ours, protoNames) },
	},
	{
		name:    "defaults",
		reason:  "T112: a field without presence is printed with its default; etcd's gateway is set to leave it out",
		explain: func(c *call, ours, _ *observed) error { return eachValue(c, ours, dropDefaults) },
	},
	{
		name:   "error text twice",
		reason: "T148: an error is a google.rpc.Status; the first version of grpc-gateway repeats its message as error",
		explain: func(_ *call, _, theirs *observed) error {
			body := theirs.object()
			if theirs.Status < http.StatusBadRequest || body == nil {
				return nil
			}
			if body["error"] != body["message"] {
				return fmt.Errorf("error is %q; it should repeat message, %q", body["error"], body["message"])
			}
			delete(body, "error")
			return nil
		},
	},
}

// eachValue applies a rule to each JSON value of an answer, with the descriptor of its message.
func eachValue(c *call, seen *observed, rule func(protoreflect.MessageDescriptor, map[string]any) error) error {
	message := (&spb.Status{}).ProtoReflect().Descriptor()
	if seen.Status == http.StatusOK {
		if c.answer == nil {
			return errors.New("the call has no message for an answer with 200")
		}
		message = c.answer.ProtoReflect().Descriptor()
	}
	for _, value := range seen.Values {
		if object, ok := value.(map[string]any); ok {
			if err := eachMessage(message, object, rule); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachMessage applies a rule to a message in JSON and, before that, to the messages inside. What is not as the descriptor
// says is left as it is, so that the comparison finds it.
func eachMessage(message protoreflect.MessageDescriptor, object map[string]any, rule func(protoreflect.MessageDescriptor, map[string]any) error) error {
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil || field.IsMap() || field.Message().FullName() == "google.protobuf.Any" {
			continue
		}
		for _, name := range []string{field.JSONName(), field.TextName()} {
			elements, ok := object[name].([]any)
			if !ok {
				elements = []any{object[name]}
			}
			for _, element := range elements {
				inner, ok := element.(map[string]any)
				if !ok {
					continue
				}
				if err := eachMessage(field.Message(), inner, rule); err != nil {
					return err
				}
			}
			if field.JSONName() == field.TextName() {
				break
			}
		}
	}
	return rule(message, object)
}

// protoNames renames the members of an object from the JSON names of the fields to their names.
func protoNames(message protoreflect.MessageDescriptor, object map[string]any) error {
	fields := message.Fields()
	for i := range fields.Len() {
		from, to := fields.Get(i).JSONName(), fields.Get(i).TextName()
		if from == to {
			continue
		}
		value, ok := object[from]
		if !ok {
			continue
		}
		if _, both := object[to]; both {
			return fmt.Errorf("%s is there as %q and as %q", message.FullName(), from, to)
		}
		object[to] = value
		delete(object, from)
	}
	return nil
}

// dropDefaults drops the fields that have their default from an object, and refuses one in which such a field is missing.
func dropDefaults(message protoreflect.MessageDescriptor, object map[string]any) error {
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.HasPresence() {
			continue
		}
		name := field.TextName()
		if _, ok := object[name]; !ok {
			name = field.JSONName()
		}
		value, ok := object[name]
		if !ok {
			return fmt.Errorf("%s is without %s; it is printed even when it has its default", message.FullName(), name)
		}
		if isDefault(field, value) {
			delete(object, name)
		}
	}
	return nil
}

// isDefault reports whether a value is exactly what ProtoJSON prints for the default of a field.
func isDefault(field protoreflect.FieldDescriptor, value any) bool {
	if field.IsList() {
		list, ok := value.([]any)
		return ok && len(list) == 0
	}
	if field.IsMap() {
		entries, ok := value.(map[string]any)
		return ok && len(entries) == 0
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		return value == false
	case protoreflect.StringKind, protoreflect.BytesKind:
		return value == ""
	case protoreflect.EnumKind:
		return value == string(field.Enum().Values().ByNumber(0).Name())
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return value == "0"
	default:
		return value == json.Number("0")
	}
}
