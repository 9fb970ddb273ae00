// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/engine"
)

// seen is what a server sees of a request: the values of each field, and what follows.
type seen struct {
	Fields map[string][]string
	Body   string
}

// see returns what a server sees.
func see(r *request) *seen {
	s := &seen{map[string][]string{}, string(r.body)}
	for _, f := range r.fields {
		s.Fields[f.Name] = append(s.Fields[f.Name], f.Value)
	}
	return s
}

// asking is a request.
type asking struct {
	name    string
	ctx     func(context.Context) context.Context
	opts    []grpc.CallOption
	method  string // "" for the usual
	request string // likewise
	server  string // the name that the address has; "" for none
	// but says why the engine differs, and ours what a server sees of it where gRPC's own channel has it see s.
	but  string
	ours func(k *kind, s *seen, o *outcome)
}

// with returns what gives a call metadata.
func with(kv ...string) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return metadata.AppendToOutgoingContext(ctx, kv...) }
}

// withMD returns what gives a call metadata as it is.
func withMD(md metadata.MD) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return metadata.NewOutgoingContext(ctx, md) }
}

// reserved are the names that are not callers' to set, and some more beside them that are.
var reservedFields = with("content-type", "text/html", "te", "gzip", "user-agent", "x", "grpc-timeout", "1n", "grpc-encoding", "x", "grpc-message", "x", "grpc-status", "7", "grpc-message-type", "x",
	":path", "/x/x", ":authority", "x", ":other", "x", "grpc-previous-rpc-attempts", "3", "grpc-status-details-bin", "x", "grpc-other", "x", "content-length", "7", "host", "x")

var askings = []asking{
	{name: "plain"},
	{name: "metadata", ctx: with("a", "1", "b", "", "a", "2", "c-d_e.f", " !~ ", "a-bin", "\x00\xff", "a-bin", "", "authorization", "secret", "cookie", "a=1", "cookie", "b=2")},
	{name: "metadata twice", ctx: func(ctx context.Context) context.Context {
		return metadata.AppendToOutgoingContext(metadata.NewOutgoingContext(ctx, metadata.Pairs("a", "1", "b", "1")), "a", "2")
	}},
	{name: "names without values", ctx: withMD(metadata.MD{"a": nil})},
	{name: "names in capitals", ctx: with("UPPER", "1", "Upper-Bin", "\x01")},
	{name: "reserved names", ctx: reservedFields},
	{name: "no name", ctx: with("", "1")},
	{name: "a name with a space", ctx: with("a b", "1")},
	{name: "a name with a line", ctx: with("a\n", "1")},
	{name: "a name that is not ASCII", ctx: with("ä", "1")},
	{name: "a name with a colon", ctx: with("a:b", "1")},
	{name: "a pseudo-field that is none", ctx: with(":a b", "1\n")},
	{name: "a name that is bad, without a value", ctx: withMD(metadata.MD{"a b": nil})},
	{name: "a value with a line", ctx: with("a", "1\r\nb: 2")},
	{name: "a value with a tab", ctx: with("a", "1\t2")},
	{name: "a value that is not ASCII", ctx: with("a", "ä")},
	{name: "a value with DEL", ctx: with("a", "\x7f")},
	{name: "a reserved name with a bad value", ctx: with("te", "\n")},
	{name: "a name that is only -bin", ctx: with("-bin", "\n")},
	{name: "much metadata", ctx: with("a", strings.Repeat("x", 20<<10), "b", strings.Repeat("y", 20<<10))},
	{name: "many fields", ctx: func(ctx context.Context) context.Context {
		md := metadata.MD{}
		for i := range 300 {
			md.Append(fmt.Sprintf("name-%d", i), fmt.Sprintf("value-%d", i))
		}
		return metadata.NewOutgoingContext(ctx, md)
	}},
	{name: "a deadline", ctx: func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		context.AfterFunc(ctx, cancel)
		return ctx
	}},
	{name: "a subtype", opts: []grpc.CallOption{grpc.CallContentSubtype("X")}},
	{name: "an authority", opts: []grpc.CallOption{grpc.CallAuthority("other.test")}},
	{name: "a server name", server: "named.test"},
	{name: "a server name and an authority", server: "named.test", opts: []grpc.CallOption{grpc.CallAuthority("other.test")}},
	{name: "an empty message", request: "-"},
	{name: "a large message", request: strings.Repeat("x", 300<<10)},
	{name: "a message that is too large", request: strings.Repeat("x", 101), opts: []grpc.CallOption{grpc.MaxCallSendMsgSize(100)}, but: "Invoke makes a message before it looks for a connection", ours: func(k *kind, _ *seen, o *outcome) {
		if k.desc == nil {
			o.Peer, o.Done = "", nil
		}
	}},
	{name: "a message as large as can be", request: strings.Repeat("x", 100), opts: []grpc.CallOption{grpc.MaxCallSendMsgSize(100)}},
	{name: "a method without a slash", method: "a/b", but: "a path begins with a slash (RFC 9113 section 8.3.1), or a server may refuse the connection", ours: func(_ *kind, s *seen, _ *outcome) {
		s.Fields[":path"] = []string{"/a/b"}
	}},
	{name: "a method of one word", method: "/a"},
	{name: "a long method", method: "/" + strings.Repeat("a", 5000) + "/b"},
	{name: "a method that is not ASCII", method: "/ä/b%20c"},
	{name: "identity", opts: []grpc.CallOption{grpc.UseCompressor("identity")}, but: "nothing is said of what is not done", ours: func(_ *kind, s *seen, _ *outcome) {
		delete(s.Fields, "grpc-encoding")
	}},
}

