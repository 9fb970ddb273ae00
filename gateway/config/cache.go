// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
)

// Cache is where answers are stored.
type Cache struct {
	cache.Config

	// Redis is what gateways have in common; nil for nothing.
	Redis *redis.Config
}

// CachePolicy says which answers are stored.
type CachePolicy struct {
	cache.PolicyConfig

	// Off stores none.
	Off bool
}

// text says what a policy of a schema says, in one line.
func (p CachePolicy) text() string {
	if p.Off {
		return "{off: true}"
	}
	var parts []string
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"ttl", p.TTL}, {"stale_while_revalidate", p.StaleWhileRevalidate}, {"stale_if_error", p.StaleIfError}} {
		if d.value > 0 {
			parts = append(parts, d.name+": "+DurationText(d.value))
		}
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"vary", p.Vary}, {"metadata", p.Metadata}} {
		if len(list.values) > 0 {
			parts = append(parts, list.name+": ["+strings.Join(list.values, ", ")+"]")
		}
	}
	for _, b := range []struct {
		name  string
		value bool
	}{{"shared", p.Shared}, {"ignore_client", p.IgnoreClient}} {
		if b.value {
			parts = append(parts, b.name+": true")
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// Caches tells whether answers are stored, as far as their methods are such that they can be.
func (p *Policy) Caches() bool { return p.Cache != nil && !p.Cache.Off }
