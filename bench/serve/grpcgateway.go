// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	libraryv1 "github.com/dragoman-gateway/dragoman/bench/gen/library/v1"
)

// newGRPCGateway serves the handlers that grpc-gateway generates, as its own documentation sets them up, over HTTP/1.1 and h2c, or
// TLS, among so many other rules.
func newGRPCGateway(args []string) (*server, error) {
	rules, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, err
	}
	mux := runtime.NewServeMux()
	conn, err := grpc.NewClient("passthrough:///"+args[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	// It tries one rule after another, the newest first: half of the others come before the service's own.
	if err := addRules(mux, 0, rules/2); err != nil {
		return nil, err
	}
	if err := libraryv1.RegisterLibraryServiceHandler(context.Background(), mux, conn); err != nil {
		return nil, err
	}
	if err := addRules(mux, rules/2, rules); err != nil {
		return nil, err
	}
	socket, err := listen()
	if err != nil {
		return nil, err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	s := &http.Server{Handler: mux, Protocols: &protocols} //nolint:gosec // a peer as its users have it
	if len(args) > 2 {
		protocols.SetHTTP2(true)
		go func() { _ = s.ServeTLS(socket, args[2], args[3]) }()
	} else {
		protocols.SetUnencryptedHTTP2(true)
		go func() { _ = s.Serve(socket) }()
	}
	return &server{socket.Addr().String(), func() error {
		_ = s.Close()
		return conn.Close()
	}}, nil
}

func addRules(mux *runtime.ServeMux, from, to int) error {
	for i := from; i < to; i++ {
		if err := mux.HandlePath(http.MethodGet, Rule(i), func(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
			w.WriteHeader(http.StatusNotFound)
		}); err != nil {
			return err
		}
	}
	return nil
}

// Rule returns a path that the benchmark does not call.
func Rule(i int) string { return fmt.Sprintf("/v1/things%d/{thing}/parts/{part}", i) }
