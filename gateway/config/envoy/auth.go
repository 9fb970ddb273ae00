// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
)

// demand says whom calls of a pattern must come from: one of some alternatives, as policies have them.
type demand struct {
	pattern      pattern
	alternatives []string
}

// everybody is what asks for nobody.
const everybody = "none"

// algorithms are what Envoy verifies without being told: whatever the key is for.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// provider adds a provider, under a name that is free.
func (c *conversion) provider(name string, p *settings) string {
	own := strings.TrimLeft(unfit.ReplaceAllString(name, "-"), "-_.")
	const longest = 60
	own = cmp.Or(own[:min(len(own), longest)], "provider")
	if own == everybody {
		own = "provider"
	}
	for base, i := own, 2; c.providers.has(own); i++ {
		own = fmt.Sprintf("%s-%d", base, i)
	}
	c.providers.set(own, p)
	return own
}

// require lets all calls need a provider.
func (c *conversion) require(name string) { c.always = unique(append(c.always, name)) }

// demanded returns whom calls of a pattern need, as a policy has it; nil where nobody is ever asked.
func (c *conversion) demanded(key pattern) []string {
	if c.providers.empty() {
		return nil
	}
	alternatives := []string{everybody}
	for _, d := range c.demands {
		if d.pattern.covers(key) {
			alternatives = d.alternatives
			break
		}
	}
	with := strings.Join(c.always, "+")
	var own []string
	for _, a := range alternatives {
		switch {
		case with == "":
			own = append(own, a)
		case a == everybody:
			own = append(own, with)
		default:
			own = append(own, a+"+"+with)
		}
	}
	return unique(own)
}

// extAuthz converts the filter that asks a service.
func (c *conversion) extAuthz(s *source, m *extauthzv3.ExtAuthz, path string) {
	c.rest(s, m, path, "grpc_service", "http_service", "failure_mode_allow", "transport_api_version", "stat_prefix")
	g, at := m.GetGrpcService(), join(path, "grpc_service")
	c.rest(s, g, at, "envoy_grpc", "timeout")
	backend := c.backendOf(g.GetEnvoyGrpc().GetClusterName())
	if backend == "" {
		c.note(s, path, Guard, "who may call is decided by nobody here: a service is asked by gRPC, at a cluster that is in what was given")
		return
	}
	c.rest(s, g.GetEnvoyGrpc(), join(at, "envoy_grpc"), "cluster_name")
	c.used[backend] = true
	provider := newSettings()
	own := provider.in("ext_authz")
	own.set("backend", backend)
	if d := g.GetTimeout(); d != nil {
		const longest = 10 * second
		own.set("timeout", c.within(s, join(at, "timeout"), d.AsDuration(), millisecond, longest))
	}
	if m.GetFailureModeAllow() {
		own.set("insecure_fail_open", true)
	}
	c.once(s, s.where(path), path, Left, "of what the service answers, no header field reaches the backend until ext_authz.forward_headers names it")
	c.require(c.provider("ext_authz", provider))
}

// jwt converts the filter that verifies tokens.
func (c *conversion) jwt(s *source, m *jwtv3.JwtAuthentication, path string, _ *filtered) {
	c.rest(s, m, path, "providers", "rules", "requirement_map", "bypass_cors_preflight", "stat_prefix")
	if m.GetBypassCorsPreflight() {
		c.note(s, join(path, "bypass_cors_preflight"), Done, "preflights are always answered before anybody is asked here")
	}
	names := map[string]string{}
	for _, name := range sorted(m.GetProviders()) {
		at := entry(join(path, "providers"), name)
		if p := c.jwtProvider(s, m.GetProviders()[name], at); p != nil {
			names[name] = c.provider(name, p)
		}
	}
	j := &requirements{conversion: c, source: s, names: names}
	for _, name := range sorted(m.GetRequirementMap()) {
		if !slices.ContainsFunc(m.GetRules(), func(r *jwtv3.RequirementRule) bool { return r.GetRequirementName() == name }) {
			c.note(s, entry(join(path, "requirement_map"), name), Done, "no rule names it, and it is left out")
		}
	}
	for i, r := range m.GetRules() {
		at := item(join(path, "rules"), i)
		c.rest(s, r, at, "match", "requires", "requirement_name")
		p, ok := c.demandPattern(s, r.GetMatch(), join(at, "match"))
		if !ok {
			continue
		}
		needed := []string{everybody}
		switch to := r.GetRequirementType().(type) {
		case *jwtv3.RequirementRule_Requires:
			needed = j.alternatives(to.Requires, join(at, "requires"))
		case *jwtv3.RequirementRule_RequirementName:
			known, there := m.GetRequirementMap()[to.RequirementName]
			if !there {
				c.note(s, join(at, "requirement_name"), Guard, "there is no requirement %q", to.RequirementName)
				continue
			}
			needed = j.alternatives(known, entry(join(path, "requirement_map"), to.RequirementName))
		}
		if needed == nil {
			c.note(s, at, Guard, "what it asks for has no equal; give the policy of the methods an auth by hand")
			continue
		}
		c.demands = append(c.demands, demand{p, needed})
	}
}

