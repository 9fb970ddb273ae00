// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/config/envoy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// examples returns the files of Envoy in testdata.
func examples(t testing.TB) []envoy.File {
	t.Helper()
	var files []envoy.File
	for _, pattern := range []string{"*.yaml", "*.json"} {
		names, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".want.yaml") {
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, envoy.File{Name: filepath.Base(name), Data: data})
		}
	}
	if len(files) < 3 {
		t.Fatalf("testdata has %d files; want 3 or more", len(files))
	}
	return files
}

// What becomes of whole configurations, and all that there is to say of them.
func TestExamplesAreConverted(t *testing.T) {
	t.Parallel()
	for _, file := range examples(t) {
		t.Run(file.Name, func(t *testing.T) {
			t.Parallel()
			r, err := envoy.Convert(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := config.Parse("dragoman.yaml", []byte(r.YAML), config.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var notes strings.Builder
			for _, n := range r.Notes {
				fmt.Fprintf(&notes, "%s: %s\n", n.Kind, n)
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintf(&notes, "%s\n", w)
			}
			base := strings.TrimSuffix(file.Name, filepath.Ext(file.Name))
			golden(t, filepath.Join("testdata", base+".want.yaml"), r.YAML)
			golden(t, filepath.Join("testdata", base+".want.txt"), notes.String())
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, make golden rewrites it):\n%s", file, diff)
	}
}

// What is wrong with a file is told with its place, and nothing is converted.
func TestWrongFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file, want string }{
		{"empty", "", "x.yaml:1:1: the file is empty"},
		{"no mapping", "- a\n", "holds no mapping"},
		{"not YAML", "static_resources: {listeners: [}\n", "x.yaml:1:1: syntax:"},
		{"two documents", "static_resources: {}\n---\nadmin: {}\n", "x.yaml:2:1: a second document begins here"},
		{"not UTF-8", "static_resources: \xff\n", "not UTF-8"},
		{"no configuration of Envoy", "services: []\n", "no configuration of Envoy that is known"},
		{"a field that is not known", "static_resources: {clusters: [{nam: x}]}\n", "x.yaml:1:32 static_resources.clusters[0].nam: is not known to version 3 of Envoy's API in Cluster"},
		{"version 2", "static_resources:\n  clusters:\n  - {name: x, hosts: []}\n", "x.yaml:3:15 static_resources.clusters[0].hosts: is not known to version 3 of Envoy's API in Cluster; this is version 2 of the API: load_assignment"},
		{"a field twice", "static_resources: {clusters: [{name: x, name: y}]}\n", "is set twice; keep one of them"},
		{"a field in both spellings", "static_resources: {clusters: [{lb_policy: RANDOM, lbPolicy: RANDOM}]}\n", "is set twice"},
		{"an enum that is not there", "static_resources:\n  clusters:\n  - lb_policy: LEAST\n", `x.yaml:3:16: invalid value for enum`},
		{"a text for a number", "static_resources:\n  clusters:\n  - dns_refresh_rate: often\n", "x.yaml:3:23: invalid google.protobuf.Duration"},
		{"two of a oneof", "static_resources:\n  clusters:\n  - {type: STATIC, cluster_type: {name: x}}\n", "oneof"},
		{"a list for one", "static_resources: {clusters: [{name: [x]}]}\n", "must be a single value"},
		{"one for a list", "static_resources: {clusters: {name: x}}\n", "must be a list"},
		{"an alias", "static_resources: {clusters: [&a {name: x}, *a]}\n", "is an alias; write out what it stands for"},
		{"an extension without a type", "static_resources: {listeners: [{filter_chains: [{filters: [{typed_config: {}}]}]}]}\n", "must be a mapping with an @type"},
		{"nothing to serve", "static_resources: {listeners: []}\n", "nothing here can be served"},
		{"too large", strings.Repeat("#", envoy.MaxSize+1), "it may have 4194304"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := envoy.Convert(envoy.File{Name: "x.yaml", Data: []byte(tc.file)})
			var p *config.Problems
			if !errors.As(err, &p) || r != nil {
				t.Fatalf("got %v, %v; want problems", r, err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q; want %q in it", err, tc.want)
			}
		})
	}
}
