// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

func newAPIs(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use: "apis", Short: "Switch APIs of a gateway that runs off and on, or send their calls to another backend", Args: cobra.NoArgs,
		Example: `  dragoman apis off acme.orders.v1.Orders --note "back at noon"
  dragoman apis to orders-canary acme.orders.v1.Orders/Get
  dragoman apis reset acme.orders.v1.Orders`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.ListSwitchesResponse, error) {
				return adminv1.NewSwitchServiceClient(conn).ListSwitches(ctx, &adminv1.ListSwitchesRequest{})
			}, func(answer *adminv1.ListSwitchesResponse) error {
				for _, s := range answer.GetSwitches() {
					t.switched(s)
				}
				if len(answer.GetSwitches()) == 0 {
					t.printf("nothing is switched\n")
				}
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.AddCommand(
		newSwitch(t, "off GLOB", "Answer the calls of methods with UNAVAILABLE", 1, func(args []string) *adminv1.SetSwitchRequest {
			return &adminv1.SetSwitchRequest{Match: args[0], Off: true}
		}),
		newSwitch(t, "to BACKEND GLOB", "Send the calls of methods to another backend", 2, func(args []string) *adminv1.SetSwitchRequest { //nolint:mnd // the two of its usage
			return &adminv1.SetSwitchRequest{Match: args[1], Backend: args[0]}
		}),
		newSwitchReset(t),
	)
	return cmd
}

func newSwitch(t *terminal, use, about string, arguments int, request func(args []string) *adminv1.SetSwitchRequest) *cobra.Command {
	c := &control{terminal: t}
	var note string
	cmd := &cobra.Command{
		Use: use, Short: about, Args: cobra.ExactArgs(arguments),
		RunE: func(cmd *cobra.Command, args []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.SetSwitchResponse, error) {
				in := request(args)
				in.Note = note
				return adminv1.NewSwitchServiceClient(conn).SetSwitch(ctx, in)
			}, func(answer *adminv1.SetSwitchResponse) error {
				t.switched(answer.GetSwitch())
				t.reload(answer.GetReload())
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&note, "note", "", "why; clients of what is off are told")
	return cmd
}

func newSwitchReset(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use: "reset GLOB", Short: "Put back in force what the configuration says", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.DeleteSwitchResponse, error) {
				return adminv1.NewSwitchServiceClient(conn).DeleteSwitch(ctx, &adminv1.DeleteSwitchRequest{Match: args[0]})
			}, func(answer *adminv1.DeleteSwitchResponse) error {
				t.reload(answer.GetReload())
				return nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}

// switched prints a switch.
func (t *terminal) switched(s *adminv1.Switch) {
	what := "off"
	if !s.GetOff() {
		what = "to " + s.GetBackend()
	}
	t.printf("%-40s %-20s %s, since %s by %s", s.GetMatch(), what, counted(int(s.GetMethods()), "method"), s.GetTime().AsTime().Local().Format(time.DateTime), s.GetWho())
	if s.GetNote() != "" {
		t.printf("   %s", s.GetNote())
	}
	t.printf("\n")
}
