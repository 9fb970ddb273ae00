// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Bind makes the bindings of methods, sorted by the methods' full names and then as the rules stand, together with
// every problem of their rules. A rule with an error gives no binding. The order of methods does not matter.
func Bind(methods []protoreflect.MethodDescriptor, c Config) ([]*Binding, []Problem) {
	c, problems := c.withDefaults()
	b := &binder{Config: c, problems: problems}
	methods = slices.SortedStableFunc(slices.Values(methods), func(x, y protoreflect.MethodDescriptor) int {
		return cmp.Compare(x.FullName(), y.FullName())
	})
	selected := b.selectRules(methods)
	for i, method := range methods {
		b.method(method, selected[i])
	}
	return b.bindings, b.problems
}

// binder collects bindings and problems.
type binder struct {
	Config
	bindings []*Binding
	problems []Problem
}

func (b *binder) problem(p Problem) { b.problems = append(b.problems, p) }

func (b *binder) syntaxProblem(code Code, place Place, err error) {
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		place.Column = syntax.Column
		if syntax.Limit {
			code = CodeTooLarge
		}
	}
	b.problem(Problem{Code: code, Place: place, Message: err.Error()})
}

// method binds the rules of one method: its annotation, config rules, or what a method without rules gets.
func (b *binder) method(method protoreflect.MethodDescriptor, configRules []int) {
	place := Place{Method: method.FullName(), Origin: FromAnnotation, ConfigRule: -1}
	index, ruled := 0, false
	if len(configRules) == 0 || b.Merge == MergeAdd {
		rule, err := RulesOf(method)
		if err != nil {
			b.problem(Problem{Code: CodeUnreadable, Place: place, Message: err.Error()})
		}
		ruled = rule != nil || err != nil
		if rule != nil {
			index = b.rules(method, rule, place, index)
		}
	}
	for _, i := range configRules {
		place.Origin, place.ConfigRule = FromConfig, i
		index = b.rules(method, b.Rules[i], place, index)
		ruled = true
	}
	service, ok := method.Parent().(protoreflect.ServiceDescriptor)
	if ruled || !ok || b.DefaultBinding == nil || !b.DefaultBinding(service) {
		return
	}
	b.bindDefault(method, service)
}

// bindDefault gives a method without a rule the URL that gRPC itself uses.
func (b *binder) bindDefault(method protoreflect.MethodDescriptor, service protoreflect.ServiceDescriptor) {
	place := Place{Method: method.FullName(), Origin: FromDefault, ConfigRule: -1}
	template, err := b.Grammar.Parse("/" + string(service.FullName()) + "/" + string(method.Name()))
	if err != nil {
		b.syntaxProblem(CodeSyntax, place, err)
		return
	}
	binding := &Binding{Method: method, HTTPMethod: "POST", Template: template, Body: BodyWhole, Place: place}
	binding.name = binding.String()
	b.bindings = append(b.bindings, binding)
}

// rules binds a rule and its additional bindings, counting from index, and gives the next index.
func (b *binder) rules(method protoreflect.MethodDescriptor, rule *annotations.HttpRule, place Place, index int) int {
	b.rule(method, rule, place, index)
	index++
	for i, additional := range rule.GetAdditionalBindings() {
		place.Rule = i + 1
		if len(additional.GetAdditionalBindings()) > 0 {
			nested := place
			nested.Field = "additional_bindings"
			b.problem(Problem{
				Code: CodeNestedBindings, Place: nested,
				Message: "additional_bindings cannot hold additional_bindings",
				Help:    "move them up into the additional_bindings of the method's rule",
			})
		}
		b.rule(method, additional, place, index)
		index++
	}
	return index
}

// rule binds one rule; of all that is wrong with it, nothing hides anything else.
func (b *binder) rule(method protoreflect.MethodDescriptor, rule *annotations.HttpRule, place Place, index int) {
	before := len(b.problems)
	binding := &Binding{Method: method, Index: index, Place: place}
	field, path := b.pattern(binding, rule)
	binding.Place.Field = field
	b.template(binding, field, path)
	b.body(binding, rule.GetBody())
	b.responseBody(binding, rule.GetResponseBody())
	b.oneofs(binding)
	if place.Rule == 0 && method.IsStreamingClient() && method.IsStreamingServer() {
		b.problem(Problem{
			Severity: SeverityWarning, Code: CodeBidi, Place: binding.Place,
			Message: fmt.Sprintf("%s streams both ways; plain HTTP cannot carry it", method.FullName()),
			Help:    "clients need a WebSocket here; others get 501",
		})
	}
	if !HasErrors(b.problems[before:]) {
		binding.name = binding.String()
		b.bindings = append(b.bindings, binding)
	}
}