// What a server sees of a request is what it sees of gRPC's own channel, except for the program's name and what answers may be compressed with; and so
// is what a caller is told of a request that cannot be sent.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, a := range askings {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.test(t)
		})
	}
}

func (a *asking) test(t *testing.T) {
	requests := make(chan *seen, 1)
	s := newServer(t, &server{ended: func(c *conn, r *request) {
		requests <- see(r)
		answering("one")(c, r.id)
	}})
	set := to(s.address)
	if a.server != "" {
		set.addresses[0].ServerName = a.server
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if a.ctx != nil {
		ctx = a.ctx(ctx)
	}
	differs := false
	channels := make([]*channel, len(sides))
	for i, side := range sides {
		channels[i] = side.open(t, set)
		if a.method != "" {
			channels[i].method = a.method
		}
		if a.request != "" {
			channels[i].request = strings.TrimPrefix(a.request, "-")
		}
	}
	for i := range kinds {
		k := &kinds[i]
		var outcomes [2]*outcome
		var sees [2]*seen
		for j, c := range channels {
			outcomes[j] = k.do(ctx, c, a.opts...)
			select {
			case sees[j] = <-requests:
				sees[j].check(t, ctx, sides[j].name)
			default: // nothing was sent
			}
		}
		differs = differs || cmp.Diff(sees[1], sees[0]) != "" || cmp.Diff(outcomes[1], outcomes[0], cmpopts.EquateEmpty()) != ""
		if a.ours != nil {
			a.ours(k, sees[1], outcomes[1])
		}
		if diff := cmp.Diff(sees[1], sees[0]); diff != "" {
			t.Errorf("%s: a server sees another request (-grpc +engine):\n%s", k.name, diff)
		}
		if diff := cmp.Diff(outcomes[1], outcomes[0], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: the engine differs (-grpc +engine):\n%s", k.name, diff)
		}
	}
	if a.but != "" && !differs {
		t.Errorf("the engine does not differ any more: %s", a.but)
	}
}

// check takes out what differs by intent or by the moment, and checks it alone.
func (s *seen) check(t *testing.T, ctx context.Context, side string) {
	t.Helper()
	take := func(name string) string {
		v := strings.Join(s.Fields[name], "|")
		delete(s.Fields, name)
		return v
	}
	agent, accepted := "test/1", "" // of what the registry knows, nothing is offered: a gateway passes on what is compressed, or offers nothing
	if side == "grpc" {
		agent, accepted = "test/1 grpc-go/"+grpc.Version, "gzip"
		if s.Fields["grpc-encoding"] != nil {
			accepted = "gzip,identity"
		}
	}
	if got := take("user-agent"); got != agent {
		t.Errorf("%s: the program is %q; it must be %q", side, got, agent)
	}
	if got := take("grpc-accept-encoding"); got != accepted {
		t.Errorf("%s: answers may be compressed with %q; it must be %q", side, got, accepted)
	}
	until, ok := ctx.Deadline()
	if !ok {
		t.Fatal("tests have a deadline")
	}
	got, left := timeoutOf(t, take("grpc-timeout")), time.Until(until)
	if late := got - left; late < 0 || late > time.Second { // it was read a moment after it was written
		t.Errorf("%s: the timeout is %v; %v are left", side, got, left)
	}
}

// A name that is in capitals in a context's metadata is the same name; gRPC's own channel refuses it.
func TestCapitals(t *testing.T) {
	t.Parallel()
	requests := make(chan *request, 1)
	s := newServer(t, &server{ended: func(c *conn, r *request) {
		requests <- r
		answering("one")(c, r.id)
	}})
	c := openEngine(t, to(s.address))
	for i := range kinds {
		o := kinds[i].do(metadata.NewOutgoingContext(t.Context(), metadata.MD{"UPPER": {"1"}}), c)
		if got := (<-requests).get("upper"); o.Code != codes.OK || !slices.Equal(got, []string{"1"}) {
			t.Errorf("%s: %v %s, the server sees %q", kinds[i].name, o.Code, o.Text, got)
		}
	}
}

// timeoutOf reads a timeout.
func timeoutOf(t *testing.T, text string) time.Duration {
	t.Helper()
	units := map[byte]time.Duration{'n': 1, 'u': time.Microsecond, 'm': time.Millisecond, 'S': time.Second, 'M': time.Minute, 'H': time.Hour}
	if text == "" || len(text) > 9 || units[text[len(text)-1]] == 0 {
		t.Fatalf("the timeout is %q", text)
	}
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * units[text[len(text)-1]]
}

// packed is a codec whose messages may be compressed already: those that begin with a star.
type packed struct {
	raw

	with string
}

func (p packed) Compression() string { return p.with }

var _ engine.CompressedCodec = packed{}

func (packed) MarshalCompressed(v any) (data mem.BufferSlice, compressed bool, err error) {
	data, err = raw{}.Marshal(v)
	return data, err == nil && strings.HasPrefix(string(data.Materialize()), "*"), err
}

func (packed) UnmarshalCompressed(data mem.BufferSlice, compression string, v any) error {
	s, ok := v.(*string)
	if !ok {
		return fmt.Errorf("%T is no string", v)
	}
	if *s = compression + ":" + string(data.Materialize()); strings.HasSuffix(*s, "bad") {
		return errors.New("it is bad")
	}
	return nil
}

// A codec of compressed messages says what they are compressed with, offers that for the answer, and gets the answer's as it came.
func TestCompressedCodec(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		with, request, answer string
		flag                  byte
		body                  string
		encodings             []string
		want, wrong           string
	}{
		"compressed":               {with: "x", request: "*a", answer: "b", flag: 1, body: "\x01\x00\x00\x00\x02*a", encodings: []string{"x"}, want: "y:b"},
		"not compressed":           {with: "x", request: "a", answer: "b", body: "\x00\x00\x00\x00\x01a", encodings: []string{"x"}, want: "b"},
		"nothing to compress with": {request: "a", answer: "b", flag: 1, body: "\x00\x00\x00\x00\x01a", want: "y:b"},
		"cannot be decoded":        {request: "a", answer: "bad", flag: 1, body: "\x00\x00\x00\x00\x01a", wrong: "grpc: failed to unmarshal the received message: it is bad"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan *request, 1)
			s := newServer(t, &server{ended: func(c *conn, r *request) {
				requests <- r
				compressed("y", message(tt.flag, tt.answer))(c, r.id)
			}})
			c := openEngine(t, to(s.address))
			c.request = tt.request
			for i := range kinds {
				k := &kinds[i]
				o := k.do(t.Context(), c, grpc.ForceCodecV2(packed{with: tt.with}))
				r := <-requests
				if got := string(r.body); got != tt.body {
					t.Errorf("%s: the request is %q; it must be %q", k.name, got, tt.body)
				}
				for _, name := range []string{"grpc-encoding", "grpc-accept-encoding"} {
					if got := r.get(name); !slices.Equal(got, tt.encodings) {
						t.Errorf("%s: %s is %q; it must be %q", k.name, name, got, tt.encodings)
					}
				}
				if got := strings.Join(o.Messages, " "); got != tt.want && tt.wrong == "" || o.Text != tt.wrong {
					t.Errorf("%s: got %q, %v %s; want %q, %s", k.name, got, o.Code, o.Text, tt.want, tt.wrong)
				}
			}
		})
	}
}
