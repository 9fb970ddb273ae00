// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
)

// A caller that sends and ends in odd order is told what gRPC's own channel tells, and its server sees the same.
func TestSending(t *testing.T) {
	t.Parallel()
	message, other := "one", "two"
	for name, steps := range map[string]func(s grpc.ClientStream) []error{
		"nothing": func(s grpc.ClientStream) []error { return []error{s.CloseSend()} },
		"the end twice": func(s grpc.ClientStream) []error {
			return []error{s.SendMsg(&message), s.CloseSend(), s.CloseSend()}
		},
		"a message after the end": func(s grpc.ClientStream) []error {
			return []error{s.SendMsg(&message), s.CloseSend(), s.SendMsg(&other), s.SendMsg(&other)}
		},
		"two messages": func(s grpc.ClientStream) []error {
			return []error{s.SendMsg(&message), s.SendMsg(&other), s.CloseSend()}
		},
		"no end": func(s grpc.ClientStream) []error { return []error{s.SendMsg(&message)} },
		"what is no message": func(s grpc.ClientStream) []error {
			return []error{s.SendMsg(1), s.SendMsg(&message), s.CloseSend()}
		},
		"the head before the end": func(s grpc.ClientStream) []error {
			err := s.SendMsg(&message)
			_ = s.CloseSend()
			_, head := s.Header()
			return []error{err, head}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range kinds {
				k := &kinds[i]
				if k.desc == nil || k.headFirst || name == "no end" && k.desc.ClientStreams {
					continue // there is nothing to order, or nothing ends
				}
				// Where the call ends because of what is sent, the server says nothing, or it would depend on the moment what is received.
				answers := name != "a message after the end" && name != "what is no message" && (name != "two messages" || k.desc.ClientStreams)
				var got [2]string
				for i, side := range sides {
					var log strings.Builder
					requests := make(chan *request, 4)
					s := newServer(t, &server{ended: func(c *conn, r *request) {
						if answers {
							requests <- r
							answering("one")(c, r.id)
						}
					}})
					c := side.open(t, to(s.address))
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					var o outcome
					stream, err := c.NewStream(context.WithValue(ctx, callKey{}, &o), k.desc, method, grpc.ForceCodecV2(raw{}), grpc.WaitForReady(true),
						grpc.OnFinish(func(err error) { fmt.Fprintf(&log, "finished %v\n", err) }))
					if err != nil {
						t.Fatal(err)
					}
					errs := steps(stream)
					var m string
					received := stream.RecvMsg(&m)
					again := stream.RecvMsg(&m)
					told, wrong := c.script.ended(&o)
					fmt.Fprintf(&log, "sent %v\nreceived %v, %v: %s\n%d told, %d wrong", errs, received, again, m, len(told), wrong)
					cancel()
					if answers {
						fmt.Fprintf(&log, "\nseen %q", (<-requests).body)
					}
					got[i] = log.String()
				}
				if k.desc.ServerStreams {
					if got[0] != got[1] {
						t.Errorf("%s: the engine has\n%s\ngRPC has\n%s", k.name, got[0], got[1])
					}
					continue
				}
				// What a second RecvMsg says of a stream that has one message and has ended is nobody's business: gRPC has it decode io.EOF.
				if a, b := cutAgain(got[0]), cutAgain(got[1]); a != b {
					t.Errorf("%s: the engine has\n%s\ngRPC has\n%s", k.name, a, b)
				}
			}
		})
	}
}

func cutAgain(log string) string {
	before, after, _ := strings.Cut(log, "\nreceived ")
	first, rest, _ := strings.Cut(after, ", ")
	_, rest, _ = strings.Cut(rest, ": ")
	return before + "\nreceived " + first + ": " + rest
}
