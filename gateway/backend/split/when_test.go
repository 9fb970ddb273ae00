// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// when is a split that sends what an expression is true of to b, and the rest to a.
func when(expression string) split.Config {
	return split.Config{Rules: []split.Rule{{Backend: "b", Label: "rule", When: expression}}, Backend: "a"}
}

// What expressions can say is tested where they are made; here, where calls go by them.
func TestExpressions(t *testing.T) {
	t.Parallel()
	ada := &transcoder.Identity{Subject: "ada", Claims: map[string]any{"beta": true}}
	for _, row := range []struct {
		name, expression string
		who              *transcoder.Identity
		want             string
	}{
		{"true", `headers["x-canary"] == "yes"`, nil, "b"},
		{"false", `headers["x-canary"] == "no"`, nil, "a"},
		{"what cannot be evaluated is false", `int(headers["x-canary"]) > 0`, nil, "a"},
		{"and so is what it stands in", `!(int(headers["x-canary"]) > 0)`, nil, "a"},
		{"but what does not need it is not", `int(headers["x-canary"]) > 0 || true`, nil, "b"},
		{"who calls", `auth.claims.beta`, ada, "b"},
		{"what is not known of who calls", `auth.claims.gamma`, ada, "a"},
		{"nobody", `auth.claims.beta`, nil, "a"},
	} {
		c := call("x-canary", "yes")
		c.Identity = row.who
		if got := to(t, newSplit(t, when(row.expression)), c); got != row.want {
			t.Errorf("%s: %s goes to %s; want %s", row.name, row.expression, got, row.want)
		}
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

func TestExpressionsAreCheckedWithTheirTypes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ expression, want string }{
		{`host == "a" && hostname == "b"`, "split[0].when: at character 16: undeclared reference to 'hostname'"},
		{`request.id == ""`, "split[0].when: at character 1: undeclared reference to 'request'"},
	} {
		_, err := split.New(when(row.expression), sides(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v; want %q", row.expression, err, row.want)
		}
	}
	cfg := when(`clientaddress == ""`)
	if problems := cfg.Check(); len(problems) != 1 || !strings.Contains(problems[0].Hint, "client.address") {
		t.Errorf("the hint does not say which variables there are: %v", problems)
	}
}

// What goes wrong is logged now and then, without what clients sent.
func TestWhatCannotBeEvaluatedIsLogged(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	s, err := split.New(when(`int(headers["x-number"]) > 0 || auth.claims.beta`), sides(), slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c := call("x-number", "marker")
	c.Identity = &transcoder.Identity{Subject: "ada"}
	c.Start = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for range 10 {
		if got := to(t, s, c); got != "a" {
			t.Fatalf("went to %s; what cannot be evaluated is false", got)
		}
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
	before := fmt.Sprint(&lines)
	c.Identity, c.Start = nil, c.Start.Add(time.Hour)
	to(t, s, c)
	if lines.String() != before {
		t.Errorf("that nobody is known to call is no failure, and is logged: %s", &lines)
	}
}
