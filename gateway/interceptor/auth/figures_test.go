// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Each provider of an alternative that is met has let the call through; a refusal is that of the provider whose word the client is told.
func TestFiguresOfProviders(t *testing.T) {
	t.Parallel()
	alice := &transcoder.Identity{Provider: "a", Subject: "alice"}
	bad := func(reason status.Reason) error { return &status.Error{Code: codes.Unauthenticated, Reason: reason} }
	type counts struct {
		accepted uint64
		refused  map[status.Reason]uint64
	}
	for _, row := range []struct {
		about       string
		first, then auth.Provider
		together    bool
		want        [2]counts
	}{
		{"the first is enough", &fixed{id: alice}, &fixed{id: alice}, false, [2]counts{{1, nil}, {}}},
		{"both are needed", &fixed{id: alice}, &fixed{id: alice}, true, [2]counts{{1, nil}, {1, nil}}},
		{"the second is met", &fixed{err: auth.ErrNone}, &fixed{id: alice}, false, [2]counts{{}, {1, nil}}},
		{"bad credentials beside good ones are no refusal", &fixed{err: bad(status.ReasonTokenExpired)}, &fixed{id: alice}, false, [2]counts{{}, {1, nil}}},
		{"bad ones alone are", &fixed{err: auth.ErrNone}, &fixed{err: bad(status.ReasonKeyInvalid)}, false, [2]counts{{}, {0, map[status.Reason]uint64{status.ReasonKeyInvalid: 1}}}},
		{"one of both refuses", &fixed{id: alice}, &fixed{err: bad(status.ReasonKeyExpired)}, true, [2]counts{{}, {0, map[status.Reason]uint64{status.ReasonKeyExpired: 1}}}},
		{"without credentials nobody refuses", &fixed{err: auth.ErrNone}, &fixed{err: auth.ErrNone}, false, [2]counts{}},
	} {
		t.Run(row.about, func(t *testing.T) {
			t.Parallel()
			named := []auth.Named{{Name: "a", Provider: row.first, Figures: &auth.Figures{}}, {Name: "b", Provider: row.then, Figures: &auth.Figures{}}}
			any := [][]auth.Named{{named[0]}, {named[1]}}
			if row.together {
				any = [][]auth.Named{named}
			}
			p, err := auth.New(auth.Config{Any: any})
			if err != nil {
				t.Fatal(err)
			}
			c := transcoder.NewCall(t.Context(), &transcoder.Request{})
			c.Method = transcoder.BareMethod("/a.B/C", false, false)
			_ = p.Admit(c) // what it says is tested elsewhere
			for i, want := range row.want {
				f := named[i].Figures
				if f.Accepted() != want.accepted || fmt.Sprint(f.Refused()) != fmt.Sprint(want.refused) {
					t.Errorf("%s accepted %d and refused %v; want %+v", named[i].Name, f.Accepted(), f.Refused(), want)
				}
			}
		})
	}
}

// A cache tells how often it knew something.
func TestRemembered(t *testing.T) {
	t.Parallel()
	c := auth.NewCache[int](1000, 1<<20)
	now := time.Now()
	c.Put("a", 1, now.Add(time.Minute))
	for _, key := range []string{"a", "a", "b"} {
		c.Get(key, now)
	}
	c.Get("a", now.Add(time.Hour)) // it is over
	if got := *c.Remembered(); got != (auth.Remembered{Hits: 2, Misses: 2, Entries: 1}) {
		t.Errorf("got %+v", got)
	}
}
