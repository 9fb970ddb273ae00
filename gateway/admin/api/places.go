// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"path/filepath"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// overviews are those of all backends, with the places in the configuration that are at fault.
func overviews(assembly *assemble.Assembly) []backend.Overview {
	all := assembly.Overviews()
	for i := range all {
		AddPlaces(&all[i], assembly.Config())
	}
	return all
}

// AddPlaces tells, with the reason of each endpoint whose certificate is for another name than is expected, where the configuration says which name that
// is, or where it would. The lines are looked up when they are told: a backend is kept by reloads that move them.
func AddPlaces(o *backend.Overview, cfg *config.Config) {
	line, _ := cfg.Position(fmt.Sprintf("backends[%q].tls.server_name", o.Name))
	if line == 0 {
		return // there is no file
	}
	for i := range o.Endpoints {
		if e := &o.Endpoints[i]; e.WrongName {
			e.Reason += fmt.Sprintf(" (%s:%d tls.server_name)", filepath.Base(cfg.File), line)
		}
	}
}
