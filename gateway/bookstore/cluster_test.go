// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectiongrpc "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

func TestInstancesServeOneStoreAndSayTheirNames(t *testing.T) {
	t.Parallel()
	cluster, ctx := start(t, bookstore.ClusterConfig{Instances: 3}), within(t)
	if _, err := bookstorev1.NewBookstoreServiceClient(dial(t, cluster.Addresses()[0])).DeleteBook(ctx, &bookstorev1.DeleteBookRequest{Name: faust}); err != nil {
		t.Fatal(err)
	}
	for i, instance := range cluster.Instances() {
		books := bookstorev1.NewBookstoreServiceClient(dial(t, instance.Address()))
		var header metadata.MD
		list, err := books.ListBooks(ctx, &bookstorev1.ListBooksRequest{}, grpc.Header(&header))
		if err != nil {
			t.Fatal(err)
		}
		if list.GetTotalSize() != 8 {
			t.Errorf("instance %d has %d books, want 8", i, list.GetTotalSize())
		}
		watch, err := books.WatchBooks(ctx, &bookstorev1.WatchBooksRequest{})
		if err != nil {
			t.Fatal(err)
		}
		streamHeader, err := watch.Header()
		if err != nil {
			t.Fatal(err)
		}
		want := []string{[]string{"bookstore-1", "bookstore-2", "bookstore-3"}[i]}
		if diff := cmp.Diff(want, header.Get(bookstore.InstanceHeader)); diff != "" || instance.Name() != want[0] {
			t.Errorf("unary header differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, streamHeader.Get(bookstore.InstanceHeader)); diff != "" {
			t.Errorf("stream header differs (-want +got):\n%s", diff)
		}
	}
}

func TestInstanceHasHealthAndReflection(t *testing.T) {
	t.Parallel()
	conn, ctx := dial(t, start(t, bookstore.ClusterConfig{}).Addresses()[0]), within(t)
	for _, service := range []string{"", bookstorev1.BookstoreService_ServiceDesc.ServiceName, bookstorev1.CoverService_ServiceDesc.ServiceName} {
		health, err := healthgrpc.NewHealthClient(conn).Check(ctx, &healthgrpc.HealthCheckRequest{Service: service})
		if err != nil || health.GetStatus() != healthgrpc.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: got %v and error %v", service, health.GetStatus(), err)
		}
	}
	stream, err := reflectiongrpc.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectiongrpc.ServerReflectionRequest{MessageRequest: &reflectiongrpc.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, service := range response.GetListServicesResponse().GetService() {
		found = found || service.GetName() == bookstorev1.BookstoreService_ServiceDesc.ServiceName
	}
	if !found {
		t.Errorf("reflection lists %v", response)
	}
}

func TestStopSendsWatchesAway(t *testing.T) {
	t.Parallel()
	cluster, ctx := start(t, bookstore.ClusterConfig{Instances: 2}), within(t)
	watch, err := bookstorev1.NewBookstoreServiceClient(dial(t, cluster.Addresses()[0])).WatchBooks(ctx, &bookstorev1.WatchBooksRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Header(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Instances()[0].Stop(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = watch.Recv()
	wantCode(t, err, codes.Unavailable)
	// The other one goes on.
	if _, err := bookstorev1.NewBookstoreServiceClient(dial(t, cluster.Addresses()[1])).ListShelves(ctx, &bookstorev1.ListShelvesRequest{}); err != nil {
		t.Error(err)
	}
}

func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	cluster, ctx := start(t, bookstore.ClusterConfig{}), within(t)
	chat, err := bookstorev1.NewBookstoreServiceClient(dial(t, cluster.Addresses()[0])).Chat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Send(&bookstorev1.ChatRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chat.Recv(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := cluster.Close(short); err != nil {
		t.Fatal(err)
	}
	_, err = chat.Recv()
	wantCode(t, err, codes.Unavailable)
	if err := cluster.Close(ctx); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	taken := start(t, bookstore.ClusterConfig{}).Addresses()[0]
	for name, config := range map[string]bookstore.ClusterConfig{
		"a negative number":             {Instances: -1},
		"too many":                      {Instances: 65},
		"fewer addresses than servers":  {Instances: 2, Addresses: []string{"127.0.0.1:0"}},
		"an address that is in use":     {Addresses: []string{"127.0.0.1:0", taken}},
		"an address that is no address": {Addresses: []string{"nowhere"}},
	} {
		if cluster, err := bookstore.Start(t.Context(), config); err == nil {
			t.Errorf("%s: started %v", name, cluster.Addresses())
		}
	}
	if _, err := bookstore.New(bookstore.Config{}); err == nil {
		t.Error("a service without a store was made")
	}
}
