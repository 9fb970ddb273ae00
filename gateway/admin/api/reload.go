// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/reload"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

type reloadServer struct {
	adminv1.UnimplementedReloadServiceServer

	api *API
}

// Reload reads the configuration and all sources.
func (s *reloadServer) Reload(ctx context.Context, in *adminv1.ReloadRequest) (*adminv1.ReloadResponse, error) {
	r, err := s.api.reload(ctx, reload.Request{
		Trigger: reload.Admin, Who: callerOf(ctx), All: true, DryRun: in.GetDryRun(), AllowBreaking: in.GetAllowBreaking(),
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.ReloadResponse{Reload: r}, nil
}

// reload asks for a reload and waits for it. What concerns a source that it names is all that it tells of what is doubtful.
func (a *API) reload(ctx context.Context, r reload.Request) (*adminv1.Reload, error) {
	e, err := a.config.Reloads.Reload(ctx, r)
	switch {
	case errors.Is(err, reload.ErrStopped):
		return nil, status.Errorf(codes.Unavailable, status.ReasonDraining, "the gateway is shutting down")
	case err != nil:
		return nil, err
	}
	if r.Source != "" {
		e.Diagnostics = e.Concerning
	}
	return reloadOf(&e), nil
}

// ListReloads tells the last reloads.
func (s *reloadServer) ListReloads(_ context.Context, in *adminv1.ListReloadsRequest) (*adminv1.ListReloadsResponse, error) {
	if in.GetLimit() < 0 {
		return nil, invalid("limit is %d; it must not be negative", in.GetLimit())
	}
	out := &adminv1.ListReloadsResponse{}
	for _, e := range s.api.config.Reloads.History() {
		if limit := int(in.GetLimit()); limit > 0 && len(out.GetReloads()) == limit {
			break
		}
		out.Reloads = append(out.Reloads, reloadOf(&e))
	}
	return out, nil
}

// invalid is the error of a request that says what cannot be.
func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, format, args...)
}

// notFound is the error of a request that names what is not there.
func notFound(format string, args ...any) error {
	return status.Errorf(codes.NotFound, status.ReasonNoRoute, format, args...)
}
