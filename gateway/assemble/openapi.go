// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// takenCode is the code of documentation that is not served where a route of the schemas is.
const takenCode = "DG2020"

// documents makes the OpenAPI documents of one snapshot.
type documents struct {
	assembly *Assembly
	mux      *transcoder.Mux
	policies *policies
	configs  rest.Configs
}

var _ docs.Source = (*documents)(nil)

// OpenAPI makes the document of what is in force, or of the first that Build made where nothing ever was, without the services that the gateway itself
// answers; nil includes all services. It is safe for concurrent use.
func (a *Assembly) OpenAPI(include func(service string) bool) (*openapi.Document, error) {
	d := a.documents.Load()
	return d.make(d.mux, include)
}

// Services are those that requests of a listener find.
func (d *documents) Services(listener string) []string { return d.mux.At(listener).Services() }

// Document makes a document of what requests of a listener find.
func (d *documents) Document(listener, service string) (*openapi.Document, error) {
	if service == "" {
		return d.make(d.mux.At(listener), nil)
	}
	return d.make(d.mux.At(listener), func(name string) bool { return name == service })
}

func (d *documents) make(mux *transcoder.Mux, include func(string) bool) (*openapi.Document, error) {
	cfg := openapi.Config{Mux: mux, REST: d.rest, Access: d.access, Include: include}
	if own := d.assembly.config.Docs; own != nil {
		cfg.Info = own.Info
	}
	for i := range d.assembly.config.Auth.Providers {
		for _, s := range schemesOf(&d.assembly.config.Auth.Providers[i]) {
			if d.uses(mux, s.provider) {
				cfg.Schemes = append(cfg.Schemes, s.Scheme)
			}
		}
	}
	return openapi.New(cfg)
}

// Explain tells what would become of a request to what is in force, or to the first that Build made where nothing ever was. It is safe for concurrent
// use.
func (a *Assembly) Explain(ctx context.Context, r *explain.Request) *explain.Explanation {
	d := a.documents.Load()
	w := &explain.World{Mux: d.mux, Config: a.config, REST: d.rest, Declared: a.Declared, Schemes: a.schemes}
	w.Policy = func(m *transcoder.Method) (*config.Policy, config.Origins) {
		p := d.policies.of(m)
		return p, d.policies.origins[p]
	}
	w.Options, w.Cache = d.policies.declared.list, func(m *transcoder.Method) *explain.Cache { return a.cacheOf(m, d.policies) }
	return w.Explain(ctx, r)
}

// schemes are how clients show what a provider asks for.
func (a *Assembly) schemes(provider string) (all []openapi.Scheme) {
	for i := range a.config.Auth.Providers {
		if p := &a.config.Auth.Providers[i]; p.Name == provider {
			for _, s := range schemesOf(p) {
				all = append(all, s.Scheme)
			}
		}
	}
	return all
}

func (d *documents) rest(m *transcoder.Method) *rest.Config {
	if own := d.configs.Of(m); own != nil {
		return own
	}
	return &d.configs.Default
}

// access says what a method needs.
func (d *documents) access(m *transcoder.Method) openapi.Access {
	var access openapi.Access
	for _, alternative := range d.policies.of(m).Auth {
		if alternative == config.Everybody {
			access.Optional = true
			continue
		}
		ways := []openapi.Requirement{nil}
		for name := range strings.SplitSeq(alternative, "+") {
			ways = d.and(ways, name)
		}
		access.Any = append(access.Any, ways...)
	}
	permits := &d.assembly.config.Authorization
	access.Restricted = permits.Deny || slices.ContainsFunc(permits.Rules, func(r config.AuthorizationRule) bool { return r.Match.Match(m.Service, m.Name) })
	access.Restricted = access.Restricted || len(d.policies.declared.authorization(m)) > 0
	access.Limited = len(d.policies.declared.limits(m)) > 0
	for i := range d.assembly.config.RateLimits.Rules {
		access.Limited = access.Limited || d.assembly.config.RateLimits.Rules[i].Match.Match(m.Service, m.Name)
	}
	return access
}

// and adds a provider to each of some requirements, once for each place where its credentials may stand.
func (d *documents) and(ways []openapi.Requirement, provider string) (all []openapi.Requirement) {
	i := slices.IndexFunc(d.assembly.config.Auth.Providers, func(p config.AuthProvider) bool { return p.Name == provider })
	if i < 0 {
		return ways
	}
	for _, s := range schemesOf(&d.assembly.config.Auth.Providers[i]) {
		for _, way := range ways {
			all = append(all, append(slices.Clone(way), openapi.Need{Scheme: s.Name}))
		}
	}
	return all
}

