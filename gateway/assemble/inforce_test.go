// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"sync"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
)

// Operators ask what is in force, how it is documented and how policies fare, while reloads put others in force: under the race detector this holds that
// they may.
func TestReloadsWhileOperatorsAsk(t *testing.T) {
	t.Parallel()
	b := build(t, map[string]string{"dragoman.yaml": `version: v1
schemas: {sources: [{protos: {dir: proto}}]}
backends: {all: {target: "localhost:1"}}
services: [{match: "**", backend: all}]
rate_limits: {rules: [{name: each, match: "**", limit: 5/s}]}
`, "proto/a.proto": protos}, nil)
	if b.err != nil {
		t.Fatal(b.err)
	}
	loads := make([]assemble.Loaded, len(b.assembly.Sources()))
	for i, s := range b.assembly.Sources() {
		var err error
		if loads[i], err = s.Load(t.Context(), assemble.Loaded{}, false); err != nil {
			t.Fatal(err)
		}
	}
	reloaded := make(chan struct{})
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for over := false; !over; {
				select {
				case <-reloaded:
					over = true
				default:
				}
				if e := b.assembly.Explain(t.Context(), &explain.Request{Method: "GET", Path: "/v1/annotated/1"}); e == nil {
					t.Error("nothing is explained")
				}
				if _, err := b.assembly.OpenAPI(nil); err != nil {
					t.Error(err)
				}
				if all := b.assembly.Limits(); len(all) != 1 {
					t.Errorf("%d limits", len(all))
				}
				b.assembly.Providers()
				b.assembly.LimitCounts()
			}
		})
	}
	for range 20 {
		snapshot, _, err := b.assembly.Build(loads)
		if err != nil {
			t.Error(err)
			break
		}
		snapshot.InForce()
		snapshot.Release()
	}
	close(reloaded)
	asking.Wait()
}
