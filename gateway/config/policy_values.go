// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// PolicyValue is one value of a policy as it is shown: its name, its text, and which setting it is from.
type PolicyValue struct {
	// Name is its name in the file, such as timeout or retry.attempts.
	Name string
	// Value is its text; Redacted where it may be secret.
	Value string
	// Origin is the setting that it is from.
	Origin Origin
	// Line and Column are the place of that setting; 0 where it is built in.
	Line, Column int
}

// PolicyValues returns the values of the policy of a method that something set, or that are built in, in a fixed order. The slice is not to be
// changed.
func (c *Config) PolicyValues(service, method string) []PolicyValue {
	at := [2]int{-1, -1}
	if i, ok := c.ServiceFor(service); ok {
		at = [2]int{i, c.Services[i].Method(method)}
	}
	if c.flat == nil {
		return c.policyValues(at)
	}
	c.flat.mu.Lock()
	defer c.flat.mu.Unlock()
	if c.flat.policies == nil {
		c.flat.policies = map[[2]int][]PolicyValue{}
	}
	values, known := c.flat.policies[at]
	if !known {
		values = c.policyValues(at)
		c.flat.policies[at] = values
	}
	return values
}

func (c *Config) policyValues(at [2]int) []PolicyValue {
	policy, origins := c.PolicyAt(at[0], at[1])
	return c.ValuesOf(&policy, origins)
}

// ValuesOf returns the values of a policy, of which schemas may have said some.
func (c *Config) ValuesOf(policy *Policy, origins Origins) []PolicyValue {
	var values []PolicyValue
	for _, v := range policyValues {
		origin, said := origins[v.name]
		if !said {
			continue
		}
		own := PolicyValue{Name: v.name, Value: c.written(string(origin)), Origin: origin}
		if own.Value == "" {
			own.Value = textOf(v.at(policy))
		}
		if origin != BuiltIn && !origin.InSchema() {
			own.Line, own.Column = c.Position(string(origin))
		}
		values = append(values, own)
	}
	return values
}

// written returns what the file has at a path and below it, in one line; "" for nothing.
func (c *Config) written(path string) string {
	if path == "" {
		return ""
	}
	var below []string
	for _, s := range c.Settings() {
		if s.Path == path {
			return s.Value
		}
		if rest, ok := strings.CutPrefix(s.Path, path); ok && (rest[0] == '.' || rest[0] == '[') {
			below = append(below, strings.TrimPrefix(rest, ".")+": "+s.Value)
		}
	}
	if below == nil {
		return ""
	}
	return "{" + strings.Join(below, ", ") + "}"
}

// DurationText writes a duration as people do: 5m, and not 5m0s.
func DurationText(d time.Duration) string { return shortDuration(d.String()) }

// textOf is the text of a value that no file has.
func textOf(v any) string {
	at := reflect.ValueOf(v)
	for at.Kind() == reflect.Pointer && !at.IsNil() {
		at = at.Elem()
	}
	switch value := at.Interface().(type) {
	case time.Duration:
		return DurationText(value)
	case CachePolicy:
		return value.text()
	}
	return fmt.Sprintf("%+v", at.Interface())
}
