// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package handler_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/handler"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// A gRPC server as REST, in the program's own HTTP server.
func Example() {
	address, stop := serveBooks()
	defer stop()

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	books, err := schema.New(schema.Config{Files: []protoreflect.FileDescriptor{bookstorev1.File_bookstore_v1_bookstore_proto}})
	if err != nil {
		log.Fatal(err)
	}
	api, err := handler.New(conn, books, handler.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(api)
	defer server.Close()

	answer, err := http.Get(server.URL + "/v1/shelves/classics")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.Status, err)
	fmt.Println(len(body) > 0 && body[0] == '{')
	// Output:
	// 200 OK <nil>
	// true
}

// serveBooks starts a gRPC server.
func serveBooks() (address string, stop func()) {
	cluster, err := bookstore.Start(context.Background(), bookstore.ClusterConfig{})
	if err != nil {
		log.Fatal(err)
	}
	return cluster.Addresses()[0], func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = cluster.Close(ctx)
	}
}
