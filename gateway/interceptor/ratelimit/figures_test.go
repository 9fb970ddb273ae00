// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// hot is a limiter of one rule that admits one call a day of each key, and what calls it with a key.
func hot(t testing.TB, of string) (*ratelimit.Limiter, func(value string)) {
	t.Helper()
	l, err := ratelimit.New(ratelimit.Config{Rules: []ratelimit.Rule{
		{Name: "hot", Match: all, Key: key(t, of), Rate: ratelimit.Rate{Count: 1, Per: 24 * time.Hour}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Policy([]*transcoder.Method{method}, ratelimit.BeforeAuth, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l, func(value string) {
		c := transcoder.NewCall(t.Context(), &transcoder.Request{Header: wire.Header{{Name: "x-caller", Value: value}}, Listener: "public"})
		c.Method = method
		_ = p.Admit(c) // whether it is admitted is counted
	}
}

// A rule tells what it admitted and refused, and the keys that it refused most of late; of what may be secret it says a mask.
func TestStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, call := hot(t, `headers["x-caller"]+listener`)
		for range 5 {
			call("alice-and-her-secret")
		}
		call("bob")
		call("bob")
		s := l.States()[0]
		if s.Admitted != 2 || s.Refused != 5 || s.Keys != 2 || s.Index != 0 || len(s.Hottest) != 2 || s.Hottest[0].Refused != 4 || s.Hottest[1].Refused != 1 {
			t.Fatalf("got %+v", s)
		}
		parts := s.Hottest[0].Parts
		if len(parts) != 2 || parts[0].Value != ratelimit.Mask("alice-and-her-secret") || parts[1] != (ratelimit.Entry{Name: "listener", Value: "public"}) || strings.Contains(fmt.Sprint(s.Hottest), "secret") {
			t.Errorf("the parts of the hottest: %v", parts)
		}
		if c := l.Counts(); len(c) != 1 || c[0] != (ratelimit.Count{Name: "hot", Admitted: 2, Refused: 5}) {
			t.Errorf("the counts: %v", c)
		}
		time.Sleep(ratelimit.HotSpan)
		call("bob")
		if s := l.States()[0]; len(s.Hottest) != 2 || s.Hottest[0].Refused != 4 || s.Hottest[1].Refused != 2 {
			t.Errorf("a minute later: %+v", s.Hottest)
		}
		time.Sleep(ratelimit.HotSpan)
		call("bob")
		if s := l.States()[0]; len(s.Hottest) != 1 || s.Hottest[0].Refused != 2 {
			t.Errorf("two minutes later: %+v", s.Hottest)
		}
		time.Sleep(3 * ratelimit.HotSpan)
		if s := l.States()[0]; len(s.Hottest) != 0 || s.Refused != 7 {
			t.Errorf("when all is over: %+v", s)
		}
	})
}

// Threat G3: whoever makes up keys makes no list longer, and does not hide the key that is refused most.
func TestThreatG3HotKeysAreBounded(t *testing.T) {
	t.Parallel()
	l, call := hot(t, `headers["x-caller"]`)
	for i := range 2000 {
		made := fmt.Sprint("made-up-", i)
		call(made)
		call(made)
		call("the same")
	}
	s := l.States()[0]
	if len(s.Hottest) != ratelimit.HotKeys || s.Hottest[0].Parts[0].Value != ratelimit.Mask("the same") {
		t.Errorf("got %v", s.Hottest)
	}
	if s.Refused != 2000+1999 {
		t.Errorf("%d were refused", s.Refused)
	}
}
