// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// Threat H8: no backend is the gateway's own admin listener, however its address is written.
func TestThreatH8TheAdminListenerIsNoBackend(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		admin, target string
		refused       bool
	}{
		{"", "127.0.0.1:9901", true},
		{"", "localhost:9901", true},
		{"", "LOCALHOST:9901", true},
		{"", "localhost.:9901", true},
		{"", "127.0.0.2:9901", true},
		{"", "[::1]:9901", true},
		{"", "[::ffff:127.0.0.1]:9901", true},
		{"", "0.0.0.0:9901", true},
		{"", "[::]:9901", true},
		{"", "dns:///localhost:9901", true},
		{"", "dns:localhost:9901", true},
		{"", "admin.localhost:9901", true},
		{"", "static:127.0.0.1:9901", true},
		{"", "static:///10.0.0.1:1,127.0.0.1:9901", true},
		{"", "dns://10.0.0.53/localhost:9901", true},
		{"", "127.0.0.1:9902", false},
		{"", "10.0.0.1:9901", false},
		{"", "api.example:9901", false},
		{"127.0.0.1:7000", "localhost:7000", true},
		{"127.0.0.1:7000", "localhost:9901", false},
	} {
		for form, backend := range map[string]string{
			"target":   fmt.Sprintf("target: %q", row.target),
			"endpoint": fmt.Sprintf("endpoints: [{address: %q}]", row.target),
		} {
			if form == "endpoint" && (strings.HasPrefix(row.target, "dns:") || strings.HasPrefix(row.target, "static:")) {
				continue // an endpoint is one address
			}
			text := "version: v1\nservices: [{match: \"**\", backend: b}]\nschemas: {sources: [{name: s, protos: {dirs: [.]}}]}\nbackends: {b: {" + backend + "}}\n"
			if row.admin != "" {
				text += fmt.Sprintf("admin: {address: %q}\n", row.admin)
			}
			_, err := config.Parse("dragoman.yaml", []byte(text), environment)
			if own := err != nil && strings.Contains(err.Error(), "is the gateway's own admin address"); own != row.refused || !row.refused && err != nil {
				t.Errorf("admin %q, %s %q: %v", row.admin, form, row.target, err)
			}
		}
	}
}