// demandPattern converts what a rule of tokens is for. Rules are for the path as it came, which for REST is none of gRPC.
func (c *conversion) demandPattern(s *source, m *routev3.RouteMatch, path string) (pattern, bool) {
	c.rest(s, m, path, "prefix", "path")
	p, _, ok := prefixPattern(m.GetPrefix())
	if m.GetPath() != "" {
		p, ok = pathPattern(m.GetPath())
	}
	if _, is := m.GetPathSpecifier().(*routev3.RouteMatch_Prefix); !is && m.GetPath() == "" {
		ok = false
	}
	if !ok {
		c.note(s, path, Guard, "rules here are by service and method, and this path is of none: give the policy of the methods behind it an auth by hand")
	}
	return p, ok
}

// requirements makes what policies ask for of what rules require.
type requirements struct {
	*conversion

	source *source
	names  map[string]string
}

// alternatives returns whom a requirement lets in; nil where it has no equal.
func (j *requirements) alternatives(r *jwtv3.JwtRequirement, path string) []string {
	switch r := r.GetRequiresType().(type) {
	case nil:
		return []string{everybody}
	case *jwtv3.JwtRequirement_ProviderName:
		if name := j.names[r.ProviderName]; name != "" {
			return []string{name}
		}
	case *jwtv3.JwtRequirement_RequiresAny:
		var all []string
		for i, one := range r.RequiresAny.GetRequirements() {
			own := j.alternatives(one, item(join(path, "requires_any.requirements"), i))
			if own == nil {
				return nil
			}
			all = append(all, own...)
		}
		// Who has none is let in behind all that could be asked for.
		if i := slices.Index(all, everybody); i >= 0 {
			all = append(slices.DeleteFunc(all, func(s string) bool { return s == everybody }), everybody)
		}
		const most = 16
		if all = unique(all); len(all) <= most {
			return all
		}
	case *jwtv3.JwtRequirement_RequiresAll:
		var names []string
		for i, one := range r.RequiresAll.GetRequirements() {
			own := j.alternatives(one, item(join(path, "requires_all.requirements"), i))
			if len(own) != 1 || own[0] == everybody {
				return nil
			}
			names = append(names, own[0])
		}
		if len(names) > 0 {
			return []string{strings.Join(unique(names), "+")}
		}
	case *jwtv3.JwtRequirement_AllowMissing:
		return []string{everybody}
	case *jwtv3.JwtRequirement_ProviderAndAudiences:
		j.note(j.source, path, Left, "audiences of a rule have no place: make a provider with them")
	}
	return nil
}

