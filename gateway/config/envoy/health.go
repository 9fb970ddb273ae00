// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
)

// health converts how sick servers are found.
func (c *conversion) health(s *source, m *clusterv3.Cluster, path string, own *settings) {
	health := newSettings()
	for i, h := range m.GetHealthChecks() {
		at := item(join(path, "health_checks"), i)
		if i > 0 {
			c.note(s, at, Left, "a backend has one check; this one is left out")
			continue
		}
		c.check(s, h, at, health)
	}
	if o := m.GetOutlierDetection(); o != nil {
		c.outlier(s, o, join(path, "outlier_detection"), health)
	}
	own.set("health", health)
}

func (c *conversion) check(s *source, h *corev3.HealthCheck, path string, health *settings) {
	g := h.GetGrpcHealthCheck()
	if g == nil {
		c.note(s, path, Left, "servers are asked by grpc.health.v1 or another method of gRPC here (health.active), and this check is left out")
		return
	}
	c.rest(s, h, path, "timeout", "interval", "unhealthy_threshold", "healthy_threshold", "grpc_health_check")
	c.rest(s, g, join(path, "grpc_health_check"), "service_name")
	const hundred, longest = 100, 256
	active := newSettings()
	if name := g.GetServiceName(); len(name) <= longest {
		active.set("service", name)
	}
	interval := c.within(s, join(path, "interval"), h.GetInterval().AsDuration(), 10*millisecond, hour) //nolint:mnd // the bound of the setting
	active.set("interval", interval)
	if d := h.GetTimeout(); d != nil {
		active.set("timeout", c.within(s, join(path, "timeout"), d.AsDuration(), 10*millisecond, 5*time.Minute)) //nolint:mnd // likewise
	}
	if v := h.GetUnhealthyThreshold(); v != nil {
		active.set("unhealthy_after", c.number(s, join(path, "unhealthy_threshold"), v.GetValue(), 1, hundred))
	}
	if v := h.GetHealthyThreshold(); v != nil {
		active.set("healthy_after", c.number(s, join(path, "healthy_threshold"), v.GetValue(), 1, hundred))
	}
	health.set("active", active)
}

func (c *conversion) outlier(s *source, o *clusterv3.OutlierDetection, path string, health *settings) {
	c.rest(s, o, path, "consecutive_5xx", "consecutive_gateway_failure", "interval", "base_ejection_time", "max_ejection_time", "max_ejection_percent")
	own := newSettings()
	const most = 1000000
	if v := o.GetConsecutive_5Xx(); v != nil {
		own.set("consecutive_failures", c.number(s, join(path, "consecutive_5xx"), v.GetValue(), 1, most))
	}
	if v := o.GetConsecutiveGatewayFailure(); v != nil {
		if at := join(path, "consecutive_gateway_failure"); own.has("consecutive_failures") {
			c.note(s, at, Done, "failures of all kinds are counted together here, by what consecutive_5xx says")
		} else {
			own.set("consecutive_failures", c.number(s, at, v.GetValue(), 1, most))
		}
	}
	if d := o.GetInterval(); d != nil {
		own.set("interval", c.within(s, join(path, "interval"), d.AsDuration(), 10*millisecond, hour)) //nolint:mnd // the bound of the setting
	}
	first := 10 * millisecond
	if d := o.GetBaseEjectionTime(); d != nil {
		first = c.within(s, join(path, "base_ejection_time"), d.AsDuration(), first, hour)
		own.set("eject_for", first)
	}
	if d := o.GetMaxEjectionTime(); d != nil {
		own.set("max_eject_for", c.within(s, join(path, "max_ejection_time"), d.AsDuration(), max(first, second), hour))
	}
	if v := o.GetMaxEjectionPercent(); v != nil {
		const percent = 99
		own.set("max_ejected_percent", c.number(s, join(path, "max_ejection_percent"), v.GetValue(), 1, percent))
	}
	health.set("outlier", own)
}

// breakers converts what a cluster is given at a time.
func (c *conversion) breakers(s *source, b *clusterv3.CircuitBreakers, path string, own *settings) {
	if b == nil {
		return
	}
	c.rest(s, b, path, "thresholds")
	limits, budget := newSettings(), newSettings()
	const most, thousand, hundred = 1000000, 1000, 100
	for i, t := range b.GetThresholds() {
		at := item(join(path, "thresholds"), i)
		if t.GetPriority() != corev3.RoutingPriority_DEFAULT {
			c.note(s, at, Left, "calls have no priority here")
			continue
		}
		c.rest(s, t, at, "priority", "max_requests", "max_pending_requests", "retry_budget")
		if v := t.GetMaxRequests(); v != nil {
			limits.set("max_in_flight", c.number(s, join(at, "max_requests"), v.GetValue(), 1, most))
			c.once(s, s.where(at), at, Done, "a client's address may have half of what a backend takes (limits.max_per_client), and streams are counted apart (limits.max_streams)")
		}
		if v := t.GetMaxPendingRequests(); v != nil {
			limits.set("queue", c.number(s, join(at, "max_pending_requests"), v.GetValue(), 1, most))
		}
		if r := t.GetRetryBudget(); r != nil {
			at := join(at, "retry_budget")
			c.rest(s, r, at, "budget_percent", "min_retry_concurrency")
			if v := r.GetBudgetPercent(); v != nil {
				budget.set("percent", c.number(s, join(at, "budget_percent"), uint32(min(max(v.GetValue(), 0), hundred)), 1, hundred))
			}
			if v := r.GetMinRetryConcurrency(); v != nil {
				budget.set("min_per_second", c.number(s, join(at, "min_retry_concurrency"), v.GetValue(), 1, thousand))
			}
		}
	}
	own.set("limits", limits)
	own.set("retry_budget", budget)
}
