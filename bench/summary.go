// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
)

// Lines of a document between which the summary stands.
const (
	summaryBegins = "<!-- Written by make bench-peers -->"
	summaryEnds   = "<!-- /make bench-peers -->"
)

// summarized are the scenarios of the summary: those that flatter, and those that do not.
var summarized = []string{
	"REST: GET small, HTTP/1.1, 1 client", "REST: GET small, HTTP/1.1, 16 clients", "REST: POST small, HTTP/1.1, 16 clients", "REST: GET small, HTTP/2, 4 × 4 streams",
	"REST: GET medium (10 KB)", "REST: echo large (1 MB)", "REST: stream of 1,000", "REST: GET small, 1,000 rules", "gRPC: small, 1 stream", "gRPC: small, 8 × 16 streams",
	"gRPC: echo large (1 MB), 4 streams", "gRPC: stream of 1,000, 4 streams",
}

// summary is a table of some scenarios: how much processor time the gateway takes for a request, beside its peers.
func summary(results []*measured) string {
	byName := map[string]*measured{}
	for _, m := range results {
		byName[m.group+": "+m.name] = m
	}
	var b strings.Builder
	peers := []string{dragoman, grpcGateway, grpcProxy, haproxy, nginx}
	fmt.Fprintf(&b, "| µs of processor time for a request | %s |\n| --- |%s\n", strings.Join(peers, " | "), strings.Repeat(" --- |", len(peers)))
	for _, name := range summarized {
		m := byName[name]
		if m == nil {
			continue
		}
		fmt.Fprintf(&b, "| %s |", name)
		for _, peer := range peers {
			s := m.cpu(peer)
			switch {
			case len(s) == 0:
				b.WriteString(" – |")
			case peer == dragoman:
				fmt.Fprintf(&b, " **%.0f** |", s.median())
			default:
				fmt.Fprintf(&b, " %.0f |", s.median())
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// writeSummary puts the summary into a document, between the lines that say where.
func writeSummary(path string, results []*measured) error {
	text, err := os.ReadFile(path) //nolint:gosec // the user's choice
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), summaryBegins+"\n")
	_, after, ends := strings.Cut(rest, summaryEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the summary: %s and %s", path, summaryBegins, summaryEnds)
	}
	const mode = 0o644
	return os.WriteFile(path, []byte(before+summaryBegins+"\n\n"+summary(results)+"\n"+summaryEnds+after), mode)
}
