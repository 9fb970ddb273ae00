// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"slices"

	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

func (k *compiler) health(m *configv1.Health, path string) backend.Health {
	h := backend.Health{Active: k.active(m.GetActive(), path+".active")}
	h.Outlier, h.WithoutOutlier = k.outlier(m.GetOutlier(), path+".outlier")
	return h
}

func (k *compiler) active(m *configv1.ActiveHealth, path string) *backend.ActiveHealth {
	if m == nil {
		return nil
	}
	if m.GetService() != "" && m.GetMethod() != "" {
		k.on(path+".method", "keep one of them", "excludes service, which is of grpc.health.v1")
	}
	if m.HealthyAfter != nil && m.GetInterval() == nil && m.GetMethod() == "" {
		k.missing(path, path+".healthy_after", "", "needs interval or method; without them a server says itself that it is healthy again")
	}
	return &backend.ActiveHealth{
		Service: m.GetService(), Method: m.GetMethod(), Interval: m.GetInterval().AsDuration(), Timeout: m.GetTimeout().AsDuration(),
		Fall: int(m.GetUnhealthyAfter()), Rise: int(m.GetHealthyAfter()),
	}
}

func (k *compiler) outlier(m *configv1.Outlier, path string) (cfg outlier.Config, disabled bool) {
	if m == nil {
		return outlier.Config{}, false
	}
	cfg = outlier.Config{
		Consecutive: int(m.GetConsecutiveFailures()), FailingFor: m.GetFailingFor().AsDuration(), FailureShare: percent(m.GetFailurePercent()),
		SuccessDeviations: percent(m.GetSuccessDeviationPercent()), LatencyFactor: percent(m.GetLatencyPercent()),
		Interval: m.GetInterval().AsDuration(), MinCalls: int(m.GetMinCalls()), MinEndpoints: int(m.GetMinServers()),
		BaseTime: m.GetEjectFor().AsDuration(), MaxTime: m.GetMaxEjectFor().AsDuration(), MaxOut: percent(m.GetMaxEjectedPercent()),
	}
	if m.GetDisabled() && (cfg != outlier.Config{} || len(m.GetWithout()) > 0) {
		k.on(path+".disabled", "", "excludes the other settings of outlier")
	}
	k.distinct(m.GetWithout(), path+".without")
	for i, off := range m.GetWithout() {
		set := false
		switch off {
		case "consecutive_failures":
			set, cfg.Consecutive = cfg.Consecutive > 0, outlier.Off
		case "failing_for":
			set, cfg.FailingFor = cfg.FailingFor > 0, outlier.Off
		case "failure_percent":
			set, cfg.FailureShare = cfg.FailureShare > 0, outlier.Off
		}
		if set {
			k.on(item(path+".without", i), "keep one of them", "turns %s off, which is set", off)
		}
	}
	if cfg.Consecutive == outlier.Off && cfg.FailingFor == outlier.Off && cfg.FailureShare == outlier.Off && cfg.SuccessDeviations == 0 && cfg.LatencyFactor == 0 {
		k.on(path+".without", "say disabled: true", "leaves nothing that takes a server out")
	}
	if base := cmp.Or(cfg.BaseTime, min(outlier.DefaultBaseTime, cmp.Or(cfg.MaxTime, outlier.DefaultBaseTime))); cfg.MaxTime > 0 && cfg.MaxTime < base {
		k.on(path+".max_eject_for", "", "is %s, less than eject_for, %s", formatDuration(cfg.MaxTime), formatDuration(base))
	}
	return cfg, m.GetDisabled()
}

// fits refuses what cannot work with the endpoints that a backend has.
func (k *compiler) fits(m *configv1.Backend, b *backend.Config, path string) {
	zones, weights, priorities := false, -1, false
	for i, e := range m.GetEndpoints() {
		zones = zones || e.GetZone() != ""
		priorities = priorities || e.GetPriority() > 0
		if e.GetWeight() > 1 && weights < 0 {
			weights = i
		}
	}
	told := b.File != "" || b.Etcd != nil || b.Consul != nil || hasAnyScheme(b.Target, "file", "consul")
	balancing := path + ".load_balancing"
	zone := b.LoadBalancing.Zone
	if zone != nil && zone.Local != "" && !zones && !told && b.Kubernetes == nil && !hasAnyScheme(b.Target, "kubernetes") {
		k.on(balancing+".zone", "", "needs servers whose zones are known: no endpoint has one")
	}
	if zone != nil && zone.Local != "" && zones && !hasZone(m.GetEndpoints(), zone.Local) {
		k.warn(balancing+".zone.prefer", "", "is the zone of no endpoint, so nothing is preferred")
	}
	if m.GetLoadBalancing().GetPriorityHeadroomPercent() > 0 && !priorities && !told {
		k.on(balancing+".priority_headroom_percent", "", "needs servers with priorities: no endpoint has one")
	}
	if weights >= 0 && !cmp.Or(b.LoadBalancing.Policy, backend.Adaptive).Weighs() {
		k.warn(item(path+".endpoints", weights)+".weight", "", "has no effect: the policy %s does not look at weights", b.LoadBalancing.Policy)
	}
	most := len(m.GetEndpoints()) // 0: any number
	if b.Subset != nil {
		if most > 0 && b.Subset.Size >= most {
			k.warn(path+".subset.size", "", "has no effect: there are %d endpoints", most)
		} else if b.Subset.Size > 0 {
			most = b.Subset.Size
		}
	}
	k.compares(&b.Health.Outlier, most, path+".health.outlier")
}

// compares refuses an ejection that compares more servers than there are.
func (k *compiler) compares(cfg *outlier.Config, servers int, path string) {
	least := cmp.Or(cfg.MinEndpoints, outlier.DefaultMinEndpoints)
	if servers == 0 || servers >= least {
		return
	}
	for setting, on := range map[string]bool{"success_deviation_percent": cfg.SuccessDeviations > 0, "latency_percent": cfg.LatencyFactor > 0} {
		if on {
			k.on(path+"."+setting, "set min_servers", "never takes effect: it compares at least %d servers, min_servers, and the gateway uses %d", least, servers)
		}
	}
}

func hasZone(list []*configv1.Endpoint, zone string) bool {
	return slices.ContainsFunc(list, func(e *configv1.Endpoint) bool { return e.GetZone() == zone })
}
