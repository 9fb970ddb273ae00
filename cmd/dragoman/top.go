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
	"google.golang.org/protobuf/types/known/durationpb"

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
	before, last := map[string]int64{}, time.Time{}
	for {
		routes, err := adminv1.NewRouteServiceClient(conn).ListRoutes(ctx, &adminv1.ListRoutesRequest{})
		if err != nil {
			return quietly(ctx, err)
		}
		backends, err := adminv1.NewBackendServiceClient(conn).ListBackends(ctx, &adminv1.ListBackendsRequest{})
		if err != nil {
			return quietly(ctx, err)
		}
		if c.asJSON {
			if err := c.json(routes); err != nil {
				return err
			}
			return c.json(backends)
		}
		if !once && isTerminal(c.terminal.out) {
			c.terminal.printf(clearScreen)
		}
		rows := rowsOf(routes.GetRoutes())
		now := time.Now()
		for _, r := range rows {
			if was, ok := before[r.name]; ok {
				r.rate = float64(r.stats.GetCalls()-was) / now.Sub(last).Seconds()
			}
			before[r.name] = r.stats.GetCalls()
		}
		last = now
		c.terminal.top(rows, backends.GetBackends())
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

// topRow is a route, or a method as protocols call it that name it.
type topRow struct {
	verb, path, name string
	stats            *adminv1.CallStats
	rate             float64 // calls per second; 0 at the first look
}

// rowsOf returns what was called of some routes, and beside it the methods that were called by their names, each once.
func rowsOf(routes []*adminv1.Route) []*topRow {
	var rows []*topRow
	seen := map[string]bool{}
	for _, r := range routes {
		rows = append(rows, &topRow{verb: r.GetVerb(), path: r.GetPath(), name: r.GetVerb() + " " + r.GetPath(), stats: r.GetStats()})
		if r.GetRpcStats() != nil && !seen[r.GetMethod()] {
			seen[r.GetMethod()] = true
			rows = append(rows, &topRow{verb: "RPC", path: r.GetMethod(), name: r.GetMethod(), stats: r.GetRpcStats()})
		}
	}
	return rows
}

// top prints the busiest rows: by their calls of late, then by all.
func (t *terminal) top(rows []*topRow, backends []*adminv1.Backend) {
	slices.SortStableFunc(rows, func(a, b *topRow) int {
		return cmp.Or(cmp.Compare(b.rate, a.rate), cmp.Compare(b.stats.GetCalls(), a.stats.GetCalls()))
	})
	t.printf("%-7s %-48s %8s %9s %8s %9s %9s %9s\n", "", "route", "calls/s", "calls", "errors", "in flight", "p50", "p99")
	for i, r := range rows {
		if i == shownTop {
			t.printf("        …%d more\n", len(rows)-i)
			break
		}
		t.printf("%-7s %-48s %8.1f %9d %8d %9d %9s %9s\n", r.verb, r.path, r.rate, r.stats.GetCalls(), r.stats.GetErrors(), r.stats.GetInFlight(),
			shortly(r.stats.GetLatency().GetP50()), shortly(r.stats.GetLatency().GetP99()))
	}
	t.printf("\n")
	for _, b := range backends {
		t.backend(b)
	}
}

// shortly writes a duration as people read it; "-" for none.
func shortly(d *durationpb.Duration) string {
	if d == nil {
		return "-"
	}
	const digits = 10 * time.Microsecond
	return d.AsDuration().Round(digits).String()
}