// jwtProvider converts an issuer of tokens; nil where it has no equal.
func (c *conversion) jwtProvider(s *source, p *jwtv3.JwtProvider, path string) *settings {
	c.rest(s, p, path, "issuer", "audiences", "remote_jwks", "local_jwks", "forward", "from_headers", "from_cookies", "claim_to_headers", "clock_skew_seconds", "require_expiration",
		"jwt_cache_config")
	if p.GetIssuer() == "" || len(p.GetAudiences()) == 0 {
		c.note(s, path, Guard, "a provider here has an issuer and audiences, so that tokens for somebody else are none for this API; write it by hand")
		return nil
	}
	provider := newSettings()
	own := provider.in("jwt")
	own.set("issuer", p.GetIssuer())
	own.set("audiences", unique(p.GetAudiences()))
	own.set("algorithms", algorithms)
	c.note(s, path, Done, "all asymmetric algorithms are written, as Envoy takes what a key is for; name those that the issuer uses")
	if !c.keys(s, p, path, own) {
		c.note(s, path, Guard, "its keys are in no file and at no URL; write the provider by hand")
		return nil
	}
	c.tokens(s, p, path, own)
	if n := p.GetClockSkewSeconds(); n > 0 {
		own.set("clock_skew", c.within(s, join(path, "clock_skew_seconds"), time.Duration(n)*second, second, time.Minute))
	}
	forward := newSettings()
	for i, h := range p.GetClaimToHeaders() {
		at := item(join(path, "claim_to_headers"), i)
		c.rest(s, h, at, "header_name", "claim_name")
		name := strings.ToLower(h.GetHeaderName())
		if !fieldName.MatchString(name) || h.GetClaimName() == "" || forward.has(h.GetClaimName()) {
			c.note(s, at, Left, "a claim is forwarded under one name of a header field; write claims.forward by hand")
			continue
		}
		forward.set(h.GetClaimName(), name)
	}
	if !forward.empty() {
		own.in("claims").set("forward", forward)
	}
	if p.GetForward() {
		provider.set("forward_credentials", true)
	}
	if p.GetRequireExpiration() {
		c.note(s, join(path, "require_expiration"), Done, "tokens without exp are always refused here")
	}
	if p.GetJwtCacheConfig() != nil {
		c.note(s, join(path, "jwt_cache_config"), Done, "what was verified is always remembered here")
	}
	return provider
}

// keys converts where the keys of an issuer are.
func (c *conversion) keys(s *source, p *jwtv3.JwtProvider, path string, own *settings) bool {
	if r := p.GetRemoteJwks(); r != nil {
		at := join(path, "remote_jwks")
		c.rest(s, r, at, "http_uri", "cache_duration", "async_fetch")
		c.rest(s, r.GetHttpUri(), join(at, "http_uri"), "uri", "cluster")
		c.note(s, join(at, "http_uri"), Done, "keys are fetched from the host of the URL, by the CAs of the system, and not through a cluster")
		if r.GetAsyncFetch() != nil {
			c.note(s, join(at, "async_fetch"), Done, "keys are always fetched in the background here")
		}
		uri := r.GetHttpUri().GetUri()
		own.set("jwks_url", uri)
		if strings.HasPrefix(uri, "http://") {
			own.set("insecure_http", true)
			c.note(s, join(at, "http_uri"), Left, "keys come by http: whoever is on the way can be anybody; let them come by https, and take out insecure_http")
		}
		if d := r.GetCacheDuration(); d != nil {
			const least = 10 * second
			own.set("refresh", c.within(s, join(at, "cache_duration"), d.AsDuration(), least, day))
		}
		return uri != ""
	}
	c.rest(s, p.GetLocalJwks(), join(path, "local_jwks"), "filename")
	own.set("jwks_file", p.GetLocalJwks().GetFilename())
	return p.GetLocalJwks().GetFilename() != ""
}

// tokens converts where tokens are looked for.
func (c *conversion) tokens(s *source, p *jwtv3.JwtProvider, path string, own *settings) {
	for i, h := range p.GetFromHeaders() {
		at := item(join(path, "from_headers"), i)
		c.rest(s, h, at, "name", "value_prefix")
		name := strings.ToLower(h.GetName())
		switch {
		case name == "authorization" && strings.TrimSpace(h.GetValuePrefix()) == "Bearer":
			c.note(s, at, Done, "is where tokens are looked for without a setting")
		case i == 0 && h.GetValuePrefix() == "" && fieldName.MatchString(name):
			own.set("header", name)
		default:
			c.note(s, at, Left, "tokens are looked for in one field, which holds nothing else, or behind Bearer in authorization; make another provider")
		}
	}
	for i, name := range p.GetFromCookies() {
		if at := item(join(path, "from_cookies"), i); i > 0 || len(name) > 128 {
			c.note(s, at, Left, "tokens are looked for in one cookie; make another provider")
			continue
		}
		own.set("cookie", name)
	}
}
