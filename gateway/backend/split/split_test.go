// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// side is a backend that counts its calls.
type side struct {
	name    string
	calls   int
	down    bool
	changed chan struct{}
}

func (s *side) Forward(c *transcoder.Call, _ transcoder.Stream) error {
	s.calls++
	c.Backend = s.name
	return nil
}

func (s *side) Ready() bool { return !s.down }

func (s *side) Changes() []<-chan struct{} { return []<-chan struct{}{s.changed} }

// sides are the backends of these tests.
func sides() map[string]split.Backend {
	return map[string]split.Backend{"a": &side{name: "a"}, "b": &side{name: "b"}, "c": &side{name: "c"}}
}

func newSplit(t testing.TB, cfg split.Config) *split.Split {
	t.Helper()
	s, err := split.New(cfg, sides(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func weighted(backend string, weight uint32) split.Rule {
	return split.Rule{Backend: backend, Weight: &weight, Label: "weight of " + backend}
}

// call is a call of GetOrder; the fields alternate names and values.
func call(fields ...string) *transcoder.Call {
	r := &transcoder.Request{Authority: "api.example.com:8443", Listener: "public"}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return &transcoder.Call{
		Request: r, Protocol: "rest", Client: netip.MustParseAddr("192.0.2.7"),
		Method: transcoder.BareMethod("/acme.orders.v1.OrderService/GetOrder", false, false),
	}
}

// to makes a call and returns the backend that it went to.
func to(t testing.TB, s *split.Split, c *transcoder.Call) string {
	t.Helper()
	err := s.Forward(c, nil)
	if e, ok := errors.AsType[*status.Error](err); ok && e.Code == codes.Unimplemented && e.Reason == status.ReasonNoRoute {
		return "refused"
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.Backend
}

func TestTheFirstRuleThatHoldsHasTheCall(t *testing.T) {
	t.Parallel()
	beta := split.Rule{Backend: "b", Label: "beta", Hosts: []string{"beta.example.com", "*.beta.example.com"}}
	canary := split.Rule{Backend: "c", Label: "canary", Headers: map[string]string{"x-canary": "yes"}}
	build := split.Rule{Backend: "c", Label: "build", Headers: map[string]string{"x-build": "2.*", "x-team": "*"}}
	office := split.Rule{Backend: "b", Label: "office", When: `cidr("192.0.2.0/24").containsIP(client.address) && headers["x-office"] == "1"`}
	rules := []split.Rule{beta, canary, build, office}
	host := func(h string, c *transcoder.Call) *transcoder.Call { c.Request.Authority = h; return c }
	for _, row := range []struct {
		name string
		call *transcoder.Call
		want string // backend, and the rule that chose it
	}{
		{"nothing holds", call(), "a "},
		{"exact host", host("beta.example.com", call()), "b beta"},
		{"hosts have no case and no port", host("BETA.Example.COM:443", call()), "b beta"},
		{"the root's dot is no part of a host", host("beta.example.com.", call()), "b beta"},
		{"below a host", host("x.y.beta.example.com", call()), "b beta"},
		{"not below it", host("xbeta.example.com", call()), "a "},
		{"a proxy's word counts before the authority", func() *transcoder.Call { c := call(); c.Host = "beta.example.com"; return c }(), "b beta"},
		{"the rules' order decides, not how much holds", host("beta.example.com", call("x-canary", "yes")), "b beta"},
		{"exact value", call("x-canary", "yes"), "c canary"},
		{"values have case", call("x-canary", "Yes"), "a "},
		{"a value is not a beginning", call("x-canary", "yes!"), "a "},
		{"the first value counts", call("x-canary", "no", "x-canary", "yes"), "a "},
		{"all fields must be right", call("x-build", "2.7"), "a "},
		{"a beginning, and presence", call("x-build", "2.7", "x-team", ""), "c build"},
		{"a beginning that is not", call("x-build", "12.7", "x-team", "t"), "a "},
		{"an expression", call("x-office", "1"), "b office"},
	} {
		s := newSplit(t, split.Config{Rules: rules, Backend: "a"})
		if got := to(t, s, row.call) + " " + row.call.Split; got != row.want {
			t.Errorf("%s: went to %q; want %q", row.name, got, row.want)
		}
	}
}

// A method that has conditions and neither weights nor a backend is not there for other calls.
func TestWithoutABackendOtherCallsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSplit(t, split.Config{Rules: []split.Rule{{Backend: "b", Hosts: []string{"api.example.com"}}}})
	other := call()
	other.Request.Authority = "other.example.com"
	if got := to(t, s, call()) + " " + to(t, s, other); got != "b refused" {
		t.Errorf("the calls went to %q; want one to b and one refused", got)
	}
}

// within tells whether a count of a binomial distribution is within five standard deviations: one run in two million is not.
func within(count, calls int, p float64) bool {
	return math.Abs(float64(count)-float64(calls)*p) <= 5*math.Sqrt(float64(calls)*p*(1-p))
}

func TestWeightsAreShares(t *testing.T) {
	t.Parallel()
	const calls = 100_000
	for name, key := range map[string]split.Key{"by chance": {}, "by key": {Header: "x-user"}} {
		s := newSplit(t, split.Config{Rules: []split.Rule{weighted("a", 90), weighted("b", 9), weighted("c", 1)}, Key: key})
		got := map[string]int{}
		for i := range calls {
			got[to(t, s, call("x-user", fmt.Sprintf("user-%d", i)))]++
		}
		for side, p := range map[string]float64{"a": 0.9, "b": 0.09, "c": 0.01} {
			if !within(got[side], calls, p) {
				t.Errorf("%s: %s had %d of %d calls; want about %.0f", name, side, got[side], calls, calls*p)
			}
		}
	}
}

// A condition's calls are no part of what the weights share.
func TestConditionsComeBeforeWeights(t *testing.T) {
	t.Parallel()
	s := newSplit(t, split.Config{Rules: []split.Rule{weighted("a", 1), weighted("b", 0), {Backend: "c", Headers: map[string]string{"x-canary": "*"}}}})
	for range 100 {
		if got := to(t, s, call("x-canary", "1")) + to(t, s, call()); got != "ca" {
			t.Fatalf("went to %q; want c, then a: b has no weight", got)
		}
	}
}

// One user stays on one side, by whatever the key is; who has no key is shared out by chance.
func TestStickyKeys(t *testing.T) {
	t.Parallel()
	const users = 2000
	rules := []split.Rule{weighted("a", 50), weighted("b", 50)}
	from := func(i int) *transcoder.Call {
		c := call()
		c.Client = netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		return c
	}
	for name, row := range map[string]struct {
		key  split.Key
		call func(i int) *transcoder.Call
	}{
		"client address": {split.Key{ClientAddress: true}, from},
		"header":         {split.Key{Header: "x-user"}, func(i int) *transcoder.Call { return call("x-user", fmt.Sprint(i)) }},
		"cookie":         {split.Key{Cookie: "id"}, func(i int) *transcoder.Call { return call("cookie", fmt.Sprintf("xid=7; id=%d; idx=3", i)) }},
		"a cookie in a field of its own": {split.Key{Cookie: "id"}, func(i int) *transcoder.Call {
			return call("cookie", "other=1", "cookie", fmt.Sprintf("id=%d", i))
		}},
	} {
		one, again := newSplit(t, split.Config{Rules: rules, Key: row.key}), newSplit(t, split.Config{Rules: rules, Key: row.key})
		onA := 0
		for i := range users {
			side := to(t, one, row.call(i))
			if other := to(t, again, row.call(i)); other != side { // another process, or after a reload
				t.Fatalf("%s: user %d is on %s, and on %s", name, i, side, other)
			}
			if side == "a" {
				onA++
			}
		}
		if !within(onA, users, 0.5) {
			t.Errorf("%s: %d of %d users are on a", name, onA, users)
		}
	}
	s := newSplit(t, split.Config{Rules: rules, Key: split.Key{Cookie: "id"}})
	seen := map[string]bool{}
	for range 200 {
		seen[to(t, s, call("cookie", "other=1"))] = true
	}
	if len(seen) != 2 {
		t.Error("calls without the key are all on one side")
	}
}

// When weights change, only the users move that must, and only to the side that grew.
func TestStickyKeysMoveMinimally(t *testing.T) {
	t.Parallel()
	const users = 20_000
	key := split.Key{Header: "x-user"}
	for name, row := range map[string]struct {
		before, after []split.Rule
		to            string
		moved         float64 // the share of users
	}{
		"a canary grows from 5 to 10 %": {
			[]split.Rule{weighted("a", 95), weighted("b", 5)}, []split.Rule{weighted("a", 90), weighted("b", 10)}, "b", 0.05,
		},
		"the scale and the order of weights do not matter": {
			[]split.Rule{weighted("a", 95), weighted("b", 5)}, []split.Rule{weighted("b", 500), weighted("a", 9500)}, "", 0,
		},
		"a third side takes from both": {
			[]split.Rule{weighted("a", 1), weighted("b", 1), weighted("c", 0)}, []split.Rule{weighted("a", 1), weighted("b", 1), weighted("c", 1)}, "c", 1.0 / 3,
		},
	} {
		before, after := newSplit(t, split.Config{Rules: row.before, Key: key}), newSplit(t, split.Config{Rules: row.after, Key: key})
		moved := 0
		for i := range users {
			c := func() *transcoder.Call { return call("x-user", fmt.Sprint(i)) }
			was, is := to(t, before, c()), to(t, after, c())
			if was == is {
				continue
			}
			moved++
			if is != row.to {
				t.Fatalf("%s: a user moved from %s to %s", name, was, is)
			}
		}
		if !within(moved, users, row.moved) {
			t.Errorf("%s: %d of %d users moved; want about %.0f", name, moved, users, users*row.moved)
		}
	}
}

//nolint:paralleltest // counts allocations
func TestChoosingDoesNotAllocate(t *testing.T) {
	s := newSplit(t, split.Config{
		Rules: []split.Rule{
			{Backend: "b", Hosts: []string{"*.beta.example.com"}}, {Backend: "b", Headers: map[string]string{"x-canary": "yes"}}, weighted("a", 95), weighted("b", 5),
		},
		Key: split.Key{Cookie: "id"},
	})
	c := call("cookie", "a=1; id=7")
	if n := testing.AllocsPerRun(1000, func() { _ = s.Forward(c, nil) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestMistakesAreAllTold(t *testing.T) {
	t.Parallel()
	header := func(name, value string) split.Rule {
		return split.Rule{Backend: "b", Headers: map[string]string{name: value}}
	}
	hosts := func(h ...string) split.Rule { return split.Rule{Backend: "b", Hosts: h} }
	both := hosts("a.example.com")
	both.Weight = new(uint32)
	narrow := header("x-canary", "yes")
	narrow.Hosts = []string{"a.example.com"}
	for _, row := range []struct {
		name string
		cfg  split.Config
		want string // part of what is told; "" for nothing
	}{
		{"weights of nothing", split.Config{Rules: []split.Rule{weighted("a", 0), weighted("b", 0)}}, "split: has weights whose sum is 0"},
		{"weight and condition", split.Config{Rules: []split.Rule{both}, Backend: "a"}, "split[0].weight: is set beside conditions"},
		{"neither", split.Config{Rules: []split.Rule{{Backend: "b"}}, Backend: "a"}, "split[0]: has neither a weight nor a condition"},
		{"two weights of one backend", split.Config{Rules: []split.Rule{weighted("a", 1), weighted("a", 2)}}, "split[1].backend: has a weight in split[0] already"},
		{"a backend beside weights", split.Config{Rules: []split.Rule{weighted("a", 1)}, Backend: "b"}, "backend: never gets a call"},
		{"a key without weights", split.Config{Backend: "a", Key: split.Key{ClientAddress: true}}, "sticky: keeps calls on one side of a split by weight"},
		{"the same condition twice", split.Config{Rules: []split.Rule{header("x-a", "1"), header("x-a", "1")}, Backend: "a"}, "split[1]: is never reached: split[0] takes all its calls"},
		{"a host below an earlier one", split.Config{Rules: []split.Rule{hosts("*.example.com"), hosts("a.b.example.com")}, Backend: "a"}, "split[1]: is never reached"},
		{"one of two hosts is", split.Config{Rules: []split.Rule{hosts("*.example.com"), hosts("a.example.com", "example.com")}, Backend: "a"}, ""},
		{"the narrower one first", split.Config{Rules: []split.Rule{hosts("a.example.com"), hosts("*.example.com")}, Backend: "a"}, ""},
		{"a value with an earlier beginning", split.Config{Rules: []split.Rule{header("x-a", "1*"), header("x-a", "12")}, Backend: "a"}, "split[1]: is never reached"},
		{"more conditions on the same", split.Config{Rules: []split.Rule{header("x-canary", "*"), narrow}, Backend: "a"}, "split[1]: is never reached"},
		{"fewer conditions later", split.Config{Rules: []split.Rule{narrow, header("x-canary", "*")}, Backend: "a"}, ""},
		{"the same expression twice", split.Config{Rules: []split.Rule{{Backend: "b", When: "host == 'a'"}, {Backend: "c", When: "host == 'a'"}}, Backend: "a"}, "split[1]: is never reached"},
		{"a scheme", split.Config{Rules: []split.Rule{hosts("https://a.example.com")}, Backend: "a"}, "split[0].hosts[0]: must be a host"},
		{"a port", split.Config{Rules: []split.Rule{hosts("a.example.com:443")}, Backend: "a"}, "must be a host"},
		{"a * in the middle", split.Config{Rules: []split.Rule{hosts("a.*.example.com")}, Backend: "a"}, "must be a host"},
		{"a whole domain", split.Config{Rules: []split.Rule{hosts("*.com")}, Backend: "a"}, "is for a whole domain"},
		{"everything", split.Config{Rules: []split.Rule{hosts("*")}, Backend: "a"}, "must be a host"},
		{"below an address", split.Config{Rules: []split.Rule{hosts("*.10.0.0.1")}, Backend: "a"}, "has a * before an address"},
		{"an address", split.Config{Rules: []split.Rule{hosts("10.0.0.1", "fd00::1")}, Backend: "a"}, ""},
		{"a capital", split.Config{Rules: []split.Rule{header("X-Canary", "1")}, Backend: "a"}, `split[0].headers["X-Canary"]: must be the name of a header field, in lower case`},
		{"host as a header", split.Config{Rules: []split.Rule{header("host", "a")}, Backend: "a"}, "use hosts"},
		{"an empty value", split.Config{Rules: []split.Rule{header("x-a", "")}, Backend: "a"}, "use * for any value"},
		{"a * within", split.Config{Rules: []split.Rule{header("x-a", "a*b")}, Backend: "a"}, "has a * that is not at the end"},
		{"a value that cannot be", split.Config{Rules: []split.Rule{header("x-a", "ä")}, Backend: "a"}, "bytes that no header can have"},
		{"a backend that is not there", split.Config{Rules: []split.Rule{weighted("z", 1)}}, `backend "z" is not there`},
	} {
		_, err := split.New(row.cfg, sides(), slog.New(slog.DiscardHandler))
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: got %v; want %q", row.name, err, row.want)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	for name, cfg := range map[string]split.Config{
		"weights":    {Rules: []split.Rule{weighted("a", 95), weighted("b", 5)}},
		"sticky":     {Rules: []split.Rule{weighted("a", 95), weighted("b", 5)}, Key: split.Key{Header: "x-user"}},
		"headers":    {Rules: []split.Rule{{Backend: "b", Headers: map[string]string{"x-canary": "yes", "x-user": "*"}}}, Backend: "a"},
		"hosts":      {Rules: []split.Rule{{Backend: "b", Hosts: []string{"a.example.com", "*.beta.example.com"}}}, Backend: "a"},
		"expression": {Rules: []split.Rule{{Backend: "b", When: `headers["x-canary"] == "no" && client.address.startsWith("10.")`}}, Backend: "a"},
	} {
		b.Run(name, func(b *testing.B) {
			s, c := newSplit(b, cfg), call("accept", "*/*", "x-user", "42", "x-canary", "no")
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Forward(c, nil)
			}
		})
	}
}

// A split serves while one of its backends does, and tells of changes of each.
func TestReadiness(t *testing.T) {
	t.Parallel()
	a, b := &side{name: "a", changed: make(chan struct{})}, &side{name: "b", changed: make(chan struct{})}
	s, err := split.New(split.Config{Rules: []split.Rule{weighted("a", 95), weighted("b", 5)}}, map[string]split.Backend{"a": a, "b": b}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ a, b, ready bool }{{true, true, true}, {true, false, true}, {false, true, true}, {false, false, false}} {
		a.down, b.down = !tt.a, !tt.b
		if got := s.Ready(); got != tt.ready {
			t.Errorf("with a ready %t and b ready %t: %t", tt.a, tt.b, got)
		}
	}
	if n := len(s.Changes()); n != 2 {
		t.Errorf("%d channels tell of changes", n)
	}
}
