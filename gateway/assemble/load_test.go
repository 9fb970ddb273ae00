// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

// These tests are inside because only the table of sources says which of them ask somebody.

// counting is a source that counts its loads.
type counting struct {
	loads int
	err   error
}

func (c *counting) Name() string { return "counting" }

func (c *counting) Load(context.Context) (*schema.Schema, error) {
	if c.loads++; c.err != nil {
		return nil, c.err
	}
	return schema.New(schema.Config{Source: "counting"})
}

func ruleFiles(t *testing.T, text string) (*serviceconfig.Files, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := serviceconfig.New(serviceconfig.Config{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	return files, path
}

const oneRule = "http: {rules: [{selector: a.B.C, get: /a}]}\n"

// Rules and protos are read together; but for new rules, nobody is asked for a schema again, who may be away.
func TestOnlyRulesAskNobody(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		asks      bool
		onlyRules bool
		want      int
	}{
		{"on disk, all", false, false, 2},
		{"on disk, rules", false, true, 2},
		{"asked, all", true, false, 2},
		{"asked, rules", true, true, 1},
	} {
		c := &counting{}
		s := Source{Source: c, asks: row.asks}
		s.Rules, _ = ruleFiles(t, oneRule)
		first, err := s.Load(t.Context(), Loaded{}, row.onlyRules)
		if err != nil || c.loads != 1 || first.Schema == nil || len(first.Rules.List()) != 1 {
			t.Fatalf("%s: %d loads, error %v; want the first to load all", row.name, c.loads, err)
		}
		again, err := s.Load(t.Context(), first, row.onlyRules)
		if err != nil || c.loads != row.want || again.Rules != first.Rules {
			t.Errorf("%s: %d loads, error %v; want %d and the same rules", row.name, c.loads, err, row.want)
		}
		if (again == first) != (row.want == 1) {
			t.Errorf("%s: equal to before: %t", row.name, again == first)
		}
	}
}

// What is wrong with rules and with protos is told at once.
func TestLoadTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	c := &counting{err: schema.NewLoadError(schema.Diagnostic{Message: "the protos"})}
	s := Source{Source: c}
	s.Rules, _ = ruleFiles(t, "http: {rule: [], more: []}\n")
	loaded, err := s.Load(t.Context(), Loaded{}, false)
	if e, ok := errors.AsType[*schema.LoadError](err); !ok || len(e.Diagnostics) != 3 || loaded != (Loaded{}) {
		t.Errorf("got %v and %v; want the problem of the protos and two of the rules", loaded, err)
	}
	c.err = context.Canceled
	if _, err := s.Load(t.Context(), Loaded{}, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want what kept the source from loading", err)
	}
}
