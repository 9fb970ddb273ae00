// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// root is the repository, seen from here.
const root = "../../.."

// metricName is a metric of ours in an expression or a text.
var metricName = regexp.MustCompile(`\bdragoman_[a-z_]+`)

// told returns what metrics there are, by name.
func told(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for name := range scrape(t, all(t)) {
		if strings.HasPrefix(name, "dragoman_") {
			names[name] = true
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %d metrics are told", len(names))
	}
	return names
}

// series returns the metric that a series belongs to.
func metricOf(name string) string {
	for _, of := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, of); ok {
			return base
		}
	}
	return name
}

// dashboard is what a test looks at of one of Grafana's.
type dashboard struct {
	UID, Title string
	Panels     []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name string }
	}
}

// Every panel of the dashboard asks for metrics that there are, in expressions that Prometheus understands, and none is left out.
func TestDashboard(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(root, "deploy/grafana/dragoman.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	known, shown, ids, places := told(t), map[string]bool{}, map[int]bool{}, map[string]string{}
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []rule
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the number %d", p.ID)
		}
		ids[p.ID] = true
		at := fmt.Sprint(p.GridPos.X, p.GridPos.Y)
		if other := places[at]; other != "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q is where %q is, or beside the page", p.Title, other)
		}
		places[at] = p.Title
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown[metricOf(name)] = true
				if !known[metricOf(name)] {
					t.Errorf("%q asks for %s, which there is not", p.Title, name)
				}
			}
			expr := strings.NewReplacer("$__rate_interval", "5m", "$service", ".*").Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%q has a variable that nobody knows: %s", p.Title, expr)
			}
			rules = append(rules, rule{fmt.Sprint("panel:", len(rules)), expr})
		}
	}
	for name := range known {
		if !shown[name] && name != "dragoman_build_info" {
			t.Errorf("no panel shows %s", name)
		}
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, ".", "check", "rules", file)
}

// The alerts are understood by Prometheus, fire when they are to (alerts_test.yaml), and ask for metrics that there are.
func TestAlerts(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(root, "deploy/prometheus")
	promtool(t, folder, "check", "rules", "alerts.yaml")
	promtool(t, folder, "test", "rules", "alerts_test.yaml")
	data, err := os.ReadFile(filepath.Join(folder, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	known := told(t)
	names := metricName.FindAllString(string(data), -1)
	if len(names) < 10 {
		t.Errorf("the alerts ask for %d metrics", len(names))
	}
	for _, name := range names {
		if !known[metricOf(name)] {
			t.Errorf("an alert asks for %s, which there is not", name)
		}
	}
}

func promtool(t *testing.T, folder string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// The guide names every metric and every reason, and no metric that there is not.
func TestTheGuideIsComplete(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(root, "docs/telemetry.md"))
	if err != nil {
		t.Fatal(err)
	}
	guide, known, named := string(data), told(t), map[string]bool{}
	for _, name := range metricName.FindAllString(guide, -1) {
		named[name] = true
		if !known[name] {
			t.Errorf("the guide has %s, which there is not", name)
		}
	}
	for name := range known {
		if !named[name] {
			t.Errorf("the guide does not name %s", name)
		}
	}
	for _, reason := range reasons(t) {
		if !strings.Contains(guide, "`"+reason+"`") {
			t.Errorf("the guide does not name the reason %s", reason)
		}
	}
}

// reasons returns every reason that there is.
func reasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "transcoder/status/reason.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if text, ok := v.Values[0].(*ast.BasicLit); ok {
				if s, err := strconv.Unquote(text.Value); err == nil {
					all = append(all, s)
				}
			}
		}
		return true
	})
	if len(all) < 30 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	return all
}
