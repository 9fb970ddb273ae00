// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// Where calls go is the method's own word, or else its service's; the mirror is looked for on its own.
func TestTrafficFor(t *testing.T) {
	t.Parallel()
	cfg, err := parse(t, "testdata/traffic.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	weight := func(path, name string, n uint32) split.Rule {
		return split.Rule{Label: path, Backend: name, Weight: &n}
	}
	orders := split.Config{
		Rules: []split.Rule{
			{Label: "services[0].split[0]", Backend: "orders-beta", Hosts: []string{"beta.acme.example", "*.beta.acme.example"}},
			{Label: "services[0].split[1]", Backend: "orders-canary", Headers: map[string]string{"x-canary": "yes", "x-build": "2.*", "x-team": "*"}},
			{Label: "services[0].split[2]", Backend: "orders-canary", When: `headers["x-build"].startsWith("3.") && protocol == "grpc"`},
			weight("services[0].split[3]", "orders", 95), weight("services[0].split[4]", "orders-canary", 5), weight("services[0].split[5]", "orders-beta", 0),
		},
		Key: split.Key{Header: "x-user-id"},
	}
	next := &config.Mirror{Backend: "orders-next", MirrorConfig: backend.MirrorConfig{Percent: 10, MaxInFlight: 8, MaxMessage: 64 << 10, Timeout: 2 * time.Second}}
	for name, want := range map[string]config.Traffic{
		"acme.orders.v1.OrderService/GetOrder":     {Config: orders, Path: "services[0]", Mirror: next, MirrorPath: "services[0].mirror"},
		"acme.orders.v1.OrderService/ExportOrders": {Config: split.Config{Backend: "reports"}, Path: "services[0].methods[0]", Mirror: next, MirrorPath: "services[0].mirror"},
		"acme.orders.v1.OrderService/ListOrders": {Path: "services[0].methods[1]", Config: split.Config{
			Rules: []split.Rule{weight("services[0].methods[1].split[0]", "orders", 1), weight("services[0].methods[1].split[1]", "reports", 1)},
			Key:   split.Key{Cookie: "session"},
		}},
		"acme.users.v1.UserService/GetUser": {Path: "services[1]", Config: split.Config{Backend: "orders", Rules: []split.Rule{
			{Label: "services[1].split[0]", Backend: "orders-beta", When: `cidr("10.0.0.0/8").containsIP(client.address)`},
		}}},
	} {
		service, method, _ := strings.Cut(name, "/")
		got, ok := cfg.TrafficFor(service, method)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, ok := cfg.TrafficFor("other.v1.Service", "Get"); ok {
		t.Error("a service without an entry has somewhere to go")
	}
	traffic, _ := cfg.TrafficFor("acme.orders.v1.OrderService", "GetOrder")
	if diff := cmp.Diff([]string{"orders-beta", "orders-canary", "orders"}, traffic.Backends()); diff != "" {
		t.Errorf("backends (-want +got):\n%s", diff)
	}
}
