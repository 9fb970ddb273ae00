// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// A configuration of Envoy for the bookstore, converted, answers as the options of its filters say.
func TestAConvertedConfigurationServes(t *testing.T) {
	t.Parallel()
	address := startBackend(t)
	host, port, _ := strings.Cut(address, ":")
	dir := bookstoreProtos(t)
	data, err := os.ReadFile("../../gateway/config/envoy/testdata/bookstore.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "envoy.yaml", strings.NewReplacer(
		"0.0.0.0, port_value: 8080", "127.0.0.1, port_value: 0", "127.0.0.1, port_value: 9902", "127.0.0.1, port_value: 0",
		"books.internal, port_value: 50051", host+", port_value: "+port, "next.internal, port_value: 50051", "127.0.0.1, port_value: 1",
	).Replace(string(data)))
	for _, args := range [][]string{
		{"schema", "build", "proto", "-o", "bookstore.binpb"},
		{"config", "from-envoy", "envoy.yaml", "-o", "dragoman.yaml"},
		{"check", "-c", "dragoman.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), "dragoman", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GORACE="+raceOptions)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("dragoman %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	serving := p.serving()
	url := "http://" + serving.Listeners["edge"]

	for _, tc := range []struct{ why, path, want string }{
		{"preserve_proto_field_names and always_print_primitive_fields", "/v1/shelves?page_size=1", `"next_page_token":`},
		{"a slash at the end is ignored", "/v1/shelves/classics/", `"name":"shelves/classics"`},
		{"ignored_query_parameters", "/v1/shelves/classics?utm_source=x&$alt=json", `"name":"shelves/classics"`},
	} {
		wantAnswer(t, url+tc.path, http.StatusOK, tc.want)
	}
	wantAnswer(t, url+"/v1/shelves/classics?unknown=1", http.StatusBadRequest, "unknown")
	wantAnswer(t, url+"/v1/shelves/none", http.StatusNotFound, `"code":5`) // convert_grpc_status

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/bookstore.v1.BookstoreService/GetShelf", strings.NewReader(`{"name":"shelves/classics"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", "https://pr-7.preview.shop.example")
	response, err := client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK { // auto_mapping
		t.Errorf("POST by the method's name: %s", response.Status)
	}
	if got := response.Header.Get("Access-Control-Allow-Origin"); got != "https://pr-7.preview.shop.example" {
		t.Errorf("the page of a preview may not call: %q", got)
	}

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	books := bookstorev1.NewBookstoreServiceClient(dial(t, serving.Listeners["edge"]))
	if _, err := books.ListShelves(metadata.AppendToOutgoingContext(ctx, "x-test", "1"), &bookstorev1.ListShelvesRequest{}); err != nil {
		t.Errorf("gRPC: %v", err)
	}
}
