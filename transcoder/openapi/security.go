// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"maps"
	"slices"

	"github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// gatewaySchemes puts in the ways by which the gateway lets clients in.
func (b *builder) gatewaySchemes() {
	for _, s := range b.cfg.Schemes {
		o := &object{}
		switch s.Kind {
		case SchemeBearer:
			o.set("type", "http").set("scheme", "bearer").text("bearerFormat", s.Format)
		case SchemeBasic:
			o.set("type", "http").set("scheme", "basic")
		case SchemeHeader, SchemeQuery, SchemeCookie:
			o.set("type", "apiKey").set("in", string(s.Kind)).set("name", s.Field)
		case SchemeMutualTLS:
			o.set("type", "mutualTLS")
		}
		b.schemes.set(s.Name, o.text("description", s.Description))
	}
}

// security is what an operation needs: what the gateway asks for, or else, where it asks for nothing, what the options of
// protoc-gen-openapiv2 say that the server asks for. nil says nothing.
func (b *builder) security(m *transcoder.Method, own *options.Operation) list {
	access := b.access(m)
	if len(access.Any) == 0 {
		return b.ownSecurity(m, own)
	}
	var all list
	for _, alternative := range access.Any {
		o := &object{}
		for _, need := range alternative {
			o.set(need.Scheme, texts(need.Scopes))
		}
		all = append(all, o)
	}
	if access.Optional {
		all = append(all, &object{})
	}
	return all
}

func (b *builder) ownSecurity(m *transcoder.Method, own *options.Operation) list {
	file := swaggerOf(m.Desc.ParentFile())
	requirements := own.GetSecurity()
	if len(requirements) == 0 {
		requirements = file.GetSecurity()
	}
	var all list
	for _, r := range requirements {
		o, known := &object{}, true
		for _, name := range slices.Sorted(maps.Keys(r.GetSecurityRequirement())) {
			scheme := b.ownScheme(name, file.GetSecurityDefinitions().GetSecurity()[name])
			known = known && scheme != ""
			o.set(scheme, texts(r.GetSecurityRequirement()[name].GetScope()))
		}
		if known {
			all = append(all, o)
		}
	}
	return all
}

// ownScheme puts in a scheme that a proto defines, and returns its name here; "" where it defines none. Other files may have others of
// that name.
func (b *builder) ownScheme(name string, s *options.SecurityScheme) string {
	if s == nil {
		return ""
	}
	o := &object{}
	switch s.GetType() {
	case options.SecurityScheme_TYPE_BASIC:
		o.set("type", "http").set("scheme", "basic")
	case options.SecurityScheme_TYPE_API_KEY:
		in := "header"
		if s.GetIn() == options.SecurityScheme_IN_QUERY {
			in = "query"
		}
		o.set("type", "apiKey").set("in", in).set("name", s.GetName())
	case options.SecurityScheme_TYPE_OAUTH2:
		o.set("type", "oauth2").set("flows", flows(s))
	default:
		return ""
	}
	extend(o.text("description", s.GetDescription()), s.GetExtensions())
	taken := map[string]bool{}
	for _, m := range b.schemes.members {
		if owner := b.owners[m.key]; owner == s {
			return m.key
		} else if owner != nil && string(appendJSON(nil, m.value, 0)) == string(appendJSON(nil, o, 0)) && m.key == name {
			return m.key
		}
		taken[m.key] = true
	}
	name = distinctName(schemeName(name), taken)
	b.schemes.set(name, o)
	b.owners[name] = s
	return name
}

// schemeName is a name that a component may have.
func schemeName(name string) string {
	clean := []byte(name)
	for i, c := range clean {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			clean[i] = '_'
		}
	}
	return string(clean)
}

// flows are the flows of OAuth 2 as OpenAPI 3 has them.
func flows(s *options.SecurityScheme) *object {
	scopes := &object{}
	for _, scope := range slices.Sorted(maps.Keys(s.GetScopes().GetScope())) {
		scopes.set(scope, s.GetScopes().GetScope()[scope])
	}
	flow := (&object{}).text("authorizationUrl", s.GetAuthorizationUrl()).text("tokenUrl", s.GetTokenUrl()).set("scopes", scopes)
	name := map[options.SecurityScheme_Flow]string{
		options.SecurityScheme_FLOW_IMPLICIT: "implicit", options.SecurityScheme_FLOW_PASSWORD: "password",
		options.SecurityScheme_FLOW_APPLICATION: "clientCredentials", options.SecurityScheme_FLOW_ACCESS_CODE: "authorizationCode",
	}[s.GetFlow()]
	if name == "" {
		return &object{}
	}
	return obj(name, flow)
}
