// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/reload"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/upload"
)

// UploadSchema gives a source what it is to have from now on.
func (s *schemaServer) UploadSchema(ctx context.Context, in *adminv1.UploadSchemaRequest) (*adminv1.UploadSchemaResponse, error) {
	if s.api.config.Assembly().Upload(in.GetSource()) == nil {
		return nil, notFound("there is no source %.256q with upload: {}", in.GetSource())
	}
	content := in.GetDescriptorSet().GetData()
	if err := upload.Check(content); err != nil {
		return nil, invalid("%s", err)
	}
	var source *upload.Source
	r, err := s.api.reload(ctx, reload.Request{
		Trigger: reload.Admin, Who: callerOf(ctx), Source: in.GetSource(), DryRun: in.GetDryRun(), AllowBreaking: in.GetAllowBreaking(),
		Apply: func() (func(), error) {
			if source = s.api.config.Assembly().Upload(in.GetSource()); source == nil { // another configuration has come into force meanwhile
				return nil, fmt.Errorf("there is no source %q with upload: {} any more", in.GetSource())
			}
			return source.Put(content)
		},
		Keep: func() error { return source.Keep() },
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.UploadSchemaResponse{Reload: r}, nil
}
