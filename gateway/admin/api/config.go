// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

type configServer struct {
	adminv1.UnimplementedConfigServiceServer

	api *API
}

var origins = map[config.SettingOrigin]adminv1.SettingOrigin{
	config.FromFile: adminv1.SettingOrigin_SETTING_ORIGIN_FILE, config.FromEnvironment: adminv1.SettingOrigin_SETTING_ORIGIN_ENVIRONMENT,
	config.FromDefault: adminv1.SettingOrigin_SETTING_ORIGIN_DEFAULT,
}

// GetConfig tells the configuration in force.
func (s *configServer) GetConfig(_ context.Context, in *adminv1.GetConfigRequest) (*adminv1.GetConfigResponse, error) {
	cfg := s.api.config.Assembly().Config()
	out := &adminv1.GetConfigResponse{File: cfg.File, Fingerprint: cfg.Fingerprint(), Yaml: cfg.YAML(), Warnings: problemsOf(cfg.Warnings)}
	if history := s.api.config.Reloads.History(); len(history) > 0 {
		out.Loaded = timeOf(history[0].Since)
	}
	settings := cfg.Settings()
	if !in.GetOnlyFile() {
		settings = cfg.Effective()
	}
	for i := range settings {
		v := &settings[i]
		own := &adminv1.Setting{Path: v.Path, Value: v.Value, Origin: origins[v.Origin], Written: v.Written, NeedsRestart: v.Effect == config.NeedsRestart}
		if v.Line > 0 {
			own.Position = &adminv1.Position{File: cfg.File, Line: number(v.Line), Column: number(v.Column)}
		}
		out.Settings = append(out.Settings, own)
	}
	if s.api.config.Reread != nil {
		now, err := s.api.config.Reread()
		out.Pending = err != nil || now.Fingerprint() != cfg.Fingerprint()
	}
	return out, nil
}

// ValidateConfig checks a configuration: the file alone, the files of certificates that it names, and nothing that would need a backend.
func (s *configServer) ValidateConfig(_ context.Context, in *adminv1.ValidateConfigRequest) (*adminv1.ValidateConfigResponse, error) {
	cfg, err := s.read(in.GetYaml())
	if err != nil {
		return invalidConfig(err)
	}
	out := &adminv1.ValidateConfigResponse{Valid: true, Problems: problemsOf(cfg.Warnings)}
	if wrong := s.api.config.Check(cfg); len(wrong) > 0 {
		out.Valid, out.Problems = false, append(problemsOf(wrong), out.GetProblems()...)
	}
	return out, nil
}

func invalidConfig(err error) (*adminv1.ValidateConfigResponse, error) {
	if _, wrong := errors.AsType[*config.Problems](err); !wrong {
		return nil, err
	}
	return &adminv1.ValidateConfigResponse{Problems: reasonsOf(err)}, nil
}

// DiffConfig tells which settings differ.
func (s *configServer) DiffConfig(_ context.Context, in *adminv1.DiffConfigRequest) (*adminv1.DiffConfigResponse, error) {
	cfg, err := s.read(in.GetYaml())
	if err != nil {
		if _, wrong := errors.AsType[*config.Problems](err); !wrong {
			return nil, err
		}
		return &adminv1.DiffConfigResponse{Problems: reasonsOf(err)}, nil
	}
	return &adminv1.DiffConfigResponse{Changes: changesOf(config.Changes(s.api.config.Assembly().Config(), cfg))}, nil
}

// read reads a text as if it stood where the file stands, or else the file.
func (s *configServer) read(text string) (*config.Config, error) {
	if text != "" {
		name := s.api.config.Assembly().Config().File
		if name == "" {
			name = "dragoman.yaml"
		}
		return config.Parse(name, []byte(text), config.Options{})
	}
	if s.api.config.Reread == nil {
		return nil, status.Errorf(codes.FailedPrecondition, status.ReasonBadRequest, "the gateway runs without a configuration file; send the text of one, as dragoman config diff -c FILE does")
	}
	return s.api.config.Reread()
}
