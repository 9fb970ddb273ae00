// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// hostile returns files of about so many bytes that are made to be slow to read, by name.
func hostile(size int) map[string]string {
	const head = "version: v1\nschemas: {sources: [{protos: {dir: p}}]}\nbackends: {all: {target: \"h:1\"}}\n"
	repeat := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return map[string]string{
		"brackets":                 strings.Repeat("[", size),
		"brackets in lines":        strings.Repeat("[\n", size/2),
		"braces":                   strings.Repeat("{a: ", size/4),
		"open at the end":          head + "services:\n" + repeat("- {match: a.s%d, backend: all}\n") + "x: [\n",
		"open from the beginning":  "x: {\n" + repeat("a%d: 1,\n"),
		"services":                 head + "services:\n" + repeat("- {match: a.s%d, backend: all}\n"),
		"services, all wrong":      head + "services:\n" + repeat("- {match: a-%d, backend: al}\n"),
		"services in one line":     head + "services: [" + repeat("{match: a-%d, backend: all},") + "]\n",
		"services, nothing stated": head + "services:\n" + repeat("- {} # %d\n"),
		"keys, none known":         head + repeat("a%d: 1\n"),
		"backends, all wrong":      "version: v1\nbackends:\n" + repeat("  a%d: {target: h}\n"),
		"a long value":             "version: \"" + strings.Repeat("${A:-}", size/6) + "\"\n",
		"variables, none set":      head + "services: [" + repeat("{match: \"${UNSET%d}\"},") + "]\n",
		"a long list":              head + "routes: {ignored_query_parameters: [" + repeat("a%d,") + "]}\n",
	}
}

// Fuzz target 18 asks for at most 100 ms per KiB. What takes quadratic time is beyond that at this size; the others are
// far below.
func TestHostileFilesTakeNoLongerThanTheirSize(t *testing.T) {
	t.Parallel()
	const kib = 128
	for name, data := range hostile(kib << 10) {
		begin := time.Now()
		_, err := config.Parse("hostile.yaml", []byte(data), environment)
		if took, most := time.Since(begin), kib*100*time.Millisecond; took > most {
			t.Errorf("%s: took %s for %d KiB; want at most %s", name, took, kib, most)
		}
		var p *config.Problems
		if err != nil && !errors.As(err, &p) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	bench := func(name string, data []byte) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = config.Parse("bench.yaml", data, environment)
			}
		})
	}
	complete, err := os.ReadFile("testdata/complete.good.yaml")
	if err != nil {
		b.Fatal(err)
	}
	bench("complete", complete)
	for name, data := range hostile(16 << 10) {
		bench("hostile/"+name, []byte(data))
	}
}
