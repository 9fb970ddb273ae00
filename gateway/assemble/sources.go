// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/descriptorset"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/reflection"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/upload"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

// openSources makes the sources that the configuration names. The error joins all problems.
func (a *Assembly) openSources() ([]Source, error) {
	var (
		sources []Source
		errs    []error
	)
	for i := range a.config.Schemas.Sources {
		cfg := &a.config.Schemas.Sources[i]
		s, err := a.keepSource(cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("schemas.sources[%d]: %w", i, err))
			continue
		}
		sources = append(sources, *s)
	}
	return sources, errors.Join(errs...)
}

// keepSource returns the source that the assembly before had, if it was configured in the same words, and opens one otherwise.
func (a *Assembly) keepSource(cfg *config.Source) (*Source, error) {
	var on []any
	if cfg.Reflection != nil {
		on = append(on, a.channel(cfg.Reflection.Backend))
	}
	return keep(a, "source "+cfg.Name, *cfg, on, func() (*Source, error) {
		s, err := a.openSource(cfg)
		if err == nil && len(cfg.HTTPRules) > 0 {
			s.Rules, err = serviceconfig.New(serviceconfig.Config{Paths: cfg.HTTPRules})
		}
		s.name = cfg.Name
		return &s, err
	})
}

// openSource is the table of the kinds of sources.
func (a *Assembly) openSource(cfg *config.Source) (Source, error) {
	switch {
	case cfg.Protos != nil:
		paths := make([]string, len(cfg.Protos.ImportPaths))
		for i, p := range cfg.Protos.ImportPaths {
			if paths[i] = p.Dir; p.Virtual != "" {
				paths[i] = p.Virtual + "=" + p.Dir
			}
		}
		s, err := protofile.New(protofile.Config{Dirs: cfg.Protos.Dirs, ImportPaths: paths})
		return Source{Source: s, Watch: cfg.Protos.Watch}, err
	case cfg.DescriptorSet != nil:
		s, err := descriptorset.New(descriptorset.Config{Paths: []string{cfg.DescriptorSet.Path}})
		return Source{Source: s, Watch: cfg.DescriptorSet.Watch}, err
	case cfg.Reflection != nil:
		b := a.backends[cfg.Reflection.Backend]
		if b == nil {
			return Source{}, fmt.Errorf("reflection.backend is %q; there is no such backend", cfg.Reflection.Backend)
		}
		s, err := reflection.New(reflection.Config{Name: cmp.Or(a.target(b.Name()), b.Name()), Conn: b.Channel(), Interval: cfg.Reflection.Interval})
		return Source{Source: s, Watch: true, asks: true}, err
	case cfg.Upload != nil:
		s, err := upload.New(cmp.Or(cfg.Name, config.DefaultUpload), cfg.Upload.File)
		return Source{Source: s}, err
	default:
		return Source{}, errors.New("it is of no kind; it must be one of protos, descriptor_set, reflection and upload")
	}
}

// Upload returns the source of a name that is uploaded to; nil where there is none.
func (a *Assembly) Upload(name string) *upload.Source {
	for _, s := range a.sources {
		if u, ok := s.Source.(*upload.Source); ok && s.Name() == name {
			return u
		}
	}
	return nil
}

// target is where a backend is, as the configuration has it; "" where its endpoints are listed.
func (a *Assembly) target(name string) string {
	for i := range a.config.Backends {
		if a.config.Backends[i].Name == name {
			return a.config.Backends[i].Target
		}
	}
	return ""
}