// uses tells whether a method of a Mux names a provider.
func (d *documents) uses(mux *transcoder.Mux, provider string) bool {
	return slices.ContainsFunc(mux.Methods(), func(m *transcoder.Method) bool {
		return mux.Method(m.Path) == m && slices.ContainsFunc(d.policies.of(m).Auth, func(alternative string) bool {
			return slices.Contains(strings.Split(alternative, "+"), provider)
		})
	})
}

// providerScheme is one of the places where the credentials of a provider may stand.
type providerScheme struct {
	openapi.Scheme
	provider string
}

// schemesOf is how clients show what a provider asks for.
func schemesOf(p *config.AuthProvider) []providerScheme {
	one := func(s openapi.Scheme) []providerScheme {
		s.Name = p.Name
		return []providerScheme{{s, p.Name}}
	}
	switch {
	case p.JWT != nil:
		return carried(p.Name, p.JWT.Carrier, "JWT", "A token of "+p.JWT.Issuer+".")
	case p.Introspection != nil:
		return carried(p.Name, p.Introspection.Carrier, "", "A token, which its issuer is asked about.")
	case p.APIKey != nil:
		header := cmp.Or(p.APIKey.Header, apikey.DefaultHeader)
		if header == auth.Authorization {
			return one(openapi.Scheme{Kind: openapi.SchemeBearer, Description: "An API key."})
		}
		return one(openapi.Scheme{Kind: openapi.SchemeHeader, Field: header, Description: "An API key."})
	case p.Basic != nil:
		return one(openapi.Scheme{Kind: openapi.SchemeBasic, Description: "A name and a password."})
	case p.MTLS != nil:
		return one(openapi.Scheme{Kind: openapi.SchemeMutualTLS, Description: "A certificate of the client."})
	default:
		return one(openapi.Scheme{Kind: openapi.SchemeHeader, Field: auth.Authorization, Description: "Credentials on which a service of the operator decides."})
	}
}

// carried is how clients show a token.
func carried(name string, c auth.Carrier, format, text string) []providerScheme {
	token := openapi.Scheme{Name: name, Kind: openapi.SchemeBearer, Format: format, Description: text}
	if c.Header != "" {
		token.Kind, token.Field, token.Format = openapi.SchemeHeader, c.Header, ""
	}
	all := []providerScheme{{token, name}}
	if c.Cookie != "" {
		all = append(all, providerScheme{openapi.Scheme{Name: name + ".cookie", Kind: openapi.SchemeCookie, Field: c.Cookie, Description: text}, name})
	}
	return all
}

// addDocs gives a snapshot its documentation, and tells which of it routes of the schemas hide.
func (a *Assembly) addDocs(s *gateway.Snapshot, source docs.Source) ([]schema.Diagnostic, error) {
	if a.config.Docs == nil {
		return nil, nil
	}
	var listeners []string
	for i := range a.config.Listeners {
		listeners = append(listeners, a.config.Listeners[i].Name)
	}
	hidden := map[string]string{} // path, to the route that goes before
	site, err := docs.New(a.config.Docs, source, listeners, func(listener, path string) bool {
		b := routeAt(s.Mux.At(listener), path)
		if b != nil {
			hidden[path] = fmt.Sprintf("%s of %s", b, b.Method.FullName())
		}
		return b != nil
	})
	if err != nil {
		return nil, err
	}
	s.Pages = site
	var warnings []schema.Diagnostic
	for _, path := range a.config.Docs.Paths() {
		if route := hidden[path]; route != "" {
			d := schema.Diagnostic{
				Level: schema.Warning, Code: takenCode, Message: fmt.Sprintf("the documentation at %s is not served: the route %s takes it", path, route),
				Help: []string{"give it another place with docs.path and docs.openapi, or change the route"},
			}
			if span := configSpan(a.config, "docs", ""); span.Line > 0 {
				d.Spans = append(d.Spans, span)
			}
			warnings = append(warnings, d)
		}
	}
	return warnings, nil
}

// routeAt returns the route of the schemas that a GET of a path finds, or nil.
func routeAt(mux *transcoder.Mux, path string) *httprule.Binding {
	var match httprule.Match
	if mux.Routes() == nil || mux.Routes().Match(&match, http.MethodGet, path) != httprule.Found {
		return nil
	}
	return match.Binding()
}
