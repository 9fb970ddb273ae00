// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/attributes"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

func must(t *testing.T, s endpoint.Spec) endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	version := endpoint.NewKey[string]("version")
	for _, tt := range []struct {
		name string
		spec endpoint.Spec
		want []string
	}{
		{"no address", endpoint.Spec{}, []string{"addresses is empty"}},
		{"no port", endpoint.Spec{Addresses: []string{"books"}}, []string{"\"books\"", "host:port"}},
		{"port zero", endpoint.Spec{Addresses: []string{"books:0"}}, []string{"1 to 65535"}},
		{"port name", endpoint.Spec{Addresses: []string{"books:http"}}, []string{"1 to 65535"}},
		{"no host", endpoint.Spec{Addresses: []string{":80"}}, []string{"name or an IP"}},
		{"a user in the host", endpoint.Spec{Addresses: []string{"a@b:80"}}, []string{"name or an IP"}},
		{"unix with a host", endpoint.Spec{Addresses: []string{"unix://run/x"}}, []string{"absolute path"}},
		{"unix without a path", endpoint.Spec{Addresses: []string{"unix:"}}, []string{"socket's path"}},
		{"twice", endpoint.Spec{Addresses: []string{"A:1", "a:1"}}, []string{"given twice"}},
		{
			"all at once",
			endpoint.Spec{Addresses: []string{"x"}, Weight: 1 << 17, Priority: -1, Labels: []endpoint.Label{{}}},
			[]string{"address is \"x\"", "weight is 131072", "priority is -1", "label 0"},
		},
		{
			"label twice",
			endpoint.Spec{Addresses: []string{"a:1"}, Labels: []endpoint.Label{version.With("1"), version.With("2")}},
			[]string{"\"version\" is given twice"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := endpoint.New(tt.spec)
			if err == nil {
				t.Fatalf("New(%+v) = %v, want an error", tt.spec, e)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Books.Example:080":     "books.example:80",
		"10.0.0.1:50051":        "10.0.0.1:50051",
		"[2001:DB8::1]:50051":   "[2001:db8::1]:50051",
		"[::ffff:10.0.0.1]:443": "10.0.0.1:443",
		"unix:/run/a.sock":      "unix:/run/a.sock",
		"unix:///run/a.sock":    "unix:/run/a.sock",
	} {
		got, err := endpoint.Normalize(in)
		if err != nil || got != want {
			t.Errorf("Normalize(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestDialable(t *testing.T) {
	t.Parallel()
	if n, a := endpoint.Dialable("unix:/run/a"); n != "unix" || a != "/run/a" {
		t.Errorf("got %q %q", n, a)
	}
	if n, a := endpoint.Dialable("a:1"); n != "tcp" || a != "a:1" {
		t.Errorf("got %q %q", n, a)
	}
}

func TestRidesOnGRPC(t *testing.T) {
	t.Parallel()
	shard := endpoint.NewKey[int]("shard")
	e := must(t, endpoint.Spec{
		Addresses: []string{"10.0.0.1:80", "[fd00::1]:80"}, Weight: 7, Zone: "z1", Priority: 2,
		ServerName: "books.example", Labels: []endpoint.Label{shard.With(3)},
	})
	g := e.GRPC()
	want := []grpcresolver.Address{
		{Addr: "10.0.0.1:80", ServerName: "books.example"},
		{Addr: "[fd00::1]:80", ServerName: "books.example"},
	}
	if d := cmp.Diff(want, g.Addresses, cmp.AllowUnexported(attributes.Attributes{})); d != "" {
		t.Error(d)
	}
	back := endpoint.FromGRPC(g)
	if !back.Equal(e) {
		t.Errorf("read back %v, want %v", back, e)
	}
	if v, ok := shard.Of(back); !ok || v != 3 {
		t.Errorf("shard = %d, %v; want 3", v, ok)
	}
	same := must(t, endpoint.Spec{
		Addresses: []string{"10.0.0.1:80", "[fd00::1]:80"}, Weight: 7, Zone: "z1", Priority: 2,
		ServerName: "books.example", Labels: []endpoint.Label{shard.With(3)},
	})
	if !g.Attributes.Equal(same.GRPC().Attributes) {
		t.Error("attributes of equal endpoints differ")
	}
	other := must(t, endpoint.Spec{
		Addresses: []string{"10.0.0.1:80", "[fd00::1]:80"}, Weight: 8, Zone: "z1", Priority: 2,
		ServerName: "books.example", Labels: []endpoint.Label{shard.With(3)},
	})
	if g.Attributes.Equal(other.GRPC().Attributes) {
		t.Error("attributes of different weights are equal")
	}
	if e.Key() != other.Key() {
		t.Error("a weight must not make another instance")
	}
}

func TestFromAForeignResolver(t *testing.T) {
	t.Parallel()
	e := endpoint.FromGRPC(grpcresolver.Endpoint{Addresses: []grpcresolver.Address{{Addr: "a:1", ServerName: "n"}, {Addr: "b:1"}}})
	if got := e.Addresses(); !cmp.Equal(got, []string{"a:1", "b:1"}) || e.Weight() != 1 || e.ServerName() != "n" {
		t.Errorf("got %v weight %d name %q", got, e.Weight(), e.ServerName())
	}
	if !endpoint.FromGRPC(grpcresolver.Endpoint{}).IsZero() {
		t.Error("an endpoint without addresses is not zero")
	}
}

func TestKeysAreNamesAndTypes(t *testing.T) {
	t.Parallel()
	text := endpoint.NewKey[string]("version")
	number := endpoint.NewKey[int]("version")
	e := must(t, endpoint.Spec{Addresses: []string{"a:1"}, Labels: []endpoint.Label{text.With("v2"), number.With(2)}})
	if v, ok := endpoint.NewKey[string]("version").Of(e); !ok || v != "v2" {
		t.Errorf("text = %q, %v", v, ok)
	}
	if v, ok := number.Of(e); !ok || v != 2 {
		t.Errorf("number = %d, %v", v, ok)
	}
	if _, ok := endpoint.NewKey[bool]("version").Of(e); ok {
		t.Error("a key of another type found a value")
	}
	swapped := must(t, endpoint.Spec{Addresses: []string{"a:1"}, Labels: []endpoint.Label{number.With(2), text.With("v2")}})
	if !e.Equal(swapped) {
		t.Error("the order of labels made endpoints differ")
	}
	if got := e.Labels(); len(got) != 2 || got[0].Name() != "version" || !strings.Contains(got[0].String()+got[1].String(), "version=v2") {
		t.Errorf("labels = %v", got)
	}
}

func TestIsImmutable(t *testing.T) {
	t.Parallel()
	addrs := []string{"a:1", "b:1"}
	e := must(t, endpoint.Spec{Addresses: addrs})
	addrs[0] = "x:1"
	e.Addresses()[1] = "y:1"
	if got := e.String(); got != "a:1,b:1" {
		t.Errorf("got %q after writing to the slices", got)
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	var e endpoint.Endpoint
	if !e.IsZero() || e.Key() != "" || e.Address() != "" || e.Zone() != "" || e.Weight() != 0 || e.Equal(must(t, endpoint.Spec{Addresses: []string{"a:1"}})) {
		t.Error("the zero endpoint is not empty")
	}
}
