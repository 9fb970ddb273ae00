// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of options in schemas.
const (
	optionCode  = "DG1307" // an option that cannot work
	ignoredCode = "DG2007" // options that are not read
)

// serviceOptions is the number of the options of a service in its descriptor; that of a method is methodOptions.
//
// https://github.com/protocolbuffers/protobuf/blob/v33.0/src/google/protobuf/descriptor.proto
const serviceOptions = 3

// declared is an option of a service or a method, and where it stands.
type declared struct {
	*config.Option

	schema *schema.Schema
	of     protoreflect.Descriptor
	rules  []authz.Rule // of authorisation
	limits []ratelimit.Rule
}

// options are what schemas say of their services and methods.
type options struct {
	services map[string]*declared // by full name
	methods  map[string]*declared // by path
	rules    map[string]*declared // by the name of a rule of authorisation, or of a limit
}

// of returns what the schema says of a method: by its service, and by itself; nil for nothing.
func (o *options) of(m *transcoder.Method) (service, method *declared) {
	return o.services[m.Service], o.methods[m.Path]
}

// option is what is said; nil for nothing.
func (d *declared) option() *config.Option {
	if d == nil {
		return nil
	}
	return d.Option
}

// options reads what the schemas say. What is wrong with it is told with the place in the .proto file, where that is known.
func (a *Assembly) readOptions(mux *transcoder.Mux, loads []Loaded) (*options, []schema.Diagnostic) {
	o := &options{services: map[string]*declared{}, methods: map[string]*declared{}, rules: map[string]*declared{}}
	reads := map[*schema.Schema]config.PolicyOptions{}
	for i, l := range loads {
		reads[l.Schema] = a.config.Schemas.Sources[i].PolicyOptions
	}
	var (
		all     []schema.Diagnostic
		seen    = map[string]bool{}
		ignored = map[*schema.Schema]bool{}
	)
	read := func(s *schema.Schema, d protoreflect.Descriptor) *declared {
		option, problems := a.config.Option(d)
		if option == nil && len(problems) == 0 {
			return nil
		}
		if reads[s] == config.IgnoreOptions {
			if !ignored[s] {
				all = append(all, ignoredOptions(s, d))
			}
			ignored[s] = true
			return nil
		}
		found := &declared{Option: option, schema: s, of: d}
		for _, p := range problems {
			all = append(all, found.problem(&p))
		}
		if option == nil {
			return nil
		}
		for i := range option.Authorization {
			rule, err := option.Authorization[i].Rule()
			if err != nil {
				continue // told of
			}
			found.rules = append(found.rules, rule)
			o.rules[rule.Name] = found
		}
		for i := range option.Limits {
			rule, err := option.Limits[i].Rule()
			if err != nil {
				continue // told of
			}
			found.limits = append(found.limits, rule)
			o.rules[rule.Name] = found
		}
		return found
	}
	for _, m := range mux.Methods() {
		if m.Local || m.Desc == nil {
			continue
		}
		if !seen[m.Service] {
			seen[m.Service] = true
			if d := read(m.Schema, m.Desc.Parent()); d != nil {
				o.services[m.Service] = d
			}
		}
		if d := read(m.Schema, m.Desc); d != nil {
			o.methods[m.Path] = d
		}
	}
	return o, all
}

// authorization returns the rules of authorisation that the schema has for a method: those of its service, and its own.
func (o *options) authorization(m *transcoder.Method) []authz.Rule {
	var rules []authz.Rule
	service, method := o.of(m)
	for _, d := range []*declared{service, method} {
		if d != nil {
			rules = append(rules, d.rules...)
		}
	}
	return rules
}

// limits returns the limits that the schema has for a method: those of its service, and its own.
func (o *options) limits(m *transcoder.Method) []ratelimit.Rule {
	var rules []ratelimit.Rule
	service, method := o.of(m)
	for _, d := range []*declared{service, method} {
		if d != nil {
			rules = append(rules, d.limits...)
		}
	}
	return rules
}

// list returns what the schema says of a method's service, and of the method, as far as it says anything.
func (o *options) list(m *transcoder.Method) []*config.Option {
	var all []*config.Option
	service, method := o.of(m)
	for _, d := range []*declared{service, method} {
		if d != nil {
			all = append(all, d.Option)
		}
	}
	return all
}

// caches tells whether something in the schemas has answers stored.
func (o *options) caches() bool {
	for _, all := range []map[string]*declared{o.services, o.methods} {
		for _, d := range all {
			if d.Policy.Caches() {
				return true
			}
		}
	}
	return false
}

