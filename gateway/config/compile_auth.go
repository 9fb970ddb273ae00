// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/introspection"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/mtls"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// auth compiles the providers of authentication.
func (k *compiler) auth(m *configv1.Auth) {
	for _, name := range slices.Sorted(maps.Keys(m.GetProviders())) {
		path := entry("auth.providers", name)
		if name == Everybody {
			k.on(path, "give it another name", "is the name of asking nobody")
		}
		from := m.GetProviders()[name]
		p := AuthProvider{Name: name, ForwardCredentials: from.GetForwardCredentials(), EndStreams: from.EndExpiredStreams}
		k.provider(&p, from, path)
		k.cfg.Auth.Providers = append(k.cfg.Auth.Providers, p)
	}
}

// provider compiles what is of one kind.
func (k *compiler) provider(p *AuthProvider, m *configv1.AuthProvider, path string) {
	switch {
	case m.GetJwt() != nil:
		p.JWT = k.jwt(m.GetJwt(), p.Name, path+".jwt")
	case m.GetApiKey() != nil:
		own := m.GetApiKey()
		p.APIKey = &apikey.Config{Name: p.Name, File: k.file(own.GetKeysFile()), Header: own.GetHeader(), Forward: own.GetForward()}
		k.carrierHeader(own.GetHeader(), path+".api_key.header")
		k.forward(own.GetForward(), path+".api_key.forward")
	case m.GetBasic() != nil:
		own := m.GetBasic()
		p.Basic = &basic.Config{Name: p.Name, File: k.file(own.GetUsersFile()), Forward: own.GetForward()}
		k.forward(own.GetForward(), path+".basic.forward")
	case m.GetMtls() != nil:
		own := m.GetMtls()
		p.MTLS = &mtls.Config{Name: p.Name, CA: k.file(own.GetCa()), Allow: own.GetAllow(), Forward: own.GetForward()}
		k.distinct(own.GetAllow(), path+".mtls.allow")
		for i, rule := range own.GetAllow() {
			at := item(path+".mtls.allow", i)
			if err := mtls.CheckRule(rule); err != nil {
				k.on(at, "", "%s", k.detail(at, err))
			}
		}
		k.forward(own.GetForward(), path+".mtls.forward")
	case m.GetExtAuthz() != nil:
		p.ExtAuthz = k.extAuthz(m.GetExtAuthz(), p.Name, path+".ext_authz")
	case m.GetIntrospection() != nil:
		p.Introspection = k.introspection(m.GetIntrospection(), p.Name, path+".introspection")
	}
}

func (k *compiler) extAuthz(m *configv1.ExtAuthzAuth, name, path string) *extauthz.Config {
	k.use(m.GetBackend(), path+".backend")
	k.distinct(m.GetForwardHeaders(), path+".forward_headers")
	k.distinct(m.GetWithholdHeaders(), path+".withhold_headers")
	for i, field := range m.GetForwardHeaders() {
		if err := auth.CheckForward(field); err != nil {
			k.on(item(path+".forward_headers", i), "", "%s", err)
		}
	}
	if m.GetInsecureFailOpen() {
		k.warn(path+".insecure_fail_open", "leave it out", "whoever can make the service slow is let in")
	}
	return &extauthz.Config{
		Name: name, Backend: m.GetBackend(), Timeout: m.GetTimeout().AsDuration(), Forward: m.GetForwardHeaders(), Withhold: m.GetWithholdHeaders(),
		InsecureFailOpen: m.GetInsecureFailOpen(), Claims: k.claims(m.GetClaims(), path+".claims"),
	}
}

func (k *compiler) introspection(m *configv1.IntrospectionAuth, name, path string) *introspection.Config {
	k.issuerURL(m.GetUrl(), path+".url", m.GetInsecureHttp())
	k.distinct(m.GetAudiences(), path+".audiences")
	if m.GetInsecureHttp() {
		k.warn(path+".insecure_http", "use https", "whoever is between the gateway and the issuer reads tokens, and says of any that it is good")
	}
	return &introspection.Config{
		Name: name, URL: m.GetUrl(), ClientID: m.GetClientId(), ClientSecret: m.GetClientSecret(), Issuer: m.GetIssuer(), Audiences: m.GetAudiences(),
		Timeout: m.GetTimeout().AsDuration(), Remember: m.GetCacheTtl().AsDuration(), InsecureHTTP: m.GetInsecureHttp(),
		Carrier: k.carrier(m.GetHeader(), m.GetCookie(), path), Claims: k.claims(m.GetClaims(), path+".claims"),
	}
}

