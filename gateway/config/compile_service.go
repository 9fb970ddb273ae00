// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

func (k *compiler) services(m *configv1.Config) {
	k.cfg.Defaults = k.policy(m.GetDefaults(), "defaults")
	defaults := []layer{{path: "defaults", policy: &k.cfg.Defaults}}
	k.deadline(defaults)
	globs := map[string]string{}
	for i, s := range m.GetServices() {
		path := item("services", i)
		service := Service{Passthrough: s.GetPassthrough(), Policy: k.policy(s.GetPolicy(), path+".policy")}
		traffic, mirror := k.traffic(s, path)
		service.Backend, service.Split, service.Sticky, service.Mirror = traffic.Backend, traffic.Rules, traffic.Key, mirror
		if s.GetMatch() != "" && unique(k.collector, globs, s.GetMatch(), path+".match", "put them together") {
			g, err := ParseGlob(s.GetMatch())
			if err != nil {
				k.on(path+".match", "", "%s", k.detail(path+".match", err))
			}
			service.Match = g
			if service.Passthrough && g.any() && len(k.cfg.Schemas.Expose) == 0 {
				k.warn(path+".passthrough", "write a match or schemas.expose that names the packages",
					"every method of the backend can be called, whatever its name, but for services that schemas.hide names")
			}
		}
		own := append(defaults[:1:1], layer{path: path + ".policy", policy: &service.Policy})
		k.deadline(own)
		names := map[string]string{}
		for j, method := range s.GetMethods() {
			at := item(path+".methods", j)
			unique(k.collector, names, method.GetName(), at+".name", "put them together")
			traffic, mirror := k.traffic(method, at)
			service.Methods = append(service.Methods, Method{
				Name: method.GetName(), Policy: k.policy(method.GetPolicy(), at+".policy"), HTTP: httpRules(method.GetHttp()),
				Backend: traffic.Backend, Split: traffic.Rules, Sticky: traffic.Key, Mirror: mirror,
			})
			k.deadline(append(own[:2:2], layer{path: at + ".policy", policy: &service.Methods[j].Policy}))
		}
		k.cfg.Services = append(k.cfg.Services, service)
		k.together(i)
	}
}

func (k *compiler) policy(m *configv1.Policy, path string) Policy {
	if m == nil {
		return Policy{}
	}
	p := Policy{
		Deadline: deadline.Config{
			Timeout:       m.GetTimeout().AsDuration(),
			MaxTimeout:    m.GetMaxTimeout().AsDuration(),
			StreamIdle:    m.GetStreamIdleTimeout().AsDuration(),
			StreamTimeout: m.GetStreamTimeout().AsDuration(),
		},
		REST:               k.rest(m.GetRest(), path+".rest"),
		JSON:               jsonOf(m.GetJson()),
		Headers:            headersOf(m.GetHeaders()),
		HideInternalErrors: m.HideInternalErrors,
		Auth:               m.GetAuth(),
		Validate: validate.Config{
			Requests: m.ValidateRequests, Required: requiredOf(m.GetFieldBehavior()), OutputOnly: validate.OutputOnly(m.GetFieldBehavior().GetOutputOnly()),
			Responses: validate.Responses(m.GetValidateResponses()),
		},
	}
	p.Redact = k.redaction(m.GetRedact(), path+".redact")
	p.Retry = k.retry(m.GetRetry(), path+".retry")
	p.Hedge = hedgeOf(m.GetHedge())
	p.Cache = k.cachePolicy(m.GetCache(), path+".cache")
	k.alternatives(p.Auth, path+".auth")
	p.CORS = k.cors(m.GetCors(), path+".cors")
	k.distinct(p.Headers.Allow, path+".headers.allow")
	k.distinct(p.Headers.Deny, path+".headers.deny")
	k.headers(&p.Headers, path+".headers")
	return p
}

// requiredOf returns what is said of required fields; nil for nothing.
func requiredOf(m *configv1.FieldBehavior) *bool {
	if m == nil {
		return nil
	}
	return m.Required
}

// deadline reports a timeout that is longer than the longest allowed one, at the last of the layers. What only layers before
// it have said is theirs to answer for.
func (k *compiler) deadline(layers []layer) {
	last := layers[len(layers)-1]
	own := last.policy.Deadline
	if own.Timeout <= 0 && own.MaxTimeout <= 0 {
		return
	}
	for _, l := range layers { // what was refused there looks as if it were not set
		if k.isRefused(l.path) || k.holders[l.path] {
			return
		}
	}
	p, origins := resolve(layers)
	if p.Deadline.Timeout <= p.Deadline.MaxTimeout {
		return
	}
	if own.Timeout > 0 {
		k.on(last.path+".timeout", "", "is %s, more than max_timeout, %s%s",
			formatDuration(p.Deadline.Timeout), formatDuration(p.Deadline.MaxTimeout), k.origin(last, origins["max_timeout"]))
		return
	}
	k.on(last.path+".max_timeout", "", "is %s, less than timeout, %s%s",
		formatDuration(p.Deadline.MaxTimeout), formatDuration(p.Deadline.Timeout), k.origin(last, origins["timeout"]))
}

// origin says where a value comes from that is not of this layer.
func (k *compiler) origin(l layer, o Origin) string {
	switch {
	case o == BuiltIn:
		return ", which is the default"
	case parent(string(o)) == l.path:
		return ""
	default:
		p := k.place(string(o))
		return fmt.Sprintf(", which %s sets in line %d, column %d", parent(string(o)), p.line, p.column)
	}
}

func (k *compiler) cors(m *configv1.Cors, path string) *cors.Config {
	if m == nil {
		return nil
	}
	cfg := &cors.Config{
		AllowOrigins: m.GetAllowOrigins(), AllowHeaders: m.GetAllowHeaders(), ExposeHeaders: m.GetExposeHeaders(),
		AllowCredentials: m.GetAllowCredentials(), MaxAge: m.GetMaxAge().AsDuration(), DangerouslyAllowHTTP: m.GetDangerouslyAllowHttp(),
	}
	k.distinct(cfg.AllowOrigins, path+".allow_origins")
	k.distinct(cfg.AllowHeaders, path+".allow_headers")
	k.distinct(cfg.ExposeHeaders, path+".expose_headers")
	for i, origin := range cfg.AllowOrigins {
		at := item(path+".allow_origins", i)
		if err := cfg.CheckOrigin(origin); err != nil && !k.isRefused(at) {
			k.on(at, "", "%s", k.detail(at, err))
		}
	}
	if cfg.AllowCredentials && slices.Contains(cfg.AllowOrigins, "*") {
		k.on(path+".allow_credentials", "list the origins", "cannot be had with *")
	}
	return cfg
}
