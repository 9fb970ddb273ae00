// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// What a server is told of a deadline is what gRPC's own channel tells it, to the letter, while no time goes by.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, left := range []time.Duration{
			1, 999, time.Microsecond, 99_999_999, 100_000_000, 123_456_789, time.Second, 3*time.Second + 1, 99_999 * time.Second, 100_000 * time.Second, 100_000*time.Second + 1,
			1000 * time.Hour, 100_000 * time.Hour, 1_000_000 * time.Hour,
		} {
			for i := range kinds {
				var got [2]string
				for j, side := range sides {
					var seen string
					s := pipes(t, &server{ended: func(c *conn, r *request) {
						seen = strings.Join(r.get("grpc-timeout"), "|")
						answering("one")(c, r.id)
					}})
					set := to("memory")
					set.dial = s.dial
					c := side.open(t, set)
					synctest.Wait() // it is ready, and its deadline is the whole time away
					ctx, cancel := context.WithTimeout(t.Context(), left)
					if o := kinds[i].do(ctx, c); o.Code != codes.OK {
						t.Errorf("%s: %s: %v: %v %s", side.name, kinds[i].name, left, o.Code, o.Text)
					}
					cancel()
					got[j] = seen
				}
				if got[0] != got[1] || got[0] == "" {
					t.Errorf("%s: %v is told as %q; gRPC has %q", kinds[i].name, left, got[0], got[1])
				}
			}
		}
	})
}

// Where a server takes one call at a time, others wait: for the end of the first, for another connection when this one takes no more, or until their
// context or the channel ends, which they are told as by gRPC's own.
func TestCallsThatWaitForAPlace(t *testing.T) {
	t.Parallel()
	type world struct {
		c     *channel
		s     *server
		ctx   *endable
		first uint32
	}
	for name, what := range map[string]func(w *world){
		"the first call ends": func(w *world) { w.s.each(func(c *conn) { answering("first")(c, w.first) }) },
		"the server goes": func(w *world) {
			w.s.each(func(c *conn) {
				c.goAway(w.first, xhttp2.ErrCodeNo, "soon")
				answering("first")(c, w.first)
			})
		},
		"the server takes more": func(w *world) {
			w.s.each(func(c *conn) {
				c.write(func(f *xhttp2.Framer) error {
					return f.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 2})
				})
			})
		},
		"the context ends":      func(w *world) { w.ctx.end() },
		"the channel ends":      func(w *world) { _ = w.c.close() },
		"the connection breaks": func(w *world) { w.s.each((*conn).close) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
				for i := range kinds {
					k := &kinds[i]
					if k.headFirst && name == "the channel ends" {
						continue // as in TestClose
					}
					var got [2]*outcome
					for j, side := range sides {
						synctest.Test(t, func(t *testing.T) {
							w := &world{ctx: newEndable(t.Context(), ended)}
							w.s = pipes(t, &server{settings: []xhttp2.Setting{{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1}}, ended: func(c *conn, r *request) {
								if w.first == 0 {
									w.first = r.id
									return
								}
								answering("second")(c, r.id)
							}})
							set := to("memory")
							set.dial = w.s.dial
							w.c = side.open(t, set)
							synctest.Wait()
							var calls sync.WaitGroup
							ctx, cancel := context.WithCancel(t.Context())
							calls.Go(func() { kinds[0].do(ctx, w.c) })
							synctest.Wait() // it is with the server
							calls.Go(func() { got[j] = k.do(w.ctx, w.c) })
							synctest.Wait() // it waits
							what(w)
							synctest.Wait()
							cancel()
							w.ctx.end()
							calls.Wait()
							got[j].Peer = ""
						})
					}
					// A call that was not sent since its connection takes no more is an error of the endpoint's to gRPC's balancers, and nothing to ours.
					want := got[1]
					if len(want.Done) > 0 && !want.Done[0].Sent && want.Done[0].Err == codes.Unavailable {
						want.Done = want.Done[1:]
					}
					if diff := cmp.Diff(want, got[0], cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("%s: the engine differs (-grpc +engine):\n%s", fmt.Sprintf("%s, %v", k.name, ended), diff)
					}
				}
			}
		})
	}
}
