// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
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

// Caches tells whether answers are stored, as far as their methods are such that they can be.
func (p *Policy) Caches() bool { return p.Cache != nil && !p.Cache.Off }
