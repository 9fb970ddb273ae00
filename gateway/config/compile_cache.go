// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// cache compiles where answers are stored.
func (k *compiler) cache(m *configv1.Cache) {
	const path = "cache"
	k.cfg.Cache = Cache{Config: cache.Config{
		Memory:   int(k.size(m.GetMemory(), path+".memory", cache.LeastMemory, cache.MostMemory)),
		Largest:  int(k.size(m.GetLargestEntry(), path+".largest_entry", cache.LeastLargest, cache.MostMemory/4)),
		TagField: m.GetTagField(), MaxWait: m.GetMaxWait().AsDuration(), MaxRefreshes: int(m.GetMaxRefreshes()),
	}}
	if m.GetRedis() != nil {
		k.cfg.Cache.Redis = k.redis(m.GetRedis(), path+".redis")
	}
	if k.isRefused(path) || k.holders[path] {
		return
	}
	for _, p := range k.cfg.Cache.Problems() {
		k.on(path+"."+p.Setting, "", "%s", k.detail(path+"."+p.Setting, p.Reason()))
	}
}

// cachePolicy compiles which answers are stored. What does not fit methods is told when they are known.
func (k *compiler) cachePolicy(m *configv1.CachePolicy, path string) *CachePolicy {
	if m == nil {
		return nil
	}
	p := &CachePolicy{Off: m.GetOff(), PolicyConfig: cache.PolicyConfig{
		TTL: m.GetTtl().AsDuration(), StaleWhileRevalidate: m.GetStaleWhileRevalidate().AsDuration(), StaleIfError: m.GetStaleIfError().AsDuration(),
		Vary: m.GetVary(), Shared: m.GetShared(), TreatAsSafe: m.GetTreatAsSafe(), IgnoreClient: m.GetIgnoreClient(), Metadata: m.GetMetadata(),
	}}
	if at := strings.TrimPrefix(path, "."); !k.isRefused(at) && !k.holders[at] { // what was refused looks as if it were not set
		for _, problem := range p.Problems() {
			k.on(path+"."+problem.Setting, "", "%s", k.detail(path+"."+problem.Setting, problem.Reason()))
		}
	}
	if p.Off && proto.Size(m) > proto.Size(&configv1.CachePolicy{Off: true}) {
		k.on(path+".off", "", "excludes all other settings")
	}
	if p.TreatAsSafe && !strings.Contains(path, ".methods[") {
		k.on(path+".treat_as_safe", "write it at the method that it is true of", "can stand at a method only")
	}
	if part := p.NeedsIdentity(); part != "" && len(k.cfg.Auth.Providers) == 0 && !k.uncertain["auth"] && !k.refused["auth.providers"] {
		k.on(path+".vary", "add providers", "has %s, which no call has: auth has no providers", part)
	}
	if p.Shared && p.Personal() {
		k.on(path+".shared", "keep one of them", "says that answers are the same for all, and vary has auth.subject")
	}
	return p
}
