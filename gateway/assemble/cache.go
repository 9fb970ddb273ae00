// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache/redis"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of stored answers.
const (
	notCachedCode   = "DG1318" // a method whose answers cannot be stored
	unusedCacheCode = "DG2018" // a policy by which nothing is stored
)

// cachesByConfig tells whether some policy of the configuration has answers stored.
func (a *Assembly) cachesByConfig() bool {
	policies := []*config.Policy{&a.config.Defaults}
	for i := range a.config.Services {
		s := &a.config.Services[i]
		policies = append(policies, &s.Policy)
		for j := range s.Methods {
			policies = append(policies, &s.Methods[j].Policy)
		}
	}
	return slices.ContainsFunc(policies, (*config.Policy).Caches)
}

// openCache makes the cache, which outlives snapshots, and assemblies that want it the same. There is none where no policy stores anything; whether
// one in a schema does is known when that is there, so Build is who calls.
func (a *Assembly) openCache(declared *options) error {
	if a.cache.Load() != nil || !a.cachesByConfig() && !declared.caches() {
		return nil
	}
	k, p, err := acquire(a.keep, "cache", a.config.Cache, nil, a.newCache)
	if err != nil {
		return err
	}
	a.late = append(a.late, p)
	a.cache.Store(k.Cache)
	return nil
}

// keptCache is a cache with its store.
type keptCache struct {
	*cache.Cache

	store *redis.Store // nil where answers are not shared
}

// Run does what the store has to do beside calls.
func (k *keptCache) Run(ctx context.Context) {
	if k.store != nil {
		k.store.Run(ctx)
	}
}

// newCache makes the cache of the configuration.
func (a *Assembly) newCache() (*keptCache, error) {
	kept := &keptCache{}
	cfg := a.config.Cache.Config
	cfg.Log = a.parts.Log
	var err error
	if a.config.Cache.Redis != nil {
		own := *a.config.Cache.Redis
		own.Log = a.parts.Log
		if kept.store, err = redis.New(own); err != nil {
			return nil, &schema.LoadError{Diagnostics: each(fmt.Errorf("cache.redis: %w", err))}
		}
		cfg.Shared = kept.store
	}
	if kept.Cache, err = cache.New(cfg); err != nil {
		return nil, &schema.LoadError{Diagnostics: each(fmt.Errorf("cache: %w", err))}
	}
	return kept, nil
}

// Cache returns where answers are stored; nil where none are. It is safe for concurrent use.
func (a *Assembly) Cache() *cache.Cache { return a.cache.Load() }

// newGeneration makes the methods of a Mux that are cached; nil where there is no cache. The diagnostics tell of policies by which nothing is
// stored, and the error, a *schema.LoadError, of methods for which one is written and whose answers cannot be.
func (a *Assembly) newGeneration(mux *transcoder.Mux, policies *policies) (*cache.Generation, []schema.Diagnostic, error) {
	kept := a.cache.Load()
	if kept == nil {
		return nil, nil, nil
	}
	g := kept.Generation(mux.Len())
	made := map[*config.CachePolicy]*cache.Policy{}
	used := map[string]bool{}
	var wrong []schema.Diagnostic
	refuse := func(m *transcoder.Method, origin config.Origin, message, help string) {
		wrong = append(wrong, a.notCached(m, origin, message, help))
	}
	for _, m := range mux.Methods() {
		p := policies.of(m)
		if m.Local || !p.Caches() {
			continue
		}
		origin := policies.origins[p]["cache"]
		used[string(origin)] = used[string(origin)] || p.Cache.Fits(m) == nil
		if err := p.Cache.Fits(m); err != nil {
			if forOneMethod(origin) {
				refuse(m, origin, fmt.Sprintf("answers of %s cannot be stored: %s", m.Path, err), cacheHelp(m, origin))
			}
			continue
		}
		if err := p.Cache.Never(m, anybody(p)); err != nil {
			refuse(m, origin, fmt.Sprintf("no answer of %s is ever stored: %s", m.Path, err), "write vary: [auth.subject], or shared: true if answers are the same for all who may call")
			continue
		}
		if made[p.Cache] == nil {
			var err error
			if made[p.Cache], err = cache.NewPolicy(p.Cache.PolicyConfig); err != nil {
				refuse(m, origin, err.Error(), "")
				continue
			}
		}
		if err := g.Add(m, made[p.Cache], sentOf(p)); err != nil {
			refuse(m, origin, err.Error(), "")
		}
	}
	if len(wrong) > 0 {
		return nil, nil, &schema.LoadError{Diagnostics: sorted(wrong)}
	}
	return g, a.unusedCaches(used), nil
}

// sentOf is what a policy says of the fields that backends are sent.
func sentOf(p *config.Policy) cache.Sent {
	return cache.Sent{
		Rules:     fmt.Sprintf("%q %q %q %q", p.Headers.Allow, p.Headers.Deny, p.Headers.Request, p.REST.RequestHeaders),
		OfCallers: p.Headers.Request.OfCallers(),
	}
}

// forOneMethod tells whether a setting, or an option, is a method's own.
func forOneMethod(o config.Origin) bool {
	return strings.Contains(string(o), ".methods[") || strings.HasPrefix(string(o), config.MethodOption)
}

// anybody tells whether a policy lets in who is nobody in particular.
func anybody(p *config.Policy) bool {
	return len(p.Auth) == 0 || slices.Contains(p.Auth, config.Everybody)
}

func cacheHelp(m *transcoder.Method, origin config.Origin) string {
	switch {
	case !m.Unary():
		return "remove cache here; one of the whole service leaves such methods out"
	case origin.InSchema():
		return "write option idempotency_level = NO_SIDE_EFFECTS; beside it, if that is true of the method"
	}
	return "write option idempotency_level = NO_SIDE_EFFECTS; in the schema, or treat_as_safe: true here if that is true of it"
}

// notCached is the diagnostic of a method whose answers cannot be stored, where the configuration says so, or the schema.
func (a *Assembly) notCached(m *transcoder.Method, origin config.Origin, message, help string) schema.Diagnostic {
	d := schema.Diagnostic{Level: schema.Error, Code: notCachedCode, Message: message}
	if help != "" {
		d.Help = []string{help}
	}
	if own := a.declared.whose(m, origin); own != nil {
		return own.at(d, "cache")
	}
	if span := configSpan(a.config, string(origin), ""); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d
}

// unusedCaches tells of policies that are for methods of which none can be cached.
func (a *Assembly) unusedCaches(used map[string]bool) []schema.Diagnostic {
	var all []schema.Diagnostic
	for path, any := range used {
		if any || forOneMethod(config.Origin(path)) || config.Origin(path).InSchema() {
			continue
		}
		d := schema.Diagnostic{
			Level: schema.Warning, Code: unusedCacheCode, Message: path + " stores nothing: it is for no method that does not stream and has no side effects",
			Help: []string{"write option idempotency_level = NO_SIDE_EFFECTS; in the schema"},
		}
		if span := configSpan(a.config, path, ""); span.Line > 0 {
			d.Spans = append(d.Spans, span)
		}
		all = append(all, d)
	}
	return sorted(all)
}
