// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build xds

package xdstest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	clusterpb "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corepb "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointpb "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerpb "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routepb "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerpb "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerpb "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoverypb "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Service is the one service that a Control knows.
const Service = "books"

// Bootstrap is the environment variable that names the bootstrap file. grpc-go reads it before anything else runs, and the file when a channel is
// opened.
const Bootstrap = "GRPC_XDS_BOOTSTRAP"

// Main runs the tests of a package with the variable set: it starts the program anew. TestMain calls it.
func Main(m *testing.M) {
	if os.Getenv(Bootstrap) != "" {
		os.Exit(m.Run()) //nolint:forbidigo // it is what TestMain does
	}
	os.Exit(again()) //nolint:forbidigo // likewise
}

func again() int {
	dir, err := os.MkdirTemp("", "xds")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := exec.CommandContext(context.Background(), os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), Bootstrap+"="+filepath.Join(dir, "bootstrap.json"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}

// Control is a control plane that knows one service.
type Control struct {
	discoverypb.UnimplementedAggregatedDiscoveryServiceServer

	mu        sync.Mutex
	endpoints []string      // guarded by mu
	version   int           // guarded by mu
	changed   chan struct{} // closed and replaced; guarded by mu
}

// Run starts a control plane, and writes the bootstrap file that names it. It ends with the test.
func Run(t testing.TB) *Control {
	t.Helper()
	c := &Control{changed: make(chan struct{})}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	discoverypb.RegisterAggregatedDiscoveryServiceServer(s, c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	text := `{"xds_servers": [{"server_uri": "` + l.Addr().String() + `", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}],
		"node": {"id": "test"}}`
	if err := os.WriteFile(os.Getenv(Bootstrap), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// Set gives the service these endpoints, "host:port".
func (c *Control) Set(endpoints ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = endpoints
	c.version++
	close(c.changed)
	c.changed = make(chan struct{})
}

// StreamAggregatedResources implements the protocol in its state-of-the-world form: each question for a type is answered
// once, and again when something changes.
func (c *Control) StreamAggregatedResources(s discoverypb.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	asked := make(chan string)
	go func() {
		defer close(asked)
		for {
			q, err := s.Recv()
			if err != nil {
				return
			}
			select {
			case asked <- q.GetTypeUrl():
			case <-s.Context().Done():
				return
			}
		}
	}()
	told := map[string]int{}
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		for kind, version := range told {
			next, err := c.answer(s, kind, version)
			if err != nil {
				return err
			}
			told[kind] = next
		}
		select {
		case kind, ok := <-asked:
			if !ok {
				return nil
			}
			if _, known := told[kind]; !known {
				told[kind] = 0
			}
		case <-changed:
		case <-s.Context().Done():
			return nil
		}
	}
}

// answer sends a type's resources if they are newer than a version.
func (c *Control) answer(s discoverypb.AggregatedDiscoveryService_StreamAggregatedResourcesServer, kind string, after int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version == after {
		return after, nil
	}
	for _, m := range c.resourcesLocked() {
		r, err := anypb.New(m)
		if err != nil {
			return 0, err
		}
		if r.GetTypeUrl() == kind {
			v := fmt.Sprint(c.version)
			return c.version, s.Send(&discoverypb.DiscoveryResponse{TypeUrl: kind, VersionInfo: v, Nonce: v, Resources: []*anypb.Any{r}})
		}
	}
	return c.version, nil
}

func must[M proto.Message](m M) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err) //nolint:forbidigo // the messages are constants
	}
	return a
}

func (c *Control) resourcesLocked() []proto.Message {
	ads := &corepb.ConfigSource{ConfigSourceSpecifier: &corepb.ConfigSource_Ads{Ads: &corepb.AggregatedConfigSource{}}}
	route := &routepb.RouteConfiguration{Name: "route", VirtualHosts: []*routepb.VirtualHost{{
		Name: "all", Domains: []string{"*"},
		Routes: []*routepb.Route{{
			Match:  &routepb.RouteMatch{PathSpecifier: &routepb.RouteMatch_Prefix{Prefix: ""}},
			Action: &routepb.Route_Route{Route: &routepb.RouteAction{ClusterSpecifier: &routepb.RouteAction_Cluster{Cluster: "cluster"}}},
		}},
	}}}
	manager := &managerpb.HttpConnectionManager{
		RouteSpecifier: &managerpb.HttpConnectionManager_RouteConfig{RouteConfig: route},
		HttpFilters:    []*managerpb.HttpFilter{{Name: "router", ConfigType: &managerpb.HttpFilter_TypedConfig{TypedConfig: must(&routerpb.Router{})}}},
	}
	var all []*endpointpb.LbEndpoint
	for _, e := range c.endpoints {
		host, port, _ := strings.Cut(e, ":")
		var n uint32
		_, _ = fmt.Sscan(port, &n)
		all = append(all, &endpointpb.LbEndpoint{HostIdentifier: &endpointpb.LbEndpoint_Endpoint{Endpoint: &endpointpb.Endpoint{
			Address: &corepb.Address{Address: &corepb.Address_SocketAddress{SocketAddress: &corepb.SocketAddress{
				Address: host, PortSpecifier: &corepb.SocketAddress_PortValue{PortValue: n},
			}}},
		}}})
	}
	return []proto.Message{
		&listenerpb.Listener{Name: Service, ApiListener: &listenerpb.ApiListener{ApiListener: must(manager)}},
		&clusterpb.Cluster{
			Name: "cluster", ClusterDiscoveryType: &clusterpb.Cluster_Type{Type: clusterpb.Cluster_EDS},
			EdsClusterConfig: &clusterpb.Cluster_EdsClusterConfig{EdsConfig: ads, ServiceName: "endpoints"},
		},
		&endpointpb.ClusterLoadAssignment{ClusterName: "endpoints", Endpoints: []*endpointpb.LocalityLbEndpoints{{
			Locality: &corepb.Locality{Zone: "z"}, LoadBalancingWeight: wrapperspb.UInt32(1), LbEndpoints: all,
		}}},
	}
}
