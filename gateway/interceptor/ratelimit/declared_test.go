// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Limits that schemas have hold beside those of the configuration; one of a service is for its methods together, and schemas that are loaded again
// forget nothing.
func TestLimitsOfSchemas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := ratelimit.New(ratelimit.Config{Rules: []ratelimit.Rule{{Name: "wide", Match: all, Rate: perSecond(100), Burst: 7}}})
		if err != nil {
			t.Fatal(err)
		}
		get, list := transcoder.BareMethod("/a.B/Get", false, false), transcoder.BareMethod("/a.B/List", false, false)
		declared := func(m *transcoder.Method) []ratelimit.Rule {
			rules := []ratelimit.Rule{{Name: "a.B", Rate: perSecond(1), Burst: 5}}
			if m == get {
				rules = append(rules, ratelimit.Rule{Name: "a.B.Get", Rate: perSecond(1), Burst: 2})
			}
			return rules
		}
		count := func(m *transcoder.Method) int {
			p, err := l.Policy([]*transcoder.Method{get, list}, ratelimit.BeforeAuth, declared) // as at each load
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for range 10 {
				if interceptor.Admit(p, call(m, "10.0.0.1")) == nil {
					n++
				}
			}
			return n
		}
		if n := count(get); n != 2 {
			t.Errorf("%d calls of the method pass; its own limit is 2", n)
		}
		if n := count(list); n != 3 {
			t.Errorf("%d calls of the other method pass; of the service's 5, 3 are left", n)
		}
		if n := count(list); n != 0 {
			t.Errorf("%d calls pass after another load; nothing is forgotten", n)
		}
	})
}

// What is wrong with a limit of a schema is told by its name.
func TestLimitsOfSchemasAreChecked(t *testing.T) {
	t.Parallel()
	l, err := ratelimit.New(ratelimit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		rule ratelimit.Rule
		want string
	}{
		{ratelimit.Rule{Name: "a.B"}, `rule "a.B":  limits nothing`},
		{ratelimit.Rule{Name: "a.B", Rate: perSecond(1), Shared: true}, "there is no store"},
		{ratelimit.Rule{Name: "a.B", Rate: perSecond(1), Key: key(t, "request.none")}, "the key of a.B does not fit /a.B/C"},
	} {
		_, err := l.Policy([]*transcoder.Method{method}, ratelimit.AfterAuth, func(*transcoder.Method) []ratelimit.Rule { return []ratelimit.Rule{row.rule} })
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v; want %q", err, row.want)
		}
		if wrong, ok := errors.AsType[*ratelimit.FieldError](err); ok && (wrong.Rule != -1 || wrong.Name != "a.B") {
			t.Errorf("the error is %+v", wrong)
		}
	}
	if p, err := l.Policy([]*transcoder.Method{method}, ratelimit.BeforeAuth, nil); p != nil || err != nil {
		t.Errorf("without any rule there is %v, %v", p, err)
	}
}
