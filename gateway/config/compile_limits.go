// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/rls"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// limits compiles the limits. It comes after auth, whose providers keys may need.
func (k *compiler) limits(m *configv1.RateLimits) {
	const path = "rate_limits"
	k.cfg.RateLimits = RateLimits{MaxKeys: int(m.GetMaxKeys()), MaxWebSockets: int(m.GetMaxWebsockets()), Announce: m.GetAnnounce()}
	k.limitStore(m.GetStore(), path+".store")
	names := map[string]string{}
	for i, from := range m.GetRules() {
		at := item(path+".rules", i)
		unique(k.collector, names, from.GetName(), at+".name", "give one of them another name")
		k.cfg.RateLimits.Rules = append(k.cfg.RateLimits.Rules, k.limit(from, at))
	}
}

func (k *compiler) limit(m *configv1.LimitRule, path string) LimitRule {
	r := LimitRule{
		Name: m.GetName(), Match: AllMethods(), Key: m.GetKey(), Burst: m.GetBurst(), MaxInFlight: m.GetMaxInFlight(), Messages: m.GetMessages(),
		Shared: m.GetShared(), Lease: m.GetLease(), OnError: ratelimit.OnError(m.GetOnError()),
	}
	if m.GetMatch() != "" {
		r.Match = k.methods(m.GetMatch(), path+".match")
	}
	if m.GetLimit() != "" && !k.isRefused(path+".limit") {
		var err error
		if r.Limit, err = ratelimit.ParseRate(m.GetLimit()); err != nil {
			k.on(path+".limit", "", "%s", k.detail(path+".limit", err))
		}
	}
	for i, w := range m.GetWeights() {
		at := item(path+".weights", i)
		r.Weights = append(r.Weights, LimitWeight{Match: k.methods(w.GetMatch(), at+".match"), Weight: w.GetWeight()})
	}
	rule, err := r.Rule()
	if err != nil {
		k.on(path+".key", "", "%s", k.detail(path+".key", err))
	} else {
		k.limitKey(rule.Key, path+".key")
	}
	if r.Shared && !k.cfg.RateLimits.HasStore() && !k.uncertain["rate_limits"] && !k.refused["rate_limits.store"] {
		k.on(path+".shared", "add rate_limits.store", "is set, and there is no store")
	}
	if r.Lease > 0 && k.cfg.RateLimits.RLS != nil {
		k.on(path+".lease", "", "is set, and the store is rls, which grants nothing in advance")
	}
	if r.OnError == ratelimit.Allow {
		k.warn(path+".on_error", "local is the default: each gateway admits its share", "while the store cannot be asked, nothing limits these calls")
	}
	if k.isRefused(path) || k.holders[path] {
		return r // what was refused looks as if it were not set
	}
	for _, p := range rule.Problems() {
		k.on(strings.TrimSuffix(path+"."+p.Setting, "."), "", "%s", p.Message)
	}
	return r
}

// methods reads a glob of methods.
func (k *compiler) methods(s, path string) MethodGlob {
	g, err := ParseMethodGlob(s)
	if err != nil && s != "" {
		k.on(path, "", "%s", k.detail(path, err))
	}
	return g
}

// limitKey says what is wrong with a key, or doubtful.
func (k *compiler) limitKey(key ratelimit.Key, path string) {
	if part := key.Identity(); part != "" && len(k.cfg.Auth.Providers) == 0 && !k.uncertain["auth"] && !k.refused["auth.providers"] {
		k.on(path, "add providers, or count by client.address", "has %s, which no call has: auth has no providers", part)
	}
	if part := key.Forgeable(); part != "" {
		k.warn(path, "count by auth.subject or client.address, or have it beside a limit that does",
			"%s is what a client says: who writes another value each time is without limit", part)
	}
}

func (k *compiler) limitStore(m *configv1.LimitStore, path string) {
	k.cfg.RateLimits.Gateways = m.GetGateways()
	if own := m.GetRls(); own != nil {
		k.use(own.GetBackend(), path+".rls.backend")
		k.cfg.RateLimits.RLS = &rls.Config{Backend: own.GetBackend(), Domain: own.GetDomain(), Timeout: own.GetTimeout().AsDuration()}
	}
	from := m.GetRedis()
	if from == nil {
		return
	}
	k.cfg.RateLimits.Redis = k.redis(from, path+".redis")
}

// redis compiles where a Redis is.
func (k *compiler) redis(from *configv1.RedisStore, path string) *redis.Config {
	cfg := &redis.Config{
		Addresses: from.GetAddresses(), Cluster: from.GetCluster(), Sentinel: from.GetSentinel(), Username: from.GetUsername(), Password: from.GetPassword(),
		Database: int(from.GetDatabase()), Timeout: from.GetTimeout().AsDuration(), Prefix: from.GetPrefix(),
	}
	if from.GetTls() != nil {
		cfg.TLS = &redis.TLS{CA: k.file(from.GetTls().GetCa()), ServerName: from.GetTls().GetServerName()}
	}
	k.distinct(cfg.Addresses, path+".addresses")
	if err := cfg.Check(); err != nil && !k.isRefused(path) && !k.holders[path] {
		k.on(path, "", "%s", k.detail(path, err))
	}
	return cfg
}