// whose returns the option that a value of a method's policy is from; nil for one of the configuration.
func (o *options) whose(m *transcoder.Method, origin config.Origin) *declared {
	service, method := o.of(m)
	for _, d := range []*declared{method, service} {
		if d != nil && strings.HasPrefix(string(origin), d.Name) {
			return d
		}
	}
	return nil
}

// optionError is an option in a schema that does not go with something else.
type optionError struct {
	of   *declared
	path string // of the field
	err  error
}

// Error implements error.
func (e *optionError) Error() string {
	return fmt.Sprintf("the option of %s: %s", e.of.of.FullName(), e.err)
}

func (e *optionError) diagnostic() schema.Diagnostic {
	return e.of.at(schema.Diagnostic{Level: schema.Error, Code: optionCode, Message: e.Error()}, e.path)
}

// checkDeadline refuses a timeout that is longer than the longest allowed one, where an option in the schema has set one of them. What the
// configuration says by itself it has checked.
func (p *policies) checkDeadline(m *transcoder.Method, policy *config.Policy, origins config.Origins) error {
	d := &policy.Deadline
	if d.Timeout <= d.MaxTimeout {
		return nil
	}
	for _, name := range []string{"timeout", "max_timeout"} {
		if own := p.declared.whose(m, origins[name]); own != nil {
			return &optionError{of: own, path: name, err: fmt.Errorf("timeout of %s is %s, more than max_timeout, %s", m.Path, d.Timeout, d.MaxTimeout)}
		}
	}
	return nil
}

// problem is the diagnostic of something that is wrong with an option.
func (d *declared) problem(p *config.Problem) schema.Diagnostic {
	diagnostic := schema.Diagnostic{Level: schema.Error, Code: optionCode, Message: fmt.Sprintf("the option of %s: %s", d.of.FullName(), strings.TrimSpace(p.Path+" "+p.Message))}
	if p.Warning {
		diagnostic.Level = schema.Warning
	}
	if p.Hint != "" {
		diagnostic.Help = []string{p.Hint}
	}
	return d.at(diagnostic, p.Path)
}

// at adds the place of a field of the option to a diagnostic.
func (d *declared) at(diagnostic schema.Diagnostic, path string) schema.Diagnostic {
	number := int32(methodOptions)
	if _, ok := d.of.(protoreflect.ServiceDescriptor); ok {
		number = serviceOptions
	}
	at := d.schema.Locate(d.of, number, config.OptionNumber)
	if at.Line == 0 {
		diagnostic.Notes = append(diagnostic.Notes, "in "+at.File)
		return diagnostic
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ = strings.Cut(name, "[")
	span := schema.Span{Position: at, Primary: true}
	span.Text = d.schema.Line(at.File, at.Line)
	if name != "" {
		if found, ok := findName(d.schema, at, name); ok {
			span.Position, span.Text = found, d.schema.Line(found.File, found.Line)
			span.EndColumn = found.Column + utf8.RuneCountInString(name)
		}
	}
	diagnostic.Spans = append(diagnostic.Spans, span)
	return diagnostic
}

// findName looks for a name at or below a position, until the option ends.
func findName(s *schema.Schema, from schema.Position, name string) (schema.Position, bool) {
	for line := from.Line; line < from.Line+searchLines; line++ {
		source := s.Line(from.File, line)
		begin := 0
		if line == from.Line {
			for n := 1; n < from.Column && begin < len(source); n++ {
				_, size := utf8.DecodeRuneInString(source[begin:])
				begin += size
			}
		}
		for i := begin; ; {
			j := strings.Index(source[i:], name)
			if j < 0 {
				break
			}
			i += j
			if !isNamePart(source, i-1) && !isNamePart(source, i+len(name)) {
				return schema.Position{File: from.File, Line: line, Column: utf8.RuneCountInString(source[:i]) + 1}, true
			}
			i += len(name)
		}
		if strings.Contains(source[begin:], ";") {
			break
		}
	}
	return schema.Position{}, false
}

func isNamePart(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] == '_' || 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z' || '0' <= s[i] && s[i] <= '9')
}

// ignoredOptions warns of options that are not read.
func ignoredOptions(s *schema.Schema, d protoreflect.Descriptor) schema.Diagnostic {
	return schema.Diagnostic{
		Level: schema.Warning, Code: ignoredCode, Message: fmt.Sprintf("the options of dragoman.policy.v1 in the schemas of %s are not read: that of %s, for one", s.Source(), d.FullName()),
		Help: []string{"write policy_options: read at the source if who serves it may say who calls"},
	}
}