// pattern sets the HTTP method of binding and gives the name and the text of the rule's path field.
func (b *binder) pattern(binding *Binding, rule *annotations.HttpRule) (field, path string) {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		binding.HTTPMethod, field, path = "GET", "get", pattern.Get
	case *annotations.HttpRule_Put:
		binding.HTTPMethod, field, path = "PUT", "put", pattern.Put
	case *annotations.HttpRule_Post:
		binding.HTTPMethod, field, path = "POST", "post", pattern.Post
	case *annotations.HttpRule_Delete:
		binding.HTTPMethod, field, path = "DELETE", "delete", pattern.Delete
	case *annotations.HttpRule_Patch:
		binding.HTTPMethod, field, path = "PATCH", "patch", pattern.Patch
	case *annotations.HttpRule_Custom:
		binding.HTTPMethod, field, path = pattern.Custom.GetKind(), "custom.path", pattern.Custom.GetPath()
		b.customKind(binding.HTTPMethod, binding.Place)
	}
	if path == "" {
		place := binding.Place
		place.Field = field
		b.problem(Problem{
			Code: CodeNoPattern, Place: place,
			Message: "the rule has no path",
			Help:    "set one of get, put, post, delete, patch or custom",
		})
	}
	return field, path
}

func (b *binder) customKind(kind string, place Place) {
	place.Field = "custom.kind"
	if kind == AnyMethod {
		return
	}
	if !isMethodToken(kind) || neverMatched(kind) {
		b.problem(Problem{
			Code: CodeCustomKind, Place: place,
			Message: fmt.Sprintf("%q is no HTTP method that a rule can have", kind),
			Help:    "write a method in capitals, such as HEAD, or * for any; CONNECT and TRACE are never served",
		})
		return
	}
	if upper := strings.ToUpper(kind); kind != upper && (isStandardMethod(upper) || neverMatched(upper)) {
		b.problem(Problem{
			Severity: SeverityWarning, Code: CodeKindCase, Place: place,
			Message: fmt.Sprintf("%q is another method than %q: HTTP methods are case-sensitive", kind, upper),
			Help:    "write " + upper,
		})
	}
}

// template parses the path and binds its variables.
func (b *binder) template(binding *Binding, field, path string) {
	if path == "" {
		return
	}
	place := binding.Place
	place.Field = field
	template, err := b.Grammar.Parse(path)
	if err != nil {
		b.syntaxProblem(CodeSyntax, place, err)
		return
	}
	binding.Template = template
	for i := range template.variables {
		b.variable(binding, place, &template.variables[i])
	}
}

// body resolves the rule's body. A field that the path sets cannot be the body as well; a message around one can, as in
// `patch: "/v1/{book.name=books/*}" body: "book"`.
func (b *binder) body(binding *Binding, body string) {
	place := binding.Place
	place.Field = "body"
	if body == "" {
		return
	}
	switch binding.HTTPMethod {
	case "GET", "HEAD", "DELETE":
		b.problem(Problem{
			Severity: SeverityWarning, Code: CodeBodyOnGet, Place: place,
			Message: fmt.Sprintf("a %s rule has a body; many clients and proxies drop it", binding.HTTPMethod),
			Help:    "leave body out, or use post (AIP-127)",
		})
	}
	if body == "*" {
		binding.Body = BodyWhole
		return
	}
	input := binding.Method.Input()
	binding.BodyField = b.topLevel(place, CodeBody, "body", body, input, "request")
	if binding.BodyField == nil {
		return
	}
	binding.Body = BodyField
	for i := range binding.Variables {
		v := &binding.Variables[i]
		if len(v.Path) == 1 && v.Path[0].Number() == binding.BodyField.Number() {
			other := binding.Place
			other.Column, other.Length = v.Column, len(v.Name)
			b.problem(Problem{
				Code: CodeBodyInPath, Place: place, Related: []Related{{Place: other}},
				Message: fmt.Sprintf("body %q is already set by the path", body),
				Help:    "leave it out of one of them",
			})
		}
	}
}

func (b *binder) responseBody(binding *Binding, name string) {
	if name == "" {
		return
	}
	place := binding.Place
	place.Field = "response_body"
	binding.ResponseField = b.topLevel(place, CodeResponseBody, "response_body", name, binding.Method.Output(), "response")
}
