// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// shownTop is how many routes are listed.
const shownTop = 20

func newTop(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	var (
		every time.Duration
		once  bool
	)
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the routes and endpoints of a gateway that runs, those with the most calls first, again and again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < time.Second {
				return &exitError{code: exitUsage, err: errors.New("--every must be 1s or more")}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return c.ask(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
				return c.top(ctx, conn, every, once || c.asJSON)
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often")
	cmd.Flags().BoolVar(&once, "once", false, "print it once and end")
	return cmd
}

// clearScreen moves to the beginning of a screen and clears it.
const clearScreen = "\x1b[H\x1b[2J"

func (c *control) top(ctx context.Context, conn *grpc.ClientConn, every time.Duration, once bool) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		routes, err := adminv1.NewRouteServiceClient(conn).ListRoutes(ctx, &adminv1.ListRoutesRequest{})
		if err != nil {
			return quietly(ctx, err)
		}
		backends, err := adminv1.NewBackendServiceClient(conn).ListBackends(ctx, &adminv1.ListBackendsRequest{})
		if err != nil {
			return quietly(ctx, err)
		}
		slices.SortStableFunc(routes.GetRoutes(), func(a, b *adminv1.Route) int { return cmp.Compare(b.GetStats().GetCalls(), a.GetStats().GetCalls()) })
		if c.asJSON {
			if err := c.json(routes); err != nil {
				return err
			}
			return c.json(backends)
		}
		if !once && isTerminal(c.terminal.out) {
			c.terminal.printf(clearScreen)
		}
		c.terminal.top(routes.GetRoutes(), backends.GetBackends())
		if once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// quietly leaves out an error that is only Ctrl-C.
func quietly(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (t *terminal) top(routes []*adminv1.Route, backends []*adminv1.Backend) {
	t.printf("%-7s %-44s %9s %8s %9s %9s\n", "", "route", "calls", "errors", "p50", "p99")
	for i, r := range routes {
		if i == shownTop {
			t.printf("        …%d more\n", len(routes)-i)
			break
		}
		s := r.GetStats()
		t.printf("%-7s %-44s %9d %8d %9s %9s\n", r.GetVerb(), r.GetPath(), s.GetCalls(), s.GetErrors(),
			s.GetLatency().GetP50().AsDuration().Round(10*time.Microsecond), s.GetLatency().GetP99().AsDuration().Round(10*time.Microsecond))
	}
	t.printf("\n")
	for _, b := range backends {
		t.backend(b)
	}
}
