// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// newCapture makes `dragoman capture`.
func newCapture(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use: "capture", Short: "Show what a gateway that runs captures of calls; begin it, or end it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.Capture, error) {
				answer, err := adminv1.NewTrafficServiceClient(conn).GetCapture(ctx, &adminv1.GetCaptureRequest{})
				return answer.GetCapture(), err
			}, t.capture)
		},
	}
	c.flags(cmd)
	begin := &adminv1.SetCaptureRequest{On: true}
	var lasts time.Duration
	on := newCaptureCommand(t, "on", "Capture calls for a while", begin, func() error {
		if lasts <= 0 {
			return &exitError{code: exitUsage, err: errors.New("--for must be more than 0s")}
		}
		begin.Duration = durationpb.New(lasts)
		return nil
	})
	const usual = 10 * time.Minute
	on.Flags().BoolVar(&begin.Bodies, "bodies", false, "messages too, and not header fields alone")
	on.Flags().BoolVar(&begin.Errors, "errors", false, "only calls that do not end with OK")
	on.Flags().StringArrayVar(&begin.Match, "match", nil, "only calls of these methods: a glob, such as acme.users.v1.Users/Get")
	on.Flags().DurationVar(&lasts, "for", usual, "for how long")
	on.Flags().BoolVar(&begin.Clear, "clear", false, "forget what is kept first")
	off := &adminv1.SetCaptureRequest{}
	end := newCaptureCommand(t, "off", "Capture nothing for a while, whatever the configuration says", off, func() error {
		if lasts <= 0 {
			return &exitError{code: exitUsage, err: errors.New("--for must be more than 0s")}
		}
		off.Duration = durationpb.New(lasts)
		return nil
	})
	end.Flags().DurationVar(&lasts, "for", usual, "for how long")
	end.Flags().BoolVar(&off.Clear, "clear", false, "forget what is kept")
	configured := &adminv1.SetCaptureRequest{AsConfigured: true}
	back := newCaptureCommand(t, "reset", "Capture what the configuration says", configured, func() error { return nil })
	back.Flags().BoolVar(&configured.Clear, "clear", false, "forget what is kept")
	cmd.AddCommand(on, end, back)
	return cmd
}

func newCaptureCommand(t *terminal, name, about string, in *adminv1.SetCaptureRequest, check func() error) *cobra.Command {
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use: name, Short: about, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(); err != nil {
				return err
			}
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.Capture, error) {
				answer, err := adminv1.NewTrafficServiceClient(conn).SetCapture(ctx, in)
				return answer.GetCapture(), err
			}, t.capture)
		},
	}
	c.flags(cmd)
	return cmd
}

// capture prints how captures stand.
func (t *terminal) capture(k *adminv1.Capture) error {
	switch {
	case !k.GetPermitted():
		t.printf("nothing is captured: the configuration has no admin: {capture: {}}\n")
		return nil
	case !k.GetOn():
		t.printf("nothing is captured")
	default:
		what, which := "header fields", "all calls"
		if k.GetBodies() {
			what = "header fields and messages"
		}
		if k.GetErrors() {
			which = "calls that fail"
		}
		t.printf("%s of %s are captured", what, which)
		if len(k.GetMatch()) > 0 {
			t.printf(", of %s", strings.Join(k.GetMatch(), ", "))
		}
	}
	if k.GetUntil() != nil {
		t.printf(" until %s, as %s said", k.GetUntil().AsTime().Local().Format(time.TimeOnly), k.GetWho())
	}
	t.printf("\n%d of %d calls are kept, %d of %d bytes", k.GetCalls(), k.GetMaxCalls(), k.GetBytes(), k.GetMaxBytes())
	if k.GetLeftOut() > 0 {
		t.printf("; there was no room for %d messages", k.GetLeftOut())
	}
	t.printf("\n")
	return nil
}

// doubtCapture says so when nothing of what is asked for is captured.
func (c *control) doubtCapture(ctx context.Context, conn *grpc.ClientConn) error {
	answer, err := adminv1.NewTrafficServiceClient(conn).GetCapture(ctx, &adminv1.GetCaptureRequest{})
	if err != nil {
		return err
	}
	switch k := answer.GetCapture(); {
	case !k.GetPermitted():
		fmt.Fprintln(c.terminal.err, "nothing is captured: the configuration has no admin: {capture: {}}")
	case !k.GetOn():
		fmt.Fprintln(c.terminal.err, "nothing is captured: dragoman capture on --bodies")
	case !k.GetBodies():
		fmt.Fprintln(c.terminal.err, "header fields alone are captured: dragoman capture on --bodies")
	}
	return nil
}

// newReplay makes `dragoman replay`.
func newReplay(t *terminal) *cobra.Command {
	c := &control{terminal: t}
	var headers []string
	cmd := &cobra.Command{
		Use: "replay ID", Short: "Let a gateway that runs send a captured call again",
		Long: `Let a gateway that runs send a captured call again, by the protocol by which it came, through all policies. Credentials are not
captured: -H gives them. The messages of a stream are sent one after the other, without pauses; its answer is waited for 10
seconds and 100 messages.`,
		Example: `  dragoman tap --errors
  dragoman replay 06H1MCRE5CCWGMX9XB69RGER4R -H "authorization: Bearer $TOKEN"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := &adminv1.ReplayCallRequest{Id: args[0]}
			for _, h := range headers {
				name, value, ok := strings.Cut(h, ":")
				if !ok {
					return &exitError{code: exitUsage, err: fmt.Errorf("the header field is %q; it must be NAME: VALUE", h)}
				}
				in.Headers = append(in.Headers, &adminv1.HeaderField{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
			}
			return unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.ReplayCallResponse, error) {
				return adminv1.NewTrafficServiceClient(conn).ReplayCall(ctx, in)
			}, func(answer *adminv1.ReplayCallResponse) error {
				t.call(&adminv1.TailCallsResponse{Call: answer.GetCall().GetSummary(), Details: answer.GetCall()})
				for _, note := range answer.GetNotes() {
					fmt.Fprintln(t.err, note)
				}
				return nil
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().StringArrayVarP(&headers, "header", "H", nil, `a header field to send, as "NAME: VALUE"; may be given again`)
	return cmd
}
