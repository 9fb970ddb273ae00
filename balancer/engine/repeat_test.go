// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// refusing are the ways a server says that it has not looked at a call.
var refusing = map[string]func(c *conn, id uint32){
	"refused":     func(c *conn, id uint32) { c.reset(id, xhttp2.ErrCodeRefusedStream) },
	"gone":        func(c *conn, _ uint32) { c.goAway(0, xhttp2.ErrCodeNo, "") },
	"gone in two": func(c *conn, _ uint32) { c.goAway(1<<31-1, xhttp2.ErrCodeNo, ""); c.goAway(0, xhttp2.ErrCodeNo, "") },
}

// A call that its server has not looked at is sent once more, as it was, and only once; the balancer is told of both (gRFC A6).
func TestRepeatedCalls(t *testing.T) {
	t.Parallel()
	for name, refuse := range refusing {
		for times := range 3 {
			for _, early := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d times, early %t", name, times, early), func(t *testing.T) {
					t.Parallel()
					for i := range kinds {
						k := &kinds[i]
						var got [2]string
						for j, side := range sides {
							var log strings.Builder
							var mu sync.Mutex
							asked := 0
							serve := func(c *conn, r *request) {
								mu.Lock()
								defer mu.Unlock()
								fmt.Fprintf(&log, "seen %q\n", r.get("a"))
								if asked++; asked <= times {
									refuse(c, r.id)
									return
								}
								answering("one")(c, r.id)
							}
							s := &server{ended: serve}
							if early {
								s = &server{begun: serve}
							}
							newServer(t, s)
							c := side.open(t, to(s.address))
							o := k.do(metadata.AppendToOutgoingContext(t.Context(), "a", "1"), c)
							mu.Lock()
							fmt.Fprintf(&log, "%v %q %v, %d wrong", o.Code, o.Messages, o.Finished, o.Wrong)
							for n, d := range o.Done {
								if d.Err == codes.OK && side.name == "grpc" && early && n < times {
									d.Err = codes.Unavailable // SendMsg was the first to see it, and tells the balancer of no error
								}
								fmt.Fprintf(&log, "\n%v %t %t", d.Err, d.Sent, d.Received)
							}
							got[j] = log.String()
							mu.Unlock()
						}
						if got[0] != got[1] {
							t.Errorf("%s: the engine has\n%s\ngRPC has\n%s", k.name, got[0], got[1])
						}
						if seen, want := strings.Count(got[0], "seen"), min(times, 1)+1; seen != want {
							t.Errorf("%s: %d attempts; there must be %d", k.name, seen, want)
						}
					}
				})
			}
		}
	}
}

// counted is memory whose references are counted, so that what is kept of it is seen. It is from a pool that is told when it is free.
type counted struct {
	raw

	mu   sync.Mutex
	made int
	free int
}

func (c *counted) Get(size int) *[]byte { b := make([]byte, size); return &b }

func (c *counted) Put(*[]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free++
}

// pooled is the least size of what is from a pool.
const pooled = 1 << 10

func (c *counted) Marshal(v any) (mem.BufferSlice, error) {
	s, ok := v.(*string)
	if !ok {
		return nil, fmt.Errorf("%T is no string", v)
	}
	b := make([]byte, max(len(*s), pooled+1))
	copy(b, *s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	return mem.BufferSlice{mem.NewBuffer(&b, c)}, nil
}

// held returns how many messages are not free.
func (c *counted) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made - c.free
}

const mostKept = 256 << 10

