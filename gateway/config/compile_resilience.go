// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// The bounds of what is kept of requests for retries.
const (
	leastRetryBuffer = 1 << 10
	mostRetryBuffer  = 1 << 30
)

func hedgeOf(m *configv1.Hedge) *backend.HedgeConfig {
	if m == nil {
		return nil
	}
	return &backend.HedgeConfig{After: m.GetAfter().AsDuration(), Attempts: int(m.GetAttempts()), Percent: int(m.GetPercent())}
}

func (k *compiler) retry(m *configv1.Retry, path string) backend.RetryConfig {
	cfg := backend.RetryConfig{
		Attempts: int(m.GetAttempts()), Backoff: m.GetBackoff().AsDuration(), MaxBackoff: m.GetMaxBackoff().AsDuration(),
		PerTryTimeout: m.GetPerTryTimeout().AsDuration(),
	}
	if m != nil {
		cfg.TreatAsIdempotent = m.TreatAsIdempotent
	}
	for _, name := range m.GetOn() {
		if code, ok := backend.RetryCode(name); ok { // else refused by the schema
			cfg.On = append(cfg.On, code)
		}
	}
	k.distinct(m.GetOn(), path+".on")
	if cfg.MaxBackoff > 0 && cfg.MaxBackoff < cfg.Backoff {
		k.on(path+".max_backoff", "", "is %s, less than backoff, %s", formatDuration(cfg.MaxBackoff), formatDuration(cfg.Backoff))
	}
	return cfg
}

// resilience compiles what a backend says of calls that go wrong.
func (k *compiler) resilience(m *configv1.Backend, b *backend.Config, path string) {
	b.RetryBudget = backend.BudgetConfig{
		Percent: int(m.GetRetryBudget().GetPercent()), MinPerSecond: int(m.GetRetryBudget().GetMinPerSecond()),
	}
	b.RetryBuffer = backend.BufferConfig{
		PerCall: int(k.size(m.GetRetryBuffer().GetPerCall(), path+".retry_buffer.per_call", leastRetryBuffer, mostRetryBuffer)),
		Total:   int(k.size(m.GetRetryBuffer().GetTotal(), path+".retry_buffer.total", leastRetryBuffer, mostRetryBuffer)),
	}
	limits := m.GetLimits()
	b.Limits = backend.LimitsConfig{
		MaxInFlight: int(limits.GetMaxInFlight()), MaxStreams: int(limits.GetMaxStreams()), MaxPerEndpoint: int(limits.GetMaxPerEndpoint()),
		MaxPerClient: int(limits.GetMaxPerClient()), Queue: int(limits.GetQueue()), QueueTimeout: limits.GetQueueTimeout().AsDuration(),
		Adaptive: limits.GetAdaptive(),
	}
	if limits.GetNoQueue() {
		b.Limits.Queue = backend.NoQueue
		if limits.Queue != nil {
			k.on(path+".limits.no_queue", "keep one of them", "excludes queue")
		}
	}
	b.CircuitBreaker = backend.BreakerConfig{
		FailurePercent: int(m.GetCircuitBreaker().GetFailurePercent()), MinCalls: int(m.GetCircuitBreaker().GetMinCalls()),
		OpenFor: m.GetCircuitBreaker().GetOpenFor().AsDuration(), Probes: int(m.GetCircuitBreaker().GetProbes()),
	}
	if most := b.RetryBuffer; most.Total > 0 && most.Total < most.PerCall {
		k.on(path+".retry_buffer.total", "", "is %s, less than per_call, %s", FormatSize(int64(most.Total)), FormatSize(int64(most.PerCall)))
	}
}
