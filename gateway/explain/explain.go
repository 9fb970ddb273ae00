// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// World is what requests are explained by: what one snapshot serves.
type World struct {
	// Mux finds methods and routes.
	Mux *transcoder.Mux
	// Config is the configuration.
	Config *config.Config
	// REST returns how a method is served over REST.
	REST func(*transcoder.Method) *rest.Config
	// Declared returns where the rule of a route is written.
	Declared func(*httprule.Binding) schema.Position
	// Schemes returns how clients show what a provider asks for.
	Schemes func(provider string) []openapi.Scheme
	// Policy returns the policy of a method, and which setting or option each of its values is from; Options what its schema says of its
	// service, and of itself.
	Policy  func(*transcoder.Method) (*config.Policy, config.Origins)
	Options func(*transcoder.Method) []*config.Option
	// Cache tells whether answers of a method are stored; nil where nothing says anything of it.
	Cache func(*transcoder.Method) *Cache
}

// MostOthers is how many of the routes that a request does not find are told of.
const MostOthers = 5

// Explain tells what would become of a request. Nothing is sent, and nobody is asked.
func (w *World) Explain(ctx context.Context, r *Request) *Explanation {
	e := &Explanation{Request: r.Method + " " + r.Path}
	call := transcoder.NewCall(ctx, r.head())
	call.Host = r.Authority
	_, err := w.Mux.Open(call)
	if bad := transcoder.CheckHead(call.Request); bad != nil {
		err = bad
	}
	e.Protocol = call.Protocol
	w.outcome(e, r, err)
	w.routes(e, r, call)
	if call.Method == nil {
		return e
	}
	e.Method, e.Kind = methodName(call.Method.Path), call.Method.Kind()
	if call.Binding != nil && call.Method.Desc != nil {
		w.fields(e, r, call)
	}
	w.policy(e, call)
	w.auth(e, r, call)
	w.limits(e, call)
	w.permits(e, call)
	w.traffic(e, call)
	w.cache(e, r, call)
	return e
}

// head is the request as protocols see it.
func (r *Request) head() *transcoder.Request {
	major := 1
	if strings.HasPrefix(r.Header.Get("content-type"), "application/grpc") && !strings.HasPrefix(r.Header.Get("content-type"), "application/grpc-web") {
		major = 2
	}
	return &transcoder.Request{
		Method: r.Method, Path: r.Path, Query: r.Query, Authority: r.Authority, Scheme: "http", Major: major, Header: slices.Clone(r.Header),
		ContentLength: int64(len(r.Body)), Listener: r.Listener,
	}
}

// methodName is package.Service/Method.
func methodName(path string) string { return strings.TrimPrefix(path, "/") }

// outcome says with what a request is refused before its policies are asked.
func (w *World) outcome(e *Explanation, r *Request, err error) {
	e.Outcome.OK = err == nil
	if err == nil {
		return
	}
	refused, ok := errors.AsType[*status.Error](err)
	if !ok {
		refused = &status.Error{Message: err.Error()}
	}
	e.Outcome = Outcome{Status: status.HTTPOf(err), Reason: string(refused.Reason), Message: refused.Message}
	if w.Mux.At(r.Listener).Routes() == nil {
		return
	}
	var m httprule.Match
	switch w.Mux.At(r.Listener).Routes().Match(&m, r.Method, r.Path) {
	case httprule.MethodNotAllowed:
		e.Outcome.Allow = slices.Clone(m.Allowed())
	case httprule.OptionsOnly:
		e.Outcome.Status, e.Outcome.Message, e.Outcome.Allow = http.StatusNoContent, "OPTIONS is answered with what the path takes", slices.Clone(m.Allowed())
	case httprule.Redirect:
		e.Outcome.Status, e.Outcome.Message, e.Outcome.Location = http.StatusPermanentRedirect, "the path has a route without the slash at its end", m.RedirectPath()
	default:
	}
}

// routes says which route the request finds, and why it does not find the others.
func (w *World) routes(e *Explanation, r *Request, call *transcoder.Call) {
	table := w.Mux.At(r.Listener).Routes()
	if call.Binding != nil {
		route := w.route(call.Binding)
		e.Route = &route
	}
	if table == nil || (call.Binding == nil && call.Method != nil) {
		return // named by its path, which no route has a say in
	}
	_, candidates := table.Candidates(r.Method, r.Path)
	for i := range candidates {
		c := &candidates[i]
		switch {
		case c.Chosen:
		case len(e.Others) < MostOthers:
			e.Others = append(e.Others, Other{Route: w.route(c.Binding), Reason: c.Reason, Matches: c.Matches})
		default:
			e.MoreOthers++
		}
	}
}

func (w *World) route(b *httprule.Binding) Route {
	r := Route{Rule: b.String(), Method: string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name()), Origin: b.Place.Origin.String()}
	if w.Declared != nil {
		r.Declared = w.Declared(b).String()
	}
	switch b.Body {
	case httprule.BodyWhole:
		r.Body = "*"
	case httprule.BodyField:
		r.Body = string(b.BodyField.Name())
	case httprule.BodyNone:
	}
	if b.ResponseField != nil {
		r.ResponseBody = string(b.ResponseField.Name())
	}
	return r
}

// policy lists the values of the method's policy.
func (w *World) policy(e *Explanation, call *transcoder.Call) {
	for _, v := range w.Config.ValuesOf(w.Policy(call.Method)) {
		s := Setting{Name: v.Name, Value: v.Value, Origin: string(v.Origin)}
		if v.Line > 0 {
			s.Place = schema.Position{File: w.Config.File, Line: v.Line, Column: v.Column}.String()
		}
		e.Policy = append(e.Policy, s)
	}
}

