// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy_test

import (
	"errors"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/config/envoy"
)

// Whatever a file holds, it is converted to a configuration that loads, the same each time, or there are problems with it.
func FuzzConvert(f *testing.F) {
	for _, file := range examples(f) {
		f.Add(file.Data)
	}
	f.Add([]byte("static_resources: {clusters: [{name: x, load_assignment: {endpoints: [{lb_endpoints: [{}]}]}}]}\n"))
	f.Add([]byte(`{"resources": [{"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 16
		if len(data) > most {
			t.Skip("as large as no seed")
		}
		file := envoy.File{Name: "x.yaml", Data: data}
		r, err := envoy.Convert(file)
		if err != nil {
			var p *config.Problems
			if !errors.As(err, &p) || len(p.List) == 0 {
				t.Fatalf("got error %v; want problems", err)
			}
			return
		}
		if _, err := config.Parse("dragoman.yaml", []byte(r.YAML), config.Options{}); err != nil {
			t.Fatalf("%v in\n%s", err, r.YAML)
		}
		again, err := envoy.Convert(file)
		if err != nil || again.YAML != r.YAML || len(again.Notes) != len(r.Notes) {
			t.Fatalf("another time it is\n%v %s\nand not\n%s", err, again.YAML, r.YAML)
		}
	})
}
