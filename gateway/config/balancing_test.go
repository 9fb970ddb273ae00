// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
)

// Every setting of sources, policies and health reaches its owner with its value and its unit.
func TestBalancingIsCompiled(t *testing.T) {
	t.Parallel()
	cfg, err := parse(t, "testdata/balancing.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	label := func(name, value string) endpoint.Label { return endpoint.NewKey[string](name).With(value) }
	want := []backend.Config{{
		Name: "adaptive", Target: "dns:///users.internal:50051", ResolveInterval: 10 * time.Second, Subset: &backend.Subset{Size: 20, ID: "gateway-1"},
		LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive, PanicThreshold: 0.4, Adaptive: picker.AdaptiveConfig{
			Memory: 500 * time.Millisecond, Forgive: 4 * time.Second, QualityMemory: 20 * time.Second, Resolution: 500 * time.Microsecond,
			Prior: 3, SlownessPower: 1, QualityPower: 4, FullScan: 64, Choices: 8,
		}},
		Health: backend.Health{
			Active: &backend.ActiveHealth{Service: "acme.users.v1.UserService", Timeout: time.Second, Fall: 2},
			Outlier: outlier.Config{
				Consecutive: 10, FailingFor: 2 * time.Second, FailureShare: 0.6, SuccessDeviations: 1.9, LatencyFactor: 3,
				Interval: 20 * time.Second, MinCalls: 30, MinEndpoints: 4, BaseTime: 2 * time.Second, MaxTime: 10 * time.Second, MaxOut: 0.3,
			},
		},
		MinConnections: 2, MaxConnections: 8, MaxStreams: 100, ReconnectFirst: 200 * time.Millisecond, ReconnectMax: 5 * time.Second,
	}, {
		Name: "least", Endpoints: []endpoint.Endpoint{
			instance(t, endpoint.Spec{Addresses: []string{"10.0.0.1:50051"}, Weight: 3, Zone: "a", Labels: []endpoint.Label{label("version", "v2"), label("rack", "7")}}),
			instance(t, endpoint.Spec{Addresses: []string{"10.0.0.2:50051"}, Zone: "b", Priority: 1}),
		},
		LoadBalancing: backend.LoadBalancing{
			Policy: backend.LeastRequest, LeastRequest: picker.LeastRequestConfig{FullScan: 16, Choices: 3},
			Sticky:    &backend.Sticky{Key: backend.HashKey{Cookie: "session"}, SetCookie: true, MaxAge: 24 * time.Hour},
			SlowStart: &picker.SlowStartConfig{Window: 30 * time.Second, LeastWeight: 0.2, Aggression: 1.5},
			Zone:      &picker.ZoneConfig{Local: "a", Share: 0.6, Headroom: 1.2}, PriorityHeadroom: 1.1,
		},
		Health: backend.Health{WithoutOutlier: true, Active: &backend.ActiveHealth{
			Method: "/acme.b.B/Ping", Interval: 5 * time.Second, Timeout: 500 * time.Millisecond, Fall: 4, Rise: 3,
		}},
	}, {
		Name:          "maglev",
		Kubernetes:    &backend.Kubernetes{Service: "maglev", Namespace: "shop", Port: "grpc", Server: "https://10.0.0.1:6443", TokenFile: "kubernetes.token", CAFile: "kubernetes.pem"},
		LoadBalancing: backend.LoadBalancing{Policy: backend.Maglev, Maglev: picker.MaglevConfig{Table: 131071, Bound: picker.Unbounded}, HashKeys: []backend.HashKey{{Field: "book.shelf_id"}}},
	}, {
		Name: "peak", File: "lists/peak.yaml",
		LoadBalancing: backend.LoadBalancing{
			Policy: backend.PeakEWMA, PeakEWMA: picker.PeakEWMAConfig{Decay: 5 * time.Second, FullScan: 8, Choices: 4},
			Sticky: &backend.Sticky{Key: backend.HashKey{Header: "x-session"}},
		},
		Health: backend.Health{Outlier: outlier.Config{FailingFor: outlier.Off, FailureShare: outlier.Off}},
	}, {
		Name: "ring", Consul: &backend.Consul{
			Server: "https://consul.internal:8501", Service: "ring", Tags: []string{"v2", "grpc"}, Datacenter: "dc2", Namespace: "shop",
			Token: secret, Warning: true, TLS: &backend.TLS{CA: "/etc/consul.pem"}, Wait: time.Minute,
		},
		LoadBalancing: backend.LoadBalancing{
			Policy: backend.RingHash, RingHash: picker.RingHashConfig{Points: 256, Bound: 1.5},
			HashKeys: []backend.HashKey{{Header: "x-tenant"}, {Cookie: "session"}, {ClientAddress: true}},
		},
	}, {
		Name: "turns", Endpoints: []endpoint.Endpoint{instance(t, endpoint.Spec{Addresses: []string{"10.0.0.3:50051"}})},
		LoadBalancing: backend.LoadBalancing{Policy: backend.RoundRobin},
	}, {
		Name: "weighted", Etcd: &backend.Etcd{
			Servers: []string{"https://10.0.0.5:2379", "10.0.0.6:2379"}, Prefix: "services/weighted",
			TLS:      &backend.TLS{CA: "etcd-ca.pem", Cert: "etcd.crt", Key: "etcd.key", ServerName: "etcd.internal"},
			Username: "dragoman", Password: secret, Timeout: 3 * time.Second,
		},
		LoadBalancing: backend.LoadBalancing{Policy: backend.WeightedRoundRobin, WeightedRoundRobin: picker.WeightedRoundRobinConfig{
			Reports: true, Blackout: 5 * time.Second, Expiry: time.Minute, Update: 2 * time.Second, ErrorPenalty: 0.5,
		}},
	}}
	if diff := cmp.Diff(want, cfg.Backends); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
