// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// MergeRules says what rules of files do to the annotation of the method that they select.
type MergeRules string

// What rules of files do to annotations.
const (
	// MergeReplace lets the last rule stand alone. It is the default.
	MergeReplace MergeRules = "replace"
	// MergeAdd keeps the annotation and all rules.
	MergeAdd MergeRules = "add"
)

// HTTPRule maps one HTTP method and path to a method, as google.api.HttpRule does. It is not checked beyond its form: that needs
// the method.
type HTTPRule struct {
	// Pattern is the field of the rule that has the path: get, put, post, delete, patch or custom.
	Pattern string
	// Kind is the HTTP method where Pattern is custom; else "".
	Kind string
	// Path is the path.
	Path string
	// Body is the field of the request that the body is, "*" for all of it that is not in the path, "" for none.
	Body string
	// ResponseBody is the field of the response that is sent; "" for all of it.
	ResponseBody string
}

func httpRules(list []*configv1.HttpRule) []HTTPRule {
	var rules []HTTPRule
	for _, m := range list {
		r := HTTPRule{Body: m.GetBody(), ResponseBody: m.GetResponseBody(), Kind: m.GetCustom().GetKind()}
		if m.GetPattern() != nil {
			reflected := m.ProtoReflect()
			r.Pattern = string(reflected.WhichOneof(reflected.Descriptor().Oneofs().ByName("pattern")).Name())
		}
		r.Path = cmp.Or(m.GetGet(), m.GetPut(), m.GetPost(), m.GetDelete(), m.GetPatch(), m.GetCustom().GetPath())
		rules = append(rules, r)
	}
	return rules
}
