// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

func newTap(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	in := &adminv1.TailCallsRequest{Filter: &adminv1.CallFilter{}}
	var (
		slower time.Duration
		most   int
	)
	cmd := &cobra.Command{
		Use:   "tap",
		Short: "Follow the calls of a gateway that runs, as they end",
		Example: `  dragoman tap --route '*Users*' --errors
  dragoman tap --route 'acme.users.**'
  dragoman tap --route '/v1/users/*'
  dragoman tap --slower 500ms --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if slower < 0 || most < 0 {
				return &exitError{code: exitUsage, err: errors.New("neither --slower nor --count may be negative")}
			}
			if slower > 0 {
				in.Filter.SlowerThan = durationpb.New(slower)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return c.ask(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
				if in.GetDetails() {
					if err := c.doubtCapture(ctx, conn); err != nil {
						return err
					}
				}
				return c.tap(ctx, conn, in, most)
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&in.Filter.Route, "route", "", "only calls whose route or method has this in it, or matches it as a pattern: * is one segment, ** any number of them")
	cmd.Flags().BoolVar(&in.Filter.Errors, "errors", false, "only calls that failed")
	cmd.Flags().StringSliceVar(&in.Filter.Codes, "code", nil, "only calls that ended with this code of gRPC, such as NOT_FOUND")
	cmd.Flags().StringSliceVar(&in.Filter.Reasons, "reason", nil, "only calls that ended for this reason, such as rate_limited")
	cmd.Flags().StringVar(&in.Filter.Subject, "subject", "", "only calls of this subject")
	cmd.Flags().DurationVar(&slower, "slower", 0, "only calls that took this long or longer")
	cmd.Flags().BoolVar(&in.Details, "bodies", false, "headers and messages too, where the gateway captures them")
	cmd.Flags().IntVarP(&most, "count", "n", 0, "end after this many calls; 0 goes on until Ctrl-C")
	return cmd
}

func (c *control) tap(ctx context.Context, conn *grpc.ClientConn, in *adminv1.TailCallsRequest, most int) error {
	calls, err := adminv1.NewTrafficServiceClient(conn).TailCalls(ctx, in)
	if err != nil {
		return err
	}
	for n := 0; most == 0 || n < most; n++ {
		told, err := calls.Recv()
		if err != nil {
			if ctx.Err() != nil {
				return nil // Ctrl-C is how it ends
			}
			return err
		}
		if c.asJSON {
			if err := c.json(told); err != nil {
				return err
			}
			continue
		}
		if told.GetMissed() > 0 {
			fmt.Fprintf(c.terminal.err, "%d calls were left out\n", told.GetMissed())
		}
		c.terminal.call(told)
	}
	return nil
}

// call prints a call in one line, and what was captured of it below.
func (t *terminal) call(told *adminv1.TailCallsResponse) {
	s := told.GetCall()
	what := s.GetMethod()
	if s.GetProtocol() == "rest" || what == "" {
		what = s.GetVerb() + " " + s.GetPath()
	}
	t.printf("%s  %-9s %s  %d %s  %s (gateway %s)", s.GetTime().AsTime().Local().Format("15:04:05.000"), s.GetProtocol(), what, s.GetHttpStatus(), s.GetCode(),
		s.GetDuration().AsDuration().Round(time.Microsecond), s.GetGateway().AsDuration().Round(time.Microsecond))
	if s.GetBackend() != "" {
		t.printf("  %s→%s", s.GetBackend(), s.GetEndpoint())
	}
	if s.GetReason() != "ok" {
		t.printf("  %s: %s", s.GetReason(), s.GetMessage())
	}
	t.printf("  %s\n", s.GetId())
	for _, h := range told.GetDetails().GetRequestHeaders() {
		t.printf("    > %s: %s\n", h.GetName(), h.GetValue())
	}
	for _, m := range told.GetDetails().GetRequestMessages() {
		t.printf("    > %s\n", m)
	}
	if n := told.GetDetails().GetRequestLeftOut(); n > 0 {
		t.printf("    > …%d more, not kept\n", n)
	}
	for _, list := range [][]*adminv1.HeaderField{told.GetDetails().GetResponseHeaders(), told.GetDetails().GetResponseTrailers()} {
		for _, h := range list {
			t.printf("    < %s: %s\n", h.GetName(), h.GetValue())
		}
	}
	for _, m := range told.GetDetails().GetResponseMessages() {
		t.printf("    < %s\n", m)
	}
	if n := told.GetDetails().GetResponseLeftOut(); n > 0 {
		t.printf("    < …%d more, not kept\n", n)
	}
}
