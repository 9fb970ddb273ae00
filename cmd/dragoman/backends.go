// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

func newBackends(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use:   "backends [NAME]",
		Short: "Show the endpoints of a gateway that runs, with state, calls and latency; take one out or back",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.ListBackendsResponse, error) {
				backends := adminv1.NewBackendServiceClient(conn)
				if len(names) == 0 {
					return backends.ListBackends(ctx, &adminv1.ListBackendsRequest{})
				}
				one, err := backends.GetBackend(ctx, &adminv1.GetBackendRequest{Name: names[0]})
				return &adminv1.ListBackendsResponse{Backends: []*adminv1.Backend{one.GetBackend()}}, err
			}, func(answer *adminv1.ListBackendsResponse) error {
				for _, b := range answer.GetBackends() {
					t.backend(b)
				}
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.AddCommand(
		newEndpointCommand(t, "drain", "Take an endpoint out: it gets no new calls, and those under way go on", 2, func(ctx context.Context, conn *grpc.ClientConn, args []string) (*adminv1.Backend, error) {
			answer, err := adminv1.NewBackendServiceClient(conn).DrainEndpoint(ctx, &adminv1.DrainEndpointRequest{Backend: args[0], Address: args[1]})
			return answer.GetBackend(), err
		}),
		newEndpointCommand(t, "undrain", "Put an endpoint back", 2, func(ctx context.Context, conn *grpc.ClientConn, args []string) (*adminv1.Backend, error) {
			answer, err := adminv1.NewBackendServiceClient(conn).UndrainEndpoint(ctx, &adminv1.UndrainEndpointRequest{Backend: args[0], Address: args[1]})
			return answer.GetBackend(), err
		}),
		newEndpointCommand(t, "weight", "Give an endpoint another weight; 0 is that of its source", 3, func(ctx context.Context, conn *grpc.ClientConn, args []string) (*adminv1.Backend, error) {
			weight, err := strconv.ParseUint(args[2], 10, 32)
			if err != nil {
				return nil, &exitError{code: exitUsage, err: fmt.Errorf("the weight is %q; it must be a whole number", args[2])}
			}
			answer, err := adminv1.NewBackendServiceClient(conn).SetEndpointWeight(ctx, &adminv1.SetEndpointWeightRequest{Backend: args[0], Address: args[1], Weight: uint32(weight)})
			return answer.GetBackend(), err
		}),
	)
	return cmd
}

// newEndpointCommand makes a command that does something to an endpoint.
func newEndpointCommand(t *terminal, name, about string, arguments int, do func(ctx context.Context, conn *grpc.ClientConn, args []string) (*adminv1.Backend, error)) *cobra.Command {
	c := &control{terminal: t}
	use := name + " BACKEND ADDRESS"
	if arguments > 2 { //nolint:mnd // the two above
		use += " WEIGHT"
	}
	cmd := &cobra.Command{
		Use: use, Short: about, Args: cobra.ExactArgs(arguments),
		RunE: func(cmd *cobra.Command, args []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.Backend, error) { return do(ctx, conn, args) },
				func(b *adminv1.Backend) error {
					t.backend(b)
					return nil
				})
		},
	}
	c.flags(cmd)
	return cmd
}

// stateWord is the word for a state.
func stateWord(s adminv1.EndpointState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "ENDPOINT_STATE_"))
}

// backend prints a backend and its endpoints.
func (t *terminal) backend(b *adminv1.Backend) {
	secure := "h2c"
	if b.GetTls() {
		secure = "TLS"
	}
	t.printf("%s   %s, %s, %d in flight", b.GetName(), b.GetPolicy(), secure, b.GetCalls().GetInFlight()+b.GetCalls().GetStreams())
	if circuit := b.GetCalls().GetCircuit(); circuit != "" && circuit != "closed" {
		t.printf(", circuit %s", circuit)
	}
	if b.GetSource().GetError() != "" {
		t.printf(", source: %s", b.GetSource().GetError())
	}
	t.printf("\n")
	if len(b.GetEndpoints()) == 0 {
		t.printf("  no endpoint from %s\n", b.GetSource().GetName())
	}
	for _, e := range b.GetEndpoints() {
		t.printf("  %-24s %-10s weight %-4g %4d in flight  %6.1f/s  p50 %8s  p99 %8s  %s", e.GetAddress(), stateWord(e.GetState()), e.GetWeight(), e.GetInFlight(),
			e.GetCallsPerSecond(), shortly(e.GetLatencies().GetP50()), shortly(e.GetLatencies().GetP99()), successOf(e))
		if e.GetReason() != "" {
			t.printf("  %s, since %s", e.GetReason(), e.GetSince().AsTime().Local().Format(time.TimeOnly))
		}
		t.printf("\n")
	}
}

// successOf is the share of an endpoint's calls that succeeded; of one that has had none nothing is known.
func successOf(e *adminv1.Endpoint) string {
	if e.GetSucceeded()+e.GetFailed() == 0 {
		return "no calls yet"
	}
	const percent = 100
	return fmt.Sprintf("%5.1f %% ok", percent*e.GetSuccess())
}
