// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// routeLine is a route as `dragoman routes --json` prints it.
type routeLine struct {
	Verb     string `json:"verb"`
	Path     string `json:"path"`
	Method   string `json:"method"`
	Kind     string `json:"kind"`
	Body     string `json:"body,omitempty"`
	Response string `json:"response_body,omitempty"`
	Backend  string `json:"backend,omitempty"`
	Timeout  string `json:"timeout,omitempty"`
	// Auth are the alternatives of who may call; AuthRule is the setting that says so.
	Auth     []string `json:"auth,omitempty"`
	AuthRule string   `json:"auth_rule,omitempty"`
	Origin   string   `json:"origin"`
	Declared string   `json:"declared"`
	// Policy has for each value of the policy that some setting has set, or an option in the schema, which one it was; "built-in" for what none has set.
	Policy map[string]string `json:"policy"`
	// Authorization and Limits are the rules that are for the method.
	Authorization []ruleLine `json:"authorization,omitempty"`
	Limits        []ruleLine `json:"limits,omitempty"`
	// Cache tells whether answers are stored; absent where nothing says anything of it.
	Cache *explain.Cache `json:"cache,omitempty"`
}

// ruleLine is a rule that is for a route.
type ruleLine struct {
	Name   string `json:"name"`
	Says   string `json:"says"`
	DryRun bool   `json:"dry_run,omitempty"`
	Origin string `json:"origin"`
}

func ruleLines(rules []assemble.RuleView) []ruleLine {
	var lines []ruleLine
	for _, r := range rules {
		lines = append(lines, ruleLine{Name: r.Name, Says: r.Says, DryRun: r.DryRun, Origin: string(r.Origin)})
	}
	return lines
}

func newRoutes(t *terminal) *cobra.Command {
	var (
		in     input
		asJSON bool
		match  string
	)
	cmd := &cobra.Command{
		Use:   "routes [-c FILE | PROTO_DIR …]",
		Short: "List every route: HTTP method and path, gRPC method, backend, timeout, where it is declared",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if _, err := path.Match(match, ""); err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--match is %q, which is no pattern: %w", match, err)}
			}
			loaded, cfg, err := t.look(cmd, &in, dirs, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			lines := routeLines(loaded, cfg, match)
			if asJSON {
				encoder := json.NewEncoder(t.out)
				encoder.SetEscapeHTML(false) // expressions have && in them
				return encoder.Encode(lines)
			}
			t.table(lines)
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&match, "match", "", "only routes whose path or method matches a pattern, such as '*Shelf*'")
	return cmd
}

func routeLines(loaded *app.Loaded, cfg *config.Config, match string) []routeLine {
	mux := loaded.Snapshot.Mux
	lines := []routeLine{}
	for _, b := range mux.Routes().Bindings() {
		name := methodName(b)
		m := mux.Method("/" + name)
		line := routeLine{
			Verb: b.HTTPMethod, Path: b.Template.String(), Method: name, Kind: m.Kind(), Origin: b.Place.Origin.String(),
			Declared: loaded.Declared(b).String(),
		}
		switch b.Body {
		case httprule.BodyWhole:
			line.Body = "*"
		case httprule.BodyField:
			line.Body = string(b.BodyField.Name())
		case httprule.BodyNone:
		}
		if b.ResponseField != nil {
			line.Response = string(b.ResponseField.Name())
		}
		if to, ok := cfg.TrafficFor(m.Service, m.Name); ok {
			line.Backend = strings.Join(to.Backends(), ",")
		}
		held, _ := loaded.PolicyOf(m)
		if m.Unary() {
			line.Timeout = held.Policy.Deadline.Timeout.String()
		}
		line.Auth, line.AuthRule = held.Policy.Auth, string(held.Origins["auth"])
		line.Policy = map[string]string{}
		for name, origin := range held.Origins {
			line.Policy[name] = cmp.Or(string(origin), "built-in")
		}
		line.Authorization, line.Limits, line.Cache = ruleLines(held.Authorization), ruleLines(held.Limits), held.Cache
		if match == "" || matches(match, line.Path) || matches(match, line.Method) {
			lines = append(lines, line)
		}
	}
	return lines
}

// matches compares without regard to slashes, which path.Match would stop at.
func matches(pattern, s string) bool {
	flat := strings.NewReplacer("/", ".")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(s))
	return err == nil && ok
}

func (t *terminal) table(lines []routeLine) {
	wide := [3]int{}
	for _, l := range lines {
		wide[0], wide[1], wide[2] = max(wide[0], len(l.Verb)), max(wide[1], len(l.Path)), max(wide[2], len(l.Method))
	}
	for _, l := range lines {
		t.printf("%-*s  %-*s  %-*s  %-13s  %-12s %s", wide[0], l.Verb, wide[1], l.Path, wide[2], l.Method, l.Kind, l.Backend, l.Declared)
		if l.AuthRule != "" {
			t.printf("  auth %s by %s", strings.Join(l.Auth, " or "), l.AuthRule)
		}
		for _, r := range l.Authorization {
			t.printf("  allow %s by %s", r.Says, r.Origin)
		}
		for _, r := range l.Limits {
			t.printf("  limit %s by %s", r.Says, r.Origin)
		}
		if c := l.Cache; c != nil {
			t.printf("  cache %s by %s", c.Short(), c.Origin)
		}
		t.printf("\n")
	}
}
