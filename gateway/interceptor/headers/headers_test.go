// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package headers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T163: lists say what passes beside, and what not of, what passes by itself.
func TestT163AllowAndDeny(t *testing.T) {
	t.Parallel()
	header := wire.Header{
		{Name: "cookie", Value: "a=1"},
		{Name: "x-own", Value: "1"},
		{Name: "cookie", Value: "b=2"},
		{Name: "x-internal-user", Value: "root"},
		{Name: "priority", Value: "u=1"},
		{Name: "connection", Value: "priority"},
	}
	passed := wire.Header{{Name: "x-own", Value: "1"}, {Name: "x-internal-user", Value: "root"}} // by the protocol itself
	for _, c := range []struct {
		reason string
		cfg    headers.Config
		want   wire.Header
	}{
		{"nothing said", headers.Config{}, passed},
		{"allowed, with all its values", headers.Config{Allow: []string{"cookie"}}, append(passed[:2:2], wire.Field{Name: "cookie", Value: "a=1"}, wire.Field{Name: "cookie", Value: "b=2"})},
		{"what passes already does not pass twice", headers.Config{Allow: []string{"x-own"}}, passed},
		{"what Connection names is about the connection", headers.Config{Allow: []string{"priority"}}, passed},
		{"denied", headers.Config{Deny: []string{"x-own"}}, passed[1:]},
		{"denied by its beginning", headers.Config{Deny: []string{"x-internal-*"}}, passed[:1]},
		{"only the whole name", headers.Config{Deny: []string{"x-ow", "x-internal"}}, passed},
	} {
		p, err := headers.New(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		call := transcoder.NewCall(context.Background(), &transcoder.Request{Header: header})
		call.Metadata = append(wire.Header{}, passed...)
		if err := p.Admit(call); err != nil {
			t.Errorf("%s: %v", c.reason, err)
		}
		if diff := cmp.Diff(c.want, call.Metadata); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}

	p, err := headers.New(headers.Config{Allow: []string{"sec-x-bin"}})
	if err != nil {
		t.Fatal(err)
	}
	call := transcoder.NewCall(context.Background(), &transcoder.Request{Header: wire.Header{{Name: "sec-x-bin", Value: "!"}}})
	if err := p.Admit(call); status.ReasonOf(err) != status.ReasonBadHeader {
		t.Errorf("a value that is not base64: %v; want it refused", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg  headers.Config
		want string
	}{
		{headers.Config{Allow: []string{"te"}}, "never passes"},
		{headers.Config{Allow: []string{"grpc-timeout"}}, "never passes"},
		{headers.Config{Allow: []string{"x-forwarded-for"}}, "never passes"},
		{headers.Config{Allow: []string{"x-dragoman-reason"}}, "never passes"},
		{headers.Config{Allow: []string{"Cookie"}}, "lower-case"},
		{headers.Config{Deny: []string{"x y"}}, "lower-case"},
		{headers.Config{Deny: []string{"*"}}, "lower-case"},
		{headers.Config{Allow: []string{"cookie"}, Deny: []string{"coo*"}}, "is in deny as well"},
	} {
		if _, err := headers.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c.cfg, err, c.want)
		}
	}
}
