// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

func headersOf(m *configv1.Headers) headers.Config {
	return headers.Config{Allow: m.GetAllow(), Deny: m.GetDeny(), Request: headerRules(m.GetRequest()), Response: headerRules(m.GetResponse())}
}

func headerRules(m *configv1.HeaderRules) headers.Rules {
	return headers.Rules{Drop: m.GetDrop(), Rename: m.GetRename(), Set: m.GetSet(), Append: m.GetAppend()}
}

// headers reports what several settings say together; single names of lists are checked by the schema.
func (k *compiler) headers(cfg *headers.Config, path string) {
	for i := range cfg.Allow {
		at := item(path+".allow", i)
		if err := cfg.CheckAllowed(i); err != nil && !k.isRefused(at) {
			k.on(at, "", "%s", err)
		}
	}
	k.distinct(cfg.Request.Drop, path+".request.drop")
	k.distinct(cfg.Response.Drop, path+".response.drop")
	k.rules(&cfg.Request, headers.ToBackend, path+".request")
	k.rules(&cfg.Response, headers.ToClient, path+".response")
}

// rules reports what is wrong with the rules of a direction.
func (k *compiler) rules(r *headers.Rules, d headers.Direction, path string) {
	for _, p := range r.Problems(d, k.identities()) {
		if at := path + "." + p.Setting; !k.isRefused(at) {
			k.on(at, "", "%s", k.detail(at, errors.New(p.Message)))
		}
	}
}

// identities are the names of metadata in which providers say who calls, and for each what says so: no rule may say anything else in them.
func (k *compiler) identities() map[string]string {
	if k.told != nil {
		return k.told
	}
	k.told = map[string]string{}
	for i := range k.cfg.Auth.Providers {
		p := &k.cfg.Auth.Providers[i]
		who := fmt.Sprintf("auth.providers[%q]", p.Name)
		for _, name := range p.told() {
			k.told[name] = who
		}
	}
	return k.told
}

// told are the names of metadata in which a provider says who calls.
func (p *AuthProvider) told() []string {
	var names []string
	add := func(forward map[string]string) {
		for _, name := range forward {
			names = append(names, name)
		}
	}
	switch {
	case p.JWT != nil:
		add(p.JWT.Claims.Forward)
	case p.APIKey != nil:
		add(p.APIKey.Forward)
	case p.Basic != nil:
		add(p.Basic.Forward)
	case p.MTLS != nil:
		add(p.MTLS.Forward)
	case p.Introspection != nil:
		add(p.Introspection.Claims.Forward)
	case p.ExtAuthz != nil:
		names = append(names, p.ExtAuthz.Forward...)
		add(p.ExtAuthz.Claims.Forward)
	}
	return names
}
