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

// openCache makes the cache, which outlives snapshots, and assemblies that want it the same. There is none where no policy stores anything.
func (a *Assembly) openCache() error {
	policies := []*config.Policy{&a.config.Defaults}
	for i := range a.config.Services {
		s := &a.config.Services[i]
		policies = append(policies, &s.Policy)
		for j := range s.Methods {
			policies = append(policies, &s.Methods[j].Policy)
		}
	}
	if !slices.ContainsFunc(policies, (*config.Policy).Caches) {
		return nil
	}
	k, err := keep(a, "cache", a.config.Cache, nil, a.newCache)
	if err != nil {
		return err
	}
	a.cache = k.Cache
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
func (a *Assembly) Cache() *cache.Cache { return a.cache }

// newGeneration makes the methods of a Mux that are cached; nil where there is no cache. The diagnostics tell of policies by which nothing is
// stored, and the error, a *schema.LoadError, of methods for which one is written and whose answers cannot be.
func (a *Assembly) newGeneration(mux *transcoder.Mux, policies *policies) (*cache.Generation, []schema.Diagnostic, error) {
	if a.cache == nil {
		return nil, nil, nil
	}
	g := a.cache.Generation(mux.Len())
	made := map[*config.CachePolicy]*cache.Policy{}
	used := map[string]bool{}
	var wrong []schema.Diagnostic
	for _, m := range mux.Methods() {
		p := policies.of(m)
		if m.Local || !p.Caches() {
			continue
		}
		_, origins := a.config.PolicyFor(m.Service, m.Name)
		path := string(origins["cache"])
		used[path] = used[path] || p.Cache.Fits(m) == nil
		if err := p.Cache.Fits(m); err != nil {
			if strings.Contains(path, ".methods[") {
				wrong = append(wrong, a.notCached(path, fmt.Sprintf("answers of %s cannot be stored: %s", m.Path, err), cacheHelp(m)))
			}
			continue
		}
		if why := neverCached(p); why != "" {
			wrong = append(wrong, a.notCached(path, fmt.Sprintf("no answer of %s is ever stored: %s", m.Path, why), "write vary: [auth.subject], or shared: true if answers are the same for all who may call"))
			continue
		}
		if made[p.Cache] == nil {
			var err error
			if made[p.Cache], err = cache.NewPolicy(p.Cache.PolicyConfig); err != nil {
				wrong = append(wrong, a.notCached(path, err.Error(), ""))
				continue
			}
		}
		if err := g.Add(m, made[p.Cache]); err != nil {
			wrong = append(wrong, a.notCached(path, err.Error(), ""))
		}
	}
	if len(wrong) > 0 {
		return nil, nil, &schema.LoadError{Diagnostics: sorted(wrong)}
	}
	return g, a.unusedCaches(used), nil
}

func cacheHelp(m *transcoder.Method) string {
	if !m.Unary() {
		return "remove cache here; one of the whole service leaves such methods out"
	}
	return "write option idempotency_level = NO_SIDE_EFFECTS; in the schema, or treat_as_safe: true here if that is true of it"
}

// neverCached tells why a policy stores nothing, whatever the calls; "" for one that stores.
func neverCached(p *config.Policy) string {
	if p.Cache.Shared || p.Cache.Personal() || len(p.Auth) == 0 || slices.Contains(p.Auth, config.Everybody) {
		return ""
	}
	return "all calls are by somebody in particular, and nothing says whether others may have their answers"
}

func (a *Assembly) notCached(path, message, help string) schema.Diagnostic {
	d := schema.Diagnostic{Level: schema.Error, Code: notCachedCode, Message: message}
	if help != "" {
		d.Help = []string{help}
	}
	if span := configSpan(a.config, path, ""); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d
}

// unusedCaches tells of policies that are for methods of which none can be cached.
func (a *Assembly) unusedCaches(used map[string]bool) []schema.Diagnostic {
	var all []schema.Diagnostic
	for path, any := range used {
		if any || strings.Contains(path, ".methods[") {
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
