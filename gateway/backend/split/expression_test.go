// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// when is a split that sends what an expression is true of to b, and the rest to a.
func when(expression string) split.Config {
	return split.Config{Rules: []split.Rule{{Backend: "b", Label: "rule", When: expression}}, Backend: "a"}
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	plain := func() *transcoder.Call {
		return call("x-canary", "yes", "x-many", "1", "x-many", "2", "x-number", "17")
	}
	for _, row := range []struct {
		name, expression string
		want             bool
	}{
		{"service", `service == "acme.orders.v1.OrderService"`, true},
		{"method", `method in ["GetOrder", "ListOrders"]`, true},
		{"header", `headers["x-canary"] == "yes"`, true},
		{"a header that is not there is empty", `headers["x-none"] == ""`, true},
		{"presence", `"x-canary" in headers && !("x-none" in headers)`, true},
		{"the first value", `headers["x-many"] == "1"`, true},
		{"all values", `header_values["x-many"] == ["1", "2"] && header_values["x-none"].size() == 0`, true},
		{"any value", `header_values["x-many"].exists(v, v == "2")`, true},
		{"presence of values", `"x-many" in header_values`, true},
		{"over all names", `headers.exists(name, name.startsWith("x-c"))`, true},
		{"how many names", `headers.size() == 3 && header_values.size() == 3`, true},
		{"maps are compared", `headers == {"x-canary": "yes", "x-many": "1", "x-number": "17"}`, true},
		{"a number", `int(headers["x-number"]) > 16`, true},
		{"an expression of regular ones", `headers["x-canary"].matches("^y.s$")`, true},
		{"client address", `client.address == "192.0.2.7"`, true},
		{"a network", `cidr("192.0.2.0/28").containsIP(ip(client.address))`, true},
		{"not that network", `cidr("10.0.0.0/8").containsIP(client.address)`, false},
		{"host without its port", `host == "api.example.com"`, true},
		{"listener", `listener == "public"`, true},
		{"protocol", `protocol == "rest"`, true},
		{"text", `headers["x-canary"].upperAscii() == "YES"`, true},
		{"what cannot be evaluated is false", `int(headers["x-canary"]) > 0`, false},
		{"and so is what it stands in", `!(int(headers["x-canary"]) > 0)`, false},
		{"but what does not need it is not", `int(headers["x-canary"]) > 0 || true`, true},
	} {
		if got := to(t, newSplit(t, when(row.expression)), plain()); (got == "b") != row.want {
			t.Errorf("%s: %s is %t; want %t", row.name, row.expression, got == "b", row.want)
		}
	}
}

func TestExpressionsAreCheckedWithTheirTypes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, expression, want string }{
		{"no such variable", `host == "a" && hostname == "b"`, "split[0].when: at character 16: undeclared reference to 'hostname'"},
		{"no such function", `host.isGood()`, "at character 12: undeclared reference to 'isGood'"},
		{"types that do not go together", `headers["x"] == 7`, "at character 14: found no matching overload for '_==_' applied to '(string, int)'"},
		{"no end", `host == `, "at character 9: mismatched input '<EOF>'"},
		{"not a condition", `headers["x-canary"]`, "is a string; it must be true or false"},
		{"of no type that is known", `dyn(true)`, "is a dyn; it must be true or false"},
		{"a name that no header has", `headers["X-Canary"] == "1"`, `at character 9: "X-Canary" must be the name of a header field, in lower case`},
		{"in a list, too", `"X-Canary" in headers`, `"X-Canary" must be the name of a header field`},
		{"has would always be true", `has(headers.accept)`, "undeclared reference to 'has'"},
		{"a regular expression that is none", `host.matches("[")`, "at character 14: invalid matches argument"},
		{"A16 a regular expression that the client chooses", `headers["x-canary"].matches(headers["x-pattern"])`, "at character 36: the pattern of matches must be a text that stands here"},
		{"A16 by the other form", `matches(host, "a" + headers["x-pattern"])`, "the pattern of matches must be a text that stands here"},
		{"A16 a regular expression that is large when it is compiled", `host.matches("((a{100}){100}){100}")`, "invalid matches argument"},
		{"loops in loops", `headers.exists(a, headers.exists(b, headers.exists(c, a == b && b == c)))`, "comprehension exceeds nesting limit"},
		{"too long", `host == "` + strings.Repeat("a", split.MaxExpression) + `"`, "has 4106 bytes; it may have 4096"},
		{"too deep", strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100), "recursion limit"},
	} {
		_, err := split.New(when(row.expression), sides(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %.80s: got %v; want %q", row.name, row.expression, err, row.want)
		}
	}
	cfg := when(`clientaddress == ""`)
	if problems := cfg.Check(); len(problems) != 1 || !strings.Contains(problems[0].Hint, "client.address") {
		t.Errorf("the hint does not say which variables there are: %v", problems)
	}
}

// Threat A16: a regular expression takes time in proportion to the text, whatever both are.
func TestThreatA16PatternsAreLinear(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`^(a+)+$`, `^(a|a)*$`, `^(a|aa)+$`, `(x+x+)+y`, `^(([a-z])+.)+[A-Z]([a-z])+$`} {
		s := newSplit(t, when(`headers["x-canary"].matches("`+pattern+`")`))
		c := call("x-canary", strings.Repeat("a", 16<<10)+"!")
		began := time.Now()
		to(t, s, c)
		// 16 KiB take some milliseconds; what is not linear would not end.
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s takes %s", pattern, took)
		}
	}
}

// What clients send cannot make an expression expensive, and what goes wrong is logged now and then, without what they sent.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	s, err := split.New(when(`headers.exists(a, headers.exists(b, headers[a].contains(headers[b]) && a != b))`), sides(), slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for i := range 100 { // as many fields as a request may have
		fields = append(fields, fmt.Sprintf("x-%d", i), fmt.Sprint("marker", i)+strings.Repeat("a", 300)+"b")
	}
	c := call(fields...)
	c.Start = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	began := time.Now()
	for range 10 {
		if got := to(t, s, c); got != "a" {
			t.Fatalf("went to %s; what costs too much is false", got)
		}
	}
	if took := time.Since(began) / 10; took > 500*time.Millisecond {
		t.Errorf("a call took %s", took)
	}
	c.Start = c.Start.Add(time.Hour)
	to(t, s, c)
	if n := strings.Count(lines.String(), "could not be evaluated"); n != 2 {
		t.Errorf("%d lines are logged, want 2, one for each hour: %s", n, &lines)
	}
	for _, want := range []string{"rule=rule", "calls=1", "calls=10"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("%q is not in %s", want, &lines)
		}
	}
	if strings.Contains(lines.String(), "marker") {
		t.Errorf("the log has what the client sent: %s", &lines)
	}
}

// A call over a Unix socket has no address; that is no error.
func TestExpressionsOfCallsWithoutAnAddress(t *testing.T) {
	t.Parallel()
	c := call()
	c.Client = netip.Addr{}
	if got := to(t, newSplit(t, when(`client.address == ""`)), c); got != "b" {
		t.Errorf("went to %s; the address is empty", got)
	}
}

// The guide lists the variables that there are, and no others.
func TestVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/traffic.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, v := range split.Variables() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s |\n", v.Name, v.Type, v.Doc)
	}
	_, table, _ := strings.Cut(string(guide), "| name | type | what it is |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if diff := cmp.Diff(want.String(), table+"\n"); diff != "" {
		t.Errorf("docs/traffic.md (-want +got):\n%s", diff)
	}
}
