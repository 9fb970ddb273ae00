// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	"github.com/dragoman-gateway/dragoman/proto"
)

// startBackend starts a bookstore and returns its address.
func startBackend(t *testing.T) string {
	t.Helper()
	cluster, err := bookstore.Start(t.Context(), bookstore.ClusterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel() // what a test left open is cut off
		_ = cluster.Close(ended)
	})
	return cluster.Addresses()[0]
}

// startBareBackend starts a gRPC server that serves nothing, not even reflection.
func startBareBackend(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return listener.Addr().String()
}

// bookstoreFile is the file of the bookstore's first service, below the folder of bookstoreProtos.
const bookstoreFile = "proto/bookstore/v1/bookstore.proto"

// bookstoreProtos returns a folder that has the protos of the bookstore in its folder proto.
func bookstoreProtos(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unpack(proto.Bookstore, filepath.Join(dir, "proto")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write writes a file below a folder, whole at once, as editors do.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+"~", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a text in a file, which must have it once.
func edit(t *testing.T, dir, name, old, text string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), old); n != 1 {
		t.Fatalf("%s has %q %d times; want 1", name, old, n)
	}
	write(t, dir, name, strings.Replace(string(data), old, text, 1))
}
