// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPlotsHaveRoomForTheirNames draws rows with the longest name there is: what is cut off touches the edge of the picture.
func TestPlotsHaveRoomForTheirNames(t *testing.T) {
	t.Parallel()
	all, err := scenarios(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var results []*measured
	for _, sc := range all {
		m := &measured{scenario: sc, samples: map[string][]sample{}}
		for _, peer := range sc.peers {
			m.samples[peer] = []sample{{cpu: time.Microsecond}}
		}
		results = append(results, m)
	}
	folder := t.TempDir()
	if err := plots(folder, results); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{groupREST, groupGRPC} {
		name := filepath.Join(folder, plotOf(group))
		svg, err := os.ReadFile(name + ".svg")
		if err != nil || !strings.Contains(string(svg), dragoman) {
			t.Errorf("%s.svg has no legend (error %v)", plotOf(group), err)
		}
		f, err := os.Open(name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		white := color.RGBA{255, 255, 255, 255}
		edges := picture.Bounds()
		for y := edges.Min.Y; y < edges.Max.Y; y++ {
			for _, x := range []int{edges.Min.X, edges.Max.X - 1} {
				if got := color.RGBAModel.Convert(picture.At(x, y)); got != white {
					t.Fatalf("%s.png: the pixel at %d,%d of the edge is %v: something is cut off", plotOf(group), x, y, got)
				}
			}
		}
	}
}
