// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway/docs"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
)

// docs compiles what documentation clients find.
func (k *compiler) docs(m *configv1.Docs) {
	if m == nil {
		return
	}
	cfg := &docs.Config{
		Path: m.GetPath(), WithoutPage: m.Page != nil && !m.GetPage(), OpenAPI: m.GetOpenapi(), Listeners: m.GetListeners(),
		Info: openapi.Info{Title: m.GetTitle(), Version: m.GetVersion(), Description: m.GetDescription(), Servers: m.GetServers(), Visibility: m.GetVisibility()},
	}
	k.cfg.Docs = cfg
	for _, p := range cfg.Check() {
		k.on("docs."+p.Path, "", "%s", p.Message)
	}
	k.distinct(m.GetListeners(), "docs.listeners")
	known := []string{}
	for i := range k.cfg.Listeners {
		known = append(known, k.cfg.Listeners[i].Name)
	}
	if len(known) == 0 {
		known = []string{DefaultListener}
	}
	for i, name := range m.GetListeners() {
		if path := item("docs.listeners", i); !slices.Contains(known, name) && name != "" && !k.uncertain["listeners"] && !k.refused["listeners"] {
			k.on(path, didYouMean(name, known), "names listener %q, which does not exist", name)
		}
	}
}
