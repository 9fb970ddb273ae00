// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// echoOnly runs a server that serves one service of the test backend's, and says so.
func echoOnly(t *testing.T) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	testv1.RegisterEchoServiceServer(server, testv1.UnimplementedEchoServiceServer{})
	reflection.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// A backend that gets a share of a method's calls, or copies of them, must have the method, as far as it says what it has; and a mirror
// that is written at a method must be able to mirror it.
func TestBackendsOfASplitServeItsMethods(t *testing.T) {
	t.Parallel()
	all, some := testbackend.Run(t, testbackend.Config{}).Address(), echoOnly(t)
	const split = "split: [{backend: all, weight: 95}, {backend: some, weight: 5}]"
	for name, row := range map[string]struct {
		services string
		want     []string // each the beginning of what is told, with its line
	}{
		"it has the method":                {"[{match: dragoman.test.v1.EchoService, " + split + "}, {match: \"**\", backend: all}]", nil},
		"alone, its calls say it":          {`[{match: "**", backend: some}]`, nil},
		"a side has it not":                {"[{match: dragoman.test.v1.StreamService, " + split + "}, {match: \"**\", backend: all}]", []string{"DG2002:11 backend some does not serve /dragoman.test.v1.StreamService/"}},
		"a mirror has it not":              {`[{match: dragoman.test.v1.BindingService, backend: all, mirror: {backend: some}}, {match: "**", backend: all}]`, []string{"DG2002:11 backend some does not serve /dragoman.test.v1.BindingService/"}},
		"a mirror leaves client streams":   {`[{match: dragoman.test.v1.EchoService, backend: all, mirror: {backend: some}}, {match: "**", backend: all}]`, nil},
		"one that is meant for one cannot": {`[{match: dragoman.test.v1.EchoService, backend: all, methods: [{name: Converse, mirror: {backend: some}}]}, {match: "**", backend: all}]`, []string{"DG2003:11 /dragoman.test.v1.EchoService/Converse cannot be mirrored: its clients stream"}},
	} {
		text := fmt.Sprintf(`version: v1
schemas:
  sources:
    - {reflection: {backend: all}}
    - {reflection: {backend: some}}
backends:
  all: {target: %q}
  some: {target: %q}

services:
  %s
`, all, some, row.services)
		cfg, err := config.Parse("dragoman.yaml", []byte(text), config.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		told := map[string]bool{}
		for _, d := range buildOnline(t, cfg) {
			line := 0
			if len(d.Spans) > 0 {
				line = d.Spans[0].Line
			}
			for _, want := range row.want {
				if got := fmt.Sprintf("%s:%d %s", d.Code, line, d.Message); strings.HasPrefix(got, want) {
					told[want] = true
				}
			}
			if len(row.want) == 0 {
				t.Errorf("%s: %s", name, d.Message)
			}
		}
		for _, want := range row.want {
			if !told[want] {
				t.Errorf("%s: %q is not told", name, want)
			}
		}
	}
}

// buildOnline asks the sources of a configuration and returns what is wrong.
func buildOnline(t *testing.T, cfg *config.Config) []schema.Diagnostic {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	assembly, err := assemble.New(cfg, assemble.Parts{Pool: backend.NewPool(log), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer assembly.Close()
	var loads []assemble.Loaded
	for _, s := range assembly.Sources() {
		l, err := s.Load(ctx, assemble.Loaded{}, false)
		if err != nil {
			t.Fatal(err)
		}
		loads = append(loads, l)
	}
	snapshot, doubts, err := assembly.Build(loads)
	if err == nil {
		snapshot.Release()
		return slices.DeleteFunc(doubts, func(d schema.Diagnostic) bool { return d.Level != schema.Error })
	}
	if e, ok := errors.AsType[*schema.LoadError](err); ok {
		return e.Diagnostics
	}
	t.Fatal(err)
	return nil
}