// auth says who may call, and what of it the request shows.
func (w *World) auth(e *Explanation, r *Request, call *transcoder.Call) {
	policy, _ := w.Policy(call.Method)
	a := &Auth{}
	seen := map[string]bool{}
	for _, alternative := range policy.Auth {
		if alternative == config.Everybody {
			a.Everybody = true
			continue
		}
		a.Any = append(a.Any, alternative)
		for name := range strings.SplitSeq(alternative, "+") {
			if seen[name] {
				continue
			}
			seen[name] = true
			for _, s := range w.Schemes(name) {
				a.Providers = append(a.Providers, providerOf(name, &s, r))
			}
		}
	}
	a.Everybody = a.Everybody || len(a.Any) == 0
	e.Auth = a
}

// providerOf says where a provider looks for credentials, and whether a request has some there.
func providerOf(name string, s *openapi.Scheme, r *Request) Provider {
	p := Provider{Name: name, Kind: string(s.Kind), Field: s.Field}
	switch s.Kind {
	case openapi.SchemeBearer, openapi.SchemeBasic:
		p.Field = "authorization"
		scheme, _, _ := strings.Cut(r.Header.Get(p.Field), " ")
		p.Shown = strings.EqualFold(scheme, string(s.Kind))
	case openapi.SchemeHeader:
		p.Shown = r.Header.Has(s.Field)
	case openapi.SchemeCookie:
		for _, f := range r.Header {
			if f.Name == "cookie" {
				cookies, err := http.ParseCookie(f.Value)
				p.Shown = p.Shown || err == nil && slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == s.Field })
			}
		}
	case openapi.SchemeQuery, openapi.SchemeMutualTLS:
	}
	return p
}

// limits lists the limits that hold for the method.
func (w *World) limits(e *Explanation, call *transcoder.Call) {
	for i := range w.Config.RateLimits.Rules {
		rule := &w.Config.RateLimits.Rules[i]
		if !rule.Match.Match(call.Method.Service, call.Method.Name) {
			continue
		}
		l := limitOf(rule, w.place(fmt.Sprintf("rate_limits.rules[%d]", i)))
		for _, weight := range rule.Weights {
			if weight.Match.Match(call.Method.Service, call.Method.Name) {
				l.Weight = weight.Weight
				break
			}
		}
		e.Limits = append(e.Limits, l)
	}
	for _, o := range w.Options(call.Method) {
		for i := range o.Limits {
			e.Limits = append(e.Limits, limitOf(&o.Limits[i], fmt.Sprintf("%s.limits[%d]", o.Name, i)))
		}
	}
}

func limitOf(rule *config.LimitRule, place string) Limit {
	l := Limit{Name: rule.Name, Key: rule.Key, InFlight: rule.MaxInFlight, Messages: rule.Messages, Place: place}
	if rule.Limit.Count > 0 {
		l.Limit = rule.Limit.String()
	}
	return l
}

// permits lists the rules of authorisation that are for the method.
func (w *World) permits(e *Explanation, call *transcoder.Call) {
	from := &w.Config.Authorization
	for i := range from.Rules {
		if r := &from.Rules[i]; r.Match.Match(call.Method.Service, call.Method.Name) {
			e.Permits = append(e.Permits, Permit{Name: r.Name, Allow: r.Allow, DryRun: r.DryRun || from.DryRun, Place: w.place(fmt.Sprintf("authorization.rules[%d]", i))})
		}
	}
	for _, o := range w.Options(call.Method) {
		for i := range o.Authorization {
			r := &o.Authorization[i]
			e.Permits = append(e.Permits, Permit{Name: r.Name, Allow: r.Allow, DryRun: r.DryRun || from.DryRun, Place: fmt.Sprintf("%s.authorization[%d]", o.Name, i)})
		}
	}
	if len(e.Permits) == 0 && from.Deny {
		e.Permits = []Permit{{DryRun: from.DryRun, Place: w.place("authorization.default")}}
	}
}

// traffic says where the call goes.
func (w *World) traffic(e *Explanation, call *transcoder.Call) {
	e.Traffic = &Traffic{}
	if call.Method.Local {
		e.Traffic.Backend = "(gateway)"
		return
	}
	to, ok := w.Config.TrafficFor(call.Method.Service, call.Method.Name)
	if !ok {
		return
	}
	e.Traffic.Entry, e.Traffic.Place = to.Path, w.place(to.Path)
	if to.Mirror != nil {
		e.Traffic.Mirror = to.Mirror.Backend
	}
	if len(to.Rules) == 0 {
		e.Traffic.Backend = to.Backend
		return
	}
	takers := []string{}
	for _, s := range to.Explain(call) {
		e.Traffic.Steps = append(e.Traffic.Steps, Step{Rule: s.Rule, Backend: s.Backend, Takes: s.Takes, Percent: s.Percent})
		if s.Takes {
			takers = append(takers, s.Backend)
		}
	}
	if len(takers) == 1 {
		e.Traffic.Backend = takers[0]
	}
}

// cache says whether the answer is stored, and under what.
func (w *World) cache(e *Explanation, r *Request, call *transcoder.Call) {
	if e.Cache = w.Cache(call.Method); e.Cache == nil || !e.Cache.Stores {
		return
	}
	policy, _ := w.Policy(call.Method)
	e.Cache.Notes = policy.Cache.Notes(r.Header)
}

// place is where a setting stands; "" without a file.
func (w *World) place(path string) string {
	line, column := w.Config.Position(path)
	if line == 0 {
		return ""
	}
	return schema.Position{File: w.Config.File, Line: line, Column: column}.String()
}
