// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/dragoman-gateway/dragoman/balancer"
	balancerhealth "github.com/dragoman-gateway/dragoman/balancer/health"
	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// A channel in a plain grpc-go client. The policy is the default one.
func ExampleNew() {
	address, stop := serve()
	defer stop()

	channel, err := balancer.New(balancer.Config{
		Name:        "books",
		Target:      "static:///" + address, // or "dns:///books.example:50051"
		Credentials: insecure.NewCredentials(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	answer, err := healthpb.NewHealthClient(channel).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	fmt.Println(channel.Endpoints()[0].Condition)
	// Output:
	// SERVING <nil>
	// ready
}

// A policy of one's choice: least request within the zone, with passive ejection, and health checks beside it.
func ExampleNew_policy() {
	address, stop := serve()
	defer stop()

	least, _ := picker.NewLeastRequest(picker.LeastRequestConfig{})
	zone, _ := picker.NewZone(picker.ZoneConfig{Policy: least, Local: "eu-west-1a"})
	policy, err := outlier.New(outlier.Config{Policy: zone})
	if err != nil {
		log.Fatal(err)
	}
	watch, _ := balancerhealth.NewWatch(balancerhealth.WatchConfig{})
	channel, err := balancer.New(balancer.Config{
		Name: "books", Target: address, Credentials: insecure.NewCredentials(), Policy: policy, Health: watch,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	answer, err := healthpb.NewHealthClient(channel).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(channel.Policy().Name(), answer.GetStatus(), err)
	// Output: least_request SERVING <nil>
}

// A policy of one's own is two small types.
func ExampleChannel_SetPolicy() {
	address, stop := serve()
	defer stop()

	channel, err := balancer.New(balancer.Config{Name: "books", Target: address, Credentials: insecure.NewCredentials()})
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	channel.SetPolicy(firstOf{}) // connections and what is known of the endpoints stay
	_, err = healthpb.NewHealthClient(channel).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(channel.Policy().Name(), err)
	// Output: first_of <nil>
}

// firstOf is the policy that uses the first ready endpoint.
type firstOf struct{}

func (firstOf) Name() string { return "first_of" }

func (firstOf) Next(_ picker.Picker, view picker.View) picker.Picker { return first{view.Ready[0]} }

type first struct{ c *picker.Candidate }

func (p first) Pick(picker.Info) (*picker.Candidate, error) { return p.c, nil }

// Who opens the channel itself takes the target and the options.
func ExampleOptions() {
	address, stop := serve()
	defer stop()

	target, options, err := balancer.Options(balancer.Config{Name: "books", Target: address, Credentials: insecure.NewCredentials()})
	if err != nil {
		log.Fatal(err)
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	// Output: SERVING <nil>
}

// serve starts a server of the health service.
func serve() (address string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	return l.Addr().String(), func() {
		s.Stop()
		<-done
	}
}
