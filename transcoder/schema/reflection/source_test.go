// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reflection_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcreflection "google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/reflection"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) (schema.Source, sourcetest.Backing) {
		b := newBackend()
		conn := serve(t, func(server *grpc.Server) { reflectionv1.RegisterServerReflectionServer(server, b) })
		return open(t, reflection.Config{Name: "greeter", Conn: conn, Interval: 10 * time.Millisecond}), b
	})
}

// backend is a backend that serves reflection over descriptors that a test puts into it. It leaves the work to the
// reflection service of grpc-go.
type backend struct {
	reflectionv1.UnimplementedServerReflectionServer

	mu       sync.Mutex
	files    *protoregistry.Files // nil when it is broken; guarded by mu
	services map[string]grpc.ServiceInfo
}

func newBackend() *backend { return &backend{} }

// Put implements [sourcetest.Backing].
func (b *backend) Put(t *testing.T, files map[string]string) {
	t.Helper()
	set := sourcetest.Compile(t, files)
	registry, err := protodesc.NewFiles(complete(set))
	if err != nil {
		t.Fatal(err)
	}
	services := map[string]grpc.ServiceInfo{
		"grpc.reflection.v1.ServerReflection": {}, "grpc.health.v1.Health": {},
	}
	for _, file := range set.File {
		for _, service := range file.Service {
			services[file.GetPackage()+"."+service.GetName()] = grpc.ServiceInfo{}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files, b.services = registry, services
}

// complete adds the well-known files, which a backend has.
func complete(set *descriptorpb.FileDescriptorSet) *descriptorpb.FileDescriptorSet {
	all := &descriptorpb.FileDescriptorSet{File: set.File}
	wellknown.Files().RangeFiles(func(file protoreflect.FileDescriptor) bool {
		all.File = append(all.File, protodesc.ToFileDescriptorProto(file))
		return true
	})
	return all
}

// Break implements [sourcetest.Backing].
func (b *backend) Break(*testing.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files = nil
}

// GetServiceInfo implements [grpcreflection.ServiceInfoProvider].
func (b *backend) GetServiceInfo() map[string]grpc.ServiceInfo {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.services
}

// ServerReflectionInfo implements the service.
func (b *backend) ServerReflectionInfo(stream reflectionv1.ServerReflection_ServerReflectionInfoServer) error {
	b.mu.Lock()
	files := b.files
	b.mu.Unlock()
	if files == nil {
		return status.Error(codes.Unimplemented, "unknown service")
	}
	return grpcreflection.NewServerV1(grpcreflection.ServerOptions{
		Services: b, DescriptorResolver: files, ExtensionResolver: new(protoregistry.Types),
	}).ServerReflectionInfo(stream)
}

// alpha serves the same under the older name.
type alpha struct {
	reflectionv1alpha.UnimplementedServerReflectionServer
	*backend
}

// ServerReflectionInfo implements the service.
func (a alpha) ServerReflectionInfo(stream reflectionv1alpha.ServerReflection_ServerReflectionInfoServer) error {
	a.mu.Lock()
	files := a.files
	a.mu.Unlock()
	return grpcreflection.NewServer(grpcreflection.ServerOptions{
		Services: a.backend, DescriptorResolver: files, ExtensionResolver: new(protoregistry.Types),
	}).ServerReflectionInfo(stream)
}

// serve runs a gRPC server until the test ends and returns a connection to it.
func serve(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	register(server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///backend", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-done
	})
	return conn
}

func open(t *testing.T, config reflection.Config) *reflection.Source {
	t.Helper()
	source, err := reflection.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return source
}