// The messages of a stream are kept as long as it may be sent again, and they are little; then they are free. What was sent before the server said that it had
// not looked is sent again, in its order.
func TestRepeatedStreams(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		messages, size int
		opts           []grpc.CallOption
		closed         bool // the request ends before the server refuses
		head           bool // the server sends a head before it refuses, which the client reads
		repeated       bool
		kept           int // when the server has all
	}{
		"nothing":                    {repeated: true},
		"the end":                    {closed: true, repeated: true},
		"messages":                   {messages: 3, size: 2000, repeated: true, kept: 3},
		"messages and the end":       {messages: 3, size: 2000, closed: true, repeated: true, kept: 3},
		"as much as is kept":         {messages: 4, size: mostKept / 4, repeated: true, kept: 4},
		"more than is kept":          {messages: 5, size: mostKept / 4},
		"one that is more":           {messages: 1, size: mostKept + 1},
		"less, as the call wants":    {messages: 2, size: 2000, opts: []grpc.CallOption{grpc.MaxRetryRPCBufferSize(3000)}},
		"more, as the call wants":    {messages: 5, size: mostKept / 4, opts: []grpc.CallOption{grpc.MaxRetryRPCBufferSize(2 * mostKept)}, repeated: true, kept: 5},
		"after the head":             {messages: 3, size: 2000, head: true},
		"after the head and the end": {messages: 3, size: 2000, head: true, closed: true},
	} {
		for how, refuse := range refusing {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				asked := 0
				var bodies []int
				whole := tt.messages * (tt.size + 5)
				full := make(chan struct{})
				refused := make(chan struct{})
				s := &server{}
				serve := func(c *conn, r *request) {
					if asked == 0 && tt.head && len(r.body) == 0 && !r.over {
						c.ok(r.id)
					}
					if len(r.body) < whole || tt.closed && !r.over {
						return
					}
					if asked++; asked == 1 {
						bodies = append(bodies, len(r.body))
						go func() { // the reader must go on
							close(full)
							<-refused
							refuse(c, r.id)
						}()
						return
					}
					if asked == 2 {
						bodies = append(bodies, len(r.body))
						answering("one")(c, r.id)
					}
				}
				s.begun, s.more = serve, serve
				newServer(t, s)
				c := openEngine(t, to(s.address))
				codec := &counted{}
				var o outcome
				ctx := context.WithValue(t.Context(), callKey{}, &o)
				stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, append(tt.opts, grpc.WaitForReady(true), grpc.ForceCodecV2(codec))...)
				if err != nil {
					t.Fatal(err)
				}
				for i := range tt.messages {
					m := strings.Repeat(fmt.Sprint(i), tt.size)
					if err := stream.SendMsg(&m); err != nil {
						t.Fatal(err)
					}
				}
				if tt.closed {
					if err := stream.CloseSend(); err != nil {
						t.Fatal(err)
					}
				}
				<-full
				if got := codec.held(); !tt.head && got != tt.kept {
					t.Errorf("%d messages are kept; it must be %d", got, tt.kept)
				}
				if tt.head {
					if md, err := stream.Header(); err != nil || md == nil {
						t.Fatalf("the head is %v, %v", md, err)
					}
					if got := codec.held(); got != 0 {
						t.Errorf("%d messages are kept after the head", got)
					}
				}
				close(refused)
				var m string
				err = stream.RecvMsg(&m)
				if tt.repeated && (err != nil || m != "one") || !tt.repeated && status.Code(err) != codes.Unavailable {
					t.Errorf("got %q, %v; sent again must be %t", m, err, tt.repeated)
				}
				if tt.repeated {
					if err := stream.RecvMsg(&m); !errors.Is(err, io.EOF) {
						t.Errorf("the stream ends with %v", err)
					}
				}
				if want := []int{whole, whole}[:1+count(tt.repeated)]; !slices.Equal(bodies, want) {
					t.Errorf("the server has %v bytes; it must have %v", bodies, want)
				}
				if told, wrong := c.script.ended(&o); wrong != 0 || len(told) != 1+count(tt.repeated) {
					t.Errorf("the balancer is told %v, %d wrong", told, wrong)
				}
				if got := codec.held(); got != 0 {
					t.Errorf("%d messages are kept at the end", got)
				}
			})
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What becomes of a call that finds no place for its second attempt is what became of that, not of the first.
func TestSecondAttemptFindsNoPlace(t *testing.T) {
	t.Parallel()
	for name, refuse := range refusing {
		for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
			for _, says := range []error{grpcbalancer.ErrNoSubConnAvailable, errPlain, status.Error(codes.PermissionDenied, "dropped")} {
				t.Run(fmt.Sprintf("%s, %v, %v", name, ended, says), func(t *testing.T) {
					t.Parallel()
					for i := range kinds {
						if kinds[i].headFirst {
							continue // gRPC has Header end the call with the one, and RecvMsg return the other
						}
						var got [2]*outcome
						for j, side := range sides {
							ctx := newEndable(t.Context(), ended)
							set := to()
							set.script = &script{}
							s := newServer(t, &server{ended: func(c *conn, r *request) {
								set.script.place(func(*picker, grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
									ctx.end() // if the call waits
									return grpcbalancer.PickResult{}, says
								})
								refuse(c, r.id)
							}})
							set.addresses = to(s.address).addresses
							c := side.open(t, set)
							got[j] = kinds[i].do(ctx, c)
							got[j].Peer = "" // of the first attempt, or of none
							if len(got[j].Done) > 0 {
								got[j].Done[0].Err = codes.Unavailable // gRPC tells of a call that its context ended as that, if it hears of it first
							}
							ctx.end()
						}
						if diff := cmp.Diff(got[1], got[0], cmpopts.EquateEmpty()); diff != "" {
							t.Errorf("%s: the engine differs (-grpc +engine):\n%s", kinds[i].name, diff)
						}
					}
				})
			}
		}
	}
}

// Who is told of the end of a stream may look at it.
func TestFinishedLooksAtTheStream(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { ending("grpc-status", "0", "a", "1")(c, r.id) }})
	for _, side := range sides {
		c := side.open(t, to(s.address))
		var stream grpc.ClientStream
		var saw []string
		stream, err := c.NewStream(t.Context(), kinds[4].desc, method, grpc.ForceCodecV2(raw{}), grpc.WaitForReady(true), grpc.OnFinish(func(error) {
			if stream != nil {
				saw = stream.Trailer().Get("a")
				_ = stream.Context()
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		var m string
		for err == nil {
			err = stream.RecvMsg(&m)
		}
		if !errors.Is(err, io.EOF) || !slices.Equal(saw, []string{"1"}) {
			t.Errorf("%s: the stream ends with %v, seen with %q", side.name, err, saw)
		}
	}
}
