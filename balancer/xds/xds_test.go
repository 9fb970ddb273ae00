// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build xds

package xds_test

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
	"time"

	clusterpb "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corepb "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointpb "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerpb "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routepb "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerpb "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerpb "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoverypb "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dragoman-gateway/dragoman/balancer/xds"
)

const service = "books"

// bootstrap is the variable that names the bootstrap file.
const bootstrap = "GRPC_XDS_BOOTSTRAP"

// TestMain starts the tests anew with the variable set: grpc-go reads it before anything of ours runs. The file that it names is
// read when a channel is opened.
func TestMain(m *testing.M) {
	if os.Getenv(bootstrap) != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "xds")
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(context.Background(), os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), bootstrap+"="+filepath.Join(dir, "bootstrap.json"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	_ = os.RemoveAll(dir)
	if err != nil {
		os.Exit(1)
	}
}

// control is a control plane that knows one service.
type control struct {
	discoverypb.UnimplementedAggregatedDiscoveryServiceServer

	mu        sync.Mutex
	endpoints []string      // guarded by mu
	version   int           // guarded by mu
	changed   chan struct{} // closed and replaced; guarded by mu
}

func (c *control) set(endpoints ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = endpoints
	c.version++
	close(c.changed)
	c.changed = make(chan struct{})
}

// StreamAggregatedResources implements the protocol in its state-of-the-world form: each question for a type is answered
// once, and again when something changes.
func (c *control) StreamAggregatedResources(s discoverypb.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
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
func (c *control) answer(s discoverypb.AggregatedDiscoveryService_StreamAggregatedResourcesServer, kind string, after int) (int, error) {
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
		panic(err)
	}
	return a
}

func (c *control) resourcesLocked() []proto.Message {
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
		&listenerpb.Listener{Name: service, ApiListener: &listenerpb.ApiListener{ApiListener: must(manager)}},
		&clusterpb.Cluster{
			Name: "cluster", ClusterDiscoveryType: &clusterpb.Cluster_Type{Type: clusterpb.Cluster_EDS},
			EdsClusterConfig: &clusterpb.Cluster_EdsClusterConfig{EdsConfig: ads, ServiceName: "endpoints"},
		},
		&endpointpb.ClusterLoadAssignment{ClusterName: "endpoints", Endpoints: []*endpointpb.LocalityLbEndpoints{{
			Locality: &corepb.Locality{Zone: "z"}, LoadBalancingWeight: wrapperspb.UInt32(1), LbEndpoints: all,
		}}},
	}
}

type backend struct {
	testpb.UnimplementedTestServiceServer

	name string
}

func (b backend) UnaryCall(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return &testpb.SimpleResponse{Username: b.name}, nil
}

// serve starts a server and returns its address.
func serve(t *testing.T, register func(s *grpc.Server, address string)) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	register(s, l.Addr().String())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}

// A channel follows a control plane.
func TestOpen(t *testing.T) {
	t.Parallel()
	c := &control{changed: make(chan struct{})}
	plane := serve(t, func(s *grpc.Server, _ string) { discoverypb.RegisterAggregatedDiscoveryServiceServer(s, c) })
	one := serve(t, func(s *grpc.Server, address string) { testpb.RegisterTestServiceServer(s, backend{name: address}) })
	two := serve(t, func(s *grpc.Server, address string) { testpb.RegisterTestServiceServer(s, backend{name: address}) })
	if err := os.WriteFile(os.Getenv(bootstrap), []byte(`{
		"xds_servers": [{"server_uri": "`+plane+`", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}],
		"node": {"id": "test"}
	}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c.set(one)
	conn, err := xds.Open(xds.Config{Target: "xds:///" + service, Credentials: insecure.NewCredentials()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range []string{one, two} {
		c.set(want)
		for {
			r, err := testpb.NewTestServiceClient(conn).UnaryCall(ctx, &testpb.SimpleRequest{}, grpc.WaitForReady(true))
			if err != nil {
				t.Fatal(err)
			}
			if r.GetUsername() == want {
				break
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := xds.Open(xds.Config{Target: "books:1"})
	if err == nil || !strings.Contains(err.Error(), `target is "books:1"`) || !strings.Contains(err.Error(), "credentials is nil") {
		t.Errorf("error %v", err)
	}
}
