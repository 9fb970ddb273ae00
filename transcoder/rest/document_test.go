// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

var update = flag.Bool("update", false, "write docs/profiles.md")

// The document of the profiles is made of their tables.
func TestProfilesDocument(t *testing.T) {
	t.Parallel()
	const path = "../../docs/profiles.md"
	want := document()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/profiles.md is not of today; go test ./transcoder/rest -update writes it (-want +got):\n%s", diff)
	}
}

const introduction = `# Profiles of REST

<!-- Written by go test ./transcoder/rest -update; do not edit. -->

Gateways answer some questions about REST and gRPC in different ways.
Dragoman's own answers are the profile strict, the default: those of the specifications, and where these have none, the safe ones.
A profile with the name of another gateway gives that one's answers where they are no danger, so that its clients need not be changed.
It is where a method's settings start from; what is set explicitly overrides it.

A profile is about requests whose method is known.
How paths are matched belongs to no method and is set for all routes: the slash at the end, rules that are added to annotations,
literals behind a tail, how variables of several segments are decoded.
What is answered to a path without a method is what the fallback says.

The numbers are those of the statements on transcoding that tests cite, such as T57.
`

const afterStrict = `
## strict

It flips nothing.
`

const aboutGRPCGateway = `
## grpc-gateway

It is for clients of handlers that protoc-gen-grpc-gateway v2 generates, behind a ServeMux without options.
Tests send the same requests to both and compare status, header, body and trailer of the answers, and what reached the backend.

Two of its answers need care.
Bodies of any content type are read as JSON (T91), so the form of a foreign site can call methods with what a browser adds by itself:
where a browser's certificate or its password for a site admits calls, set the content types explicitly.
Clients choose the names of metadata (T163): what policies trust must come from the policies.
`

const aboutEnvoy = `
## envoy

It is for clients of Envoy's filter grpc_json_transcoder.
Its answers are taken from the filter's documentation and sources; no Envoy was run beside it.
`

func document() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString(afterStrict)
	for _, p := range []struct {
		profile rest.Profile
		about   string
	}{{rest.ProfileGRPCGateway, aboutGRPCGateway}, {rest.ProfileEnvoy, aboutEnvoy}} {
		b.WriteString(p.about)
		fmt.Fprintf(&b, "\n### What %s flips\n\n| | strict | %s |\n| --- | --- | --- |\n", p.profile, p.profile)
		for _, f := range p.profile.Flips() {
			fmt.Fprintf(&b, "| T%d | %s | %s |\n", f.Statement, f.Strict, f.Profile)
		}
		fmt.Fprintf(&b, "\n### What %s does not flip\n\n| | the other gateway | every profile | because |\n| --- | --- | --- | --- |\n", p.profile)
		for _, k := range p.profile.Kept() {
			fmt.Fprintf(&b, "| T%d | %s | %s | %s |\n", k.Statement, k.Theirs, k.Ours, k.Reason)
		}
	}
	return b.String()
}
