// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

// ruleSet is where the rules of a table come from that are not annotations.
type ruleSet struct {
	// files are the rules of all files, source by source; Place.ConfigRule is an index of them for methods that have no rule below.
	files []*serviceconfig.Rule
	// own are the rules that stand in the configuration itself, at the method. They take the place of all others.
	own map[protoreflect.FullName]ownRule
}

// ownRule is the rules of one method: the first, and the others as its additional bindings.
type ownRule struct {
	http *annotations.HttpRule
	path string // of the list in the configuration
}

// candidate is a method that rules may be for: one that is served, or one that is hidden, for which a rule is no mistake
// and has no effect.
type candidate struct {
	desc   protoreflect.MethodDescriptor
	served bool
}

// candidates returns the methods that are served, and, if asked for, then those that are hidden, each full name once.
func candidates(mux *transcoder.Mux, schemas []*schema.Schema, hidden bool) []candidate {
	var all []candidate
	seen := map[protoreflect.FullName]bool{}
	for _, m := range mux.Methods() {
		if seen[m.Desc.FullName()] {
			continue // the gateway's own, which come last
		}
		seen[m.Desc.FullName()] = true
		all = append(all, candidate{m.Desc, true})
	}
	if !hidden {
		return all
	}
	for _, s := range schemas {
		for _, service := range s.Services() {
			for i := range service.Methods().Len() {
				if m := service.Methods().Get(i); !seen[m.FullName()] {
					seen[m.FullName()] = true
					all = append(all, candidate{m, false})
				}
			}
		}
	}
	return all
}

// bind makes the bindings of the methods that are served.
func (a *Assembly) bind(all []candidate, rules *ruleSet, cfg httprule.Config) ([]*httprule.Binding, []httprule.Problem) {
	var methods, own []protoreflect.MethodDescriptor
	apart := map[protoreflect.FullName]bool{} // what the first pass must not bind or complain of
	for _, c := range all {
		_, hasOwn := rules.own[c.desc.FullName()]
		apart[c.desc.FullName()] = !c.served || hasOwn
		methods = append(methods, c.desc)
		if c.served && hasOwn {
			own = append(own, c.desc)
		}
	}
	for _, r := range rules.files {
		cfg.Rules = append(cfg.Rules, r.HTTP)
	}
	bound, found := httprule.Bind(methods, cfg)
	var (
		bindings []*httprule.Binding
		problems []httprule.Problem
	)
	for _, b := range bound {
		if apart[b.Method.FullName()] {
			continue
		}
		if b.Place.Origin == httprule.FromConfig && rules.files[b.Place.ConfigRule].FullyDecodeReservedExpansion {
			for i := range b.Variables {
				b.Variables[i].Unescape = httprule.UnescapeAll
			}
		}
		bindings = append(bindings, b)
	}
	for i := range found {
		if !apart[found[i].Place.Method] {
			problems = append(problems, found[i])
		}
	}
	if len(own) == 0 {
		return bindings, problems
	}
	cfg.Rules, cfg.Merge = nil, httprule.MergeReplace
	for _, m := range own {
		cfg.Rules = append(cfg.Rules, rules.own[m.FullName()].http)
	}
	bound, found = httprule.Bind(own, cfg)
	return append(bindings, bound...), append(problems, found...)
}

// hasOwnRules says whether the configuration itself has a rule.
func (a *Assembly) hasOwnRules() bool {
	return slices.ContainsFunc(a.config.Services, func(s config.Service) bool {
		return slices.ContainsFunc(s.Methods, func(m config.Method) bool { return len(m.HTTP) > 0 })
	})
}

// ownRules finds the methods of the rules that stand in the configuration. A rule whose method is not there is a problem (T12).
func (a *Assembly) ownRules(all []candidate) (map[protoreflect.FullName]ownRule, []schema.Diagnostic) {
	type place struct{ service, method int }
	missing := map[place]bool{}
	for i := range a.config.Services {
		for j := range a.config.Services[i].Methods {
			if len(a.config.Services[i].Methods[j].HTTP) > 0 {
				missing[place{i, j}] = true
			}
		}
	}
	own := map[protoreflect.FullName]ownRule{}
	for _, c := range all {
		i, ok := a.config.ServiceFor(string(c.desc.Parent().FullName()))
		if !ok {
			continue
		}
		for j, m := range a.config.Services[i].Methods {
			if m.Name == string(c.desc.Name()) && len(m.HTTP) > 0 {
				delete(missing, place{i, j})
				own[c.desc.FullName()] = ownRule{ownRuleOf(c.desc.FullName(), m.HTTP), fmt.Sprintf("services[%d].methods[%d].http", i, j)}
			}
		}
	}
	var problems []schema.Diagnostic
	for at := range missing {
		service := &a.config.Services[at.service]
		path := fmt.Sprintf("services[%d].methods[%d].name", at.service, at.method)
		name := service.Methods[at.method].Name
		problems = append(problems, a.missing(schema.Diagnostic{
			Code:    string(httprule.CodeSelectorUnused),
			Message: fmt.Sprintf("no service that %s is in force for has a method %q", service.Match, name),
			Spans:   []schema.Span{configSpan(a.config, path, name)},
			Help:    []string{"write the name of a method as in the schema; names are case-sensitive"},
		}))
	}
	return own, problems
}

// missing is a problem with a rule whose method is not there, which does not count while not all sources are loaded.
func (a *Assembly) missing(d schema.Diagnostic) schema.Diagnostic {
	if a.parts.Partial {
		d.Level = schema.Note
		d.Notes = append(d.Notes, "a source was left out, which may have it")
	}
	return d
}

// ownRuleOf makes one rule of the rules of a method.
func ownRuleOf(method protoreflect.FullName, list []config.HTTPRule) *annotations.HttpRule {
	rule := httpRule(&list[0])
	rule.Selector = string(method)
	for i := range list[1:] {
		rule.AdditionalBindings = append(rule.AdditionalBindings, httpRule(&list[i+1]))
	}
	return rule
}

func httpRule(r *config.HTTPRule) *annotations.HttpRule {
	rule := &annotations.HttpRule{Body: r.Body, ResponseBody: r.ResponseBody}
	switch r.Pattern {
	case "get":
		rule.Pattern = &annotations.HttpRule_Get{Get: r.Path}
	case "put":
		rule.Pattern = &annotations.HttpRule_Put{Put: r.Path}
	case "post":
		rule.Pattern = &annotations.HttpRule_Post{Post: r.Path}
	case "delete":
		rule.Pattern = &annotations.HttpRule_Delete{Delete: r.Path}
	case "patch":
		rule.Pattern = &annotations.HttpRule_Patch{Patch: r.Path}
	case "custom":
		rule.Pattern = &annotations.HttpRule_Custom{Custom: &annotations.CustomHttpPattern{Kind: r.Kind, Path: r.Path}}
	}
	return rule
}
