// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// InstanceHeader is the key of the header metadata that names the instance which answered.
const InstanceHeader = "x-bookstore-instance"

// ClusterConfig says what [Start] starts.
type ClusterConfig struct {
	// Instances is how many servers to start: 1 to 64. 0 means 1. They are named bookstore-1, bookstore-2 and so on.
	Instances int
	// Store is what they all serve. When nil, it is one of [NewSeededStore].
	Store *Store
	// Addresses are where to listen, one for each instance, such as 127.0.0.1:50051. When empty, each takes a free port of
	// 127.0.0.1.
	Addresses []string
}

const maxInstances = 64

// Cluster is several instances that serve one store. Stop it with Close.
type Cluster struct {
	instances []*Instance
}

// Instance is one server of a [Cluster].
type Instance struct {
	service *Service
	server  *grpc.Server
	health  *health.Server
	address string
	// served has the result of the server once it has ended.
	served chan error
	stop   func(context.Context) error
}

// Start starts the instances. When it returns without an error, all of them accept calls and their health is SERVING.
func Start(ctx context.Context, config ClusterConfig) (*Cluster, error) {
	count := max(config.Instances, len(config.Addresses), 1)
	if config.Instances < 0 || count > maxInstances {
		return nil, fmt.Errorf("bookstore: instances is %d; it must be 1 to %d", max(count, config.Instances), maxInstances)
	}
	if n := len(config.Addresses); n > 0 && n != count {
		return nil, fmt.Errorf("bookstore: there are %d addresses for %d instances; each needs its own", n, count)
	}
	store := config.Store
	if store == nil {
		store = NewSeededStore()
	}
	cluster := &Cluster{}
	for i := range count {
		address := "127.0.0.1:0"
		if len(config.Addresses) > 0 {
			address = config.Addresses[i]
		}
		instance, err := startInstance(ctx, address, Config{Store: store, Name: "bookstore-" + strconv.Itoa(i+1)})
		if err != nil {
			// The cause is what counts; what was started goes away at once.
			stopped, cancel := context.WithCancel(ctx)
			cancel()
			return nil, errors.Join(err, cluster.Close(stopped))
		}
		cluster.instances = append(cluster.instances, instance)
	}
	return cluster, nil
}

// Instances returns the instances, in the order of their numbers.
func (c *Cluster) Instances() []*Instance {
	return c.instances
}

// Addresses returns where the instances listen, host:port, in the order of their numbers.
func (c *Cluster) Addresses() []string {
	addresses := make([]string, len(c.instances))
	for i, instance := range c.instances {
		addresses[i] = instance.address
	}
	return addresses
}

// Close stops all instances at the same time, each as [Instance.Stop] does, and returns when all are quiet.
func (c *Cluster) Close(ctx context.Context) error {
	errs := make([]error, len(c.instances))
	var group sync.WaitGroup
	for i, instance := range c.instances {
		group.Go(func() { errs[i] = instance.Stop(ctx) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Name returns the name of the instance.
func (i *Instance) Name() string {
	return i.service.name
}

// Address returns where the instance listens, host:port.
func (i *Instance) Address() string {
	return i.address
}

// Stop ends the instance: its health becomes NOT_SERVING, watches are told to go elsewhere, and calls under way may end. When
// ctx is done, what is left is cut off. It returns when all is quiet; the second time, with the result of the first.
func (i *Instance) Stop(ctx context.Context) error {
	return i.stop(ctx)
}

func startInstance(ctx context.Context, address string, config Config) (*Instance, error) {
	service, err := New(config)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("bookstore: %s cannot listen: %w", config.Name, err)
	}
	i := &Instance{
		service: service,
		server: grpc.NewServer(
			grpc.ChainUnaryInterceptor(service.nameUnary),
			grpc.ChainStreamInterceptor(service.nameStream),
		),
		health:  health.NewServer(),
		address: listener.Addr().String(),
		served:  make(chan error, 1),
	}
	bookstorev1.RegisterBookstoreServiceServer(i.server, service)
	bookstorev1.RegisterCoverServiceServer(i.server, service)
	healthgrpc.RegisterHealthServer(i.server, i.health)
	reflection.Register(i.server)
	for name := range i.server.GetServiceInfo() {
		i.health.SetServingStatus(name, healthgrpc.HealthCheckResponse_SERVING)
	}
	var once sync.Once
	var result error
	i.stop = func(ctx context.Context) error {
		once.Do(func() { result = i.shutdown(ctx) })
		return result
	}
	go func() { i.served <- i.server.Serve(listener) }()
	return i, nil
}

func (i *Instance) shutdown(ctx context.Context) error {
	i.health.Shutdown()
	close(i.service.stopping)
	graceful := make(chan struct{})
	go func() {
		i.server.GracefulStop()
		close(graceful)
	}()
	select {
	case <-graceful:
	case <-ctx.Done():
		i.server.Stop()
		<-graceful
	}
	// A server that is stopped before it began says so; nothing is wrong with that.
	if err := <-i.served; !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// nameUnary puts the instance's name into the header of unary calls.
func (s *Service) nameUnary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if s.name != "" {
		if err := grpc.SetHeader(ctx, metadata.Pairs(InstanceHeader, s.name)); err != nil {
			return nil, err
		}
	}
	return handler(ctx, request)
}

// nameStream puts the instance's name into the header of streams.
func (s *Service) nameStream(service any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if s.name != "" {
		if err := stream.SetHeader(metadata.Pairs(InstanceHeader, s.name)); err != nil {
			return err
		}
	}
	return handler(service, stream)
}