func (k *compiler) jwt(m *configv1.JwtAuth, name, path string) *jwt.Config {
	cfg := &jwt.Config{
		Name: name, Issuer: m.GetIssuer(), Audiences: m.GetAudiences(), Algorithms: m.GetAlgorithms(), Type: m.GetType(),
		Leeway:  m.GetClockSkew().AsDuration(),
		Keys:    jwks.Config{URL: m.GetJwksUrl(), File: k.file(m.GetJwksFile()), Refresh: m.GetRefresh().AsDuration(), MaxStale: m.GetMaxStale().AsDuration(), InsecureHTTP: m.GetInsecureHttp()},
		Carrier: k.carrier(m.GetHeader(), m.GetCookie(), path),
		Claims:  k.claims(m.GetClaims(), path+".claims"), Discover: m.GetDiscover(),
	}
	k.distinct(m.GetAudiences(), path+".audiences")
	k.distinct(m.GetAlgorithms(), path+".algorithms")
	sources := 0
	for _, set := range []bool{m.GetJwksUrl() != "", m.GetJwksFile() != "", m.GetDiscover()} {
		if set {
			sources++
		}
	}
	if sources != 1 {
		k.missing(path, path, "", "has %d of jwks_url, jwks_file and discover; it must have one of them", sources)
	}
	if m.GetDiscover() {
		k.issuerURL(m.GetIssuer(), path+".issuer", m.GetInsecureHttp())
	}
	if m.GetJwksUrl() != "" {
		k.issuerURL(m.GetJwksUrl(), path+".jwks_url", m.GetInsecureHttp())
	}
	if m.GetInsecureHttp() {
		k.warn(path+".insecure_http", "use https", "whoever is between the gateway and the issuer can put in keys, and be anybody with them")
	}
	return cfg
}

// issuerURL checks where something is fetched from.
func (k *compiler) issuerURL(s, path string, insecureHTTP bool) {
	if _, err := jwks.CheckURL(s, insecureHTTP); err != nil && s != "" {
		k.on(path, "", "%s", k.detail(path, err))
	}
}

func (k *compiler) carrier(header, cookie, path string) auth.Carrier {
	k.carrierHeader(header, path+".header")
	if err := (auth.Carrier{Cookie: cookie}).Check(); err != nil {
		k.on(path+".cookie", "", "must be the name of a cookie")
	}
	if header == auth.Authorization {
		k.on(path+".header", "leave it out: authorization, with Bearer before the token, is the default", "is authorization, of which the token is not all of the value")
	}
	return auth.Carrier{Header: header, Cookie: cookie}
}

// carrierHeader checks in which field credentials come.
func (k *compiler) carrierHeader(header, path string) {
	if err := (auth.Carrier{Header: header}).Check(); err != nil {
		k.on(path, "", "must be the name of a header field that a client may send, in lower case, without _")
	}
}

func (k *compiler) claims(m *configv1.Claims, path string) auth.ClaimNames {
	names := auth.ClaimNames{Subject: m.GetSubject(), Tenant: m.GetTenant(), Groups: m.GetGroups(), Scopes: m.GetScopes(), Forward: m.GetForward()}
	k.forward(names.Forward, path+".forward")
	return names
}

// forward checks under which names the backend is told what.
func (k *compiler) forward(names map[string]string, path string) {
	seen := map[string]string{}
	for _, claim := range slices.Sorted(maps.Keys(names)) {
		at := entry(path, claim)
		if err := auth.CheckForward(names[claim]); err != nil {
			k.on(at, "", "%s", err)
		}
		unique(k.collector, seen, names[claim], at, "give one of them another name")
	}
}

// alternatives checks who may call.
func (k *compiler) alternatives(list []string, path string) {
	k.distinct(list, path)
	known := make([]string, len(k.cfg.Auth.Providers))
	for i := range known {
		known[i] = k.cfg.Auth.Providers[i].Name
	}
	for i, alternative := range list {
		at := item(path, i)
		if alternative == Everybody {
			if i != len(list)-1 {
				k.on(at, "write it last", "lets everybody in, so that those behind it are never asked")
			}
			continue
		}
		var names []string
		for name := range strings.SplitSeq(alternative, "+") {
			switch {
			case slices.Contains(names, name) && name != "":
				k.on(at, "", "names a provider twice")
			case slices.Contains(known, name), alternative == "", k.uncertain["auth"], k.refused["auth.providers"]:
			case len(known) == 0:
				k.on(at, "", "names a provider; auth.providers has none")
			default:
				shown := name
				if k.place(at).raw != "" {
					shown = k.place(at).raw
				}
				k.on(at, didYouMean(shown, append(known, Everybody)), "names provider %q, which does not exist", shown)
			}
			names = append(names, name)
		}
	}
}
