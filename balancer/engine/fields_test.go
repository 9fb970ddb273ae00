// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/engine"
)

// given is metadata as fields: names and values in turn.
type given struct {
	grpc.EmptyCallOption

	fields []string
}

func (g *given) Len() int { return len(g.fields) / 2 }

func (g *given) At(i int) (name, value string) { return g.fields[2*i], g.fields[2*i+1] }

// taken is what is told of an answer.
type taken struct {
	grpc.EmptyCallOption

	mu  sync.Mutex
	all []string
}

func (k *taken) take(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, what)
}

func (k *taken) TakeHeader(name, value string)  { k.take("header " + name + "=" + value) }
func (k *taken) TakeTrailer(name, value string) { k.take("trailer " + name + "=" + value) }
func (k *taken) TakePeer(from net.Addr) {
	k.take("peer " + address.ReplaceAllString(from.String(), "ADDRESS"))
}

var (
	_ engine.Metadata = (*given)(nil)
	_ engine.Answer   = (*taken)(nil)
)

// Metadata as fields is checked as a context's is, and sent beside it; a context's takes the place of one with its name.
func TestMetadataAsFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields, context []string
		want            map[string]string
		wrong           string
	}{
		"fields":                             {fields: []string{"a", "1", "b-bin", "AAE", "a", "2"}, want: map[string]string{"a": "1|2", "b-bin": "AAE"}},
		"beside others":                      {fields: []string{"a", "1"}, context: []string{"b", "2"}, want: map[string]string{"a": "1", "b": "2"}},
		"instead":                            {fields: []string{"a", "1", "a", "2"}, context: []string{"a", "3"}, want: map[string]string{"a": "3"}},
		"reserved":                           {fields: []string{"te", "gzip", "grpc-timeout", "1n", ":path", "/", "content-type", "x", "a", "1"}, want: map[string]string{"te": "trailers", "content-type": "application/grpc+raw", "a": "1", ":path": method}},
		"what is allowed":                    {fields: []string{"grpc-accept-encoding", "gzip"}, want: map[string]string{"grpc-accept-encoding": "gzip"}},
		"a bad name":                         {fields: []string{"a b", "1"}, wrong: `header key "a b" contains illegal characters not in [0-9a-z-_.]`},
		"no name":                            {fields: []string{"", "1"}, wrong: "there is an empty key in the header"},
		"a bad value":                        {fields: []string{"a", "1\n"}, wrong: `header key "a" contains value with non-printable ASCII characters`},
		"a binary value that is not encoded": {fields: []string{"a-bin", "\r\n"}, wrong: `header key "a-bin" contains value with non-printable ASCII characters`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan *request, 1)
			s := newServer(t, &server{ended: func(c *conn, r *request) {
				requests <- r
				answering("one")(c, r.id)
			}})
			c := openEngine(t, to(s.address))
			for i := range kinds {
				k := &kinds[i]
				o := k.do(metadata.AppendToOutgoingContext(t.Context(), tt.context...), c, &given{fields: tt.fields})
				if tt.wrong != "" {
					if o.Code != codes.Internal || o.Text != tt.wrong || !slices.Equal(o.Finished, []string{"Internal"}) {
						t.Errorf("%s: %v %q, finished %q; it must be %q", k.name, o.Code, o.Text, o.Finished, tt.wrong)
					}
					continue
				}
				r := <-requests
				for name, want := range tt.want {
					if got := strings.Join(r.get(name), "|"); got != want {
						t.Errorf("%s: %s is %q; it must be %q", k.name, name, got, want)
					}
				}
			}
		})
	}
}

// An answer is told as fields to calls that do not stream, with what was sent again only once; streams tell nothing.
func TestAnswerAsFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve func(c *conn, id uint32)
		want  []string
	}{
		"a message": {func(c *conn, id uint32) {
			c.ok(id, "a", "1", "b-bin", "AAE=", "a", "2")
			c.say(id, "one")
			c.head(id, true, "grpc-status", "0", "c", "3")
		}, []string{"peer ADDRESS", "header content-type=application/grpc", "header a=1", "header b-bin=AAE=", "header a=2", "trailer c=3"}},
		"trailers alone": {trailing("grpc-status", "5", "c", "3"), []string{"peer ADDRESS", "trailer content-type=application/grpc", "trailer c=3"}},
		"a reset":        {func(c *conn, id uint32) { c.reset(id, xhttp2.ErrCodeInternal) }, []string{"peer ADDRESS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, &server{ended: func(c *conn, r *request) { tt.serve(c, r.id) }})
			c := openEngine(t, to(s.address))
			for i := range kinds {
				k := &kinds[i]
				told := &taken{}
				o := k.do(t.Context(), c, told)
				want := tt.want
				if k.desc != nil {
					want = nil
				}
				if !slices.Equal(told.all, want) {
					t.Errorf("%s: told %q; it must be %q", k.name, told.all, want)
				}
				if fmt.Sprint(o.Header, o.Trailer) == fmt.Sprint(metadata.MD{}, metadata.MD{}) && name != "a reset" {
					t.Errorf("%s: gRPC's options are told nothing beside", k.name)
				}
			}
		})
	}
}
