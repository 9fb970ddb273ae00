// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/switches"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

type switchServer struct {
	adminv1.UnimplementedSwitchServiceServer

	api *API
}

// ListSwitches lists what is switched.
func (s *switchServer) ListSwitches(context.Context, *adminv1.ListSwitchesRequest) (*adminv1.ListSwitchesResponse, error) {
	board := s.api.config.Switches()
	out := &adminv1.ListSwitchesResponse{File: board.File()}
	for _, one := range board.List() {
		out.Switches = append(out.Switches, s.switchOf(&one))
	}
	return out, nil
}

func (s *switchServer) switchOf(one *switches.Switch) *adminv1.Switch {
	out := &adminv1.Switch{Match: one.Match, Off: one.Off, Backend: one.Backend, Note: one.Note, Who: one.Who, Time: timeOf(one.Time)}
	mux, err := s.api.mux()
	if err != nil {
		return out
	}
	for _, m := range mux.Methods() {
		if of, ok := s.api.config.Switches().For(m.Service, m.Name); ok && !m.Local && of.Match == one.Match {
			out.Methods++
		}
	}
	return out
}

// SetSwitch switches methods off or on, or sends their calls elsewhere.
func (s *switchServer) SetSwitch(ctx context.Context, in *adminv1.SetSwitchRequest) (*adminv1.SetSwitchResponse, error) {
	one := switches.Switch{
		Match: in.GetMatch(), Off: in.GetOff(), Backend: in.GetBackend(), Note: in.GetNote(), Who: callerOf(ctx), Time: time.Now().UTC().Truncate(time.Second),
	}
	if err := one.Check(); err != nil {
		return nil, invalid("%s", err)
	}
	if one.Backend != "" && s.api.config.Assembly().Backend(one.Backend) == nil {
		return nil, invalid("backend is %q; there is no such backend", one.Backend)
	}
	r, err := s.api.reload(ctx, reload.Request{
		Trigger: reload.Switch, Who: one.Who, Apply: func() (func(), error) { return s.api.config.Switches().Set(one) },
	})
	if err != nil {
		return nil, err
	}
	return &adminv1.SetSwitchResponse{Switch: s.switchOf(&one), Reload: r}, nil
}

// DeleteSwitch puts the configuration back in force.
func (s *switchServer) DeleteSwitch(ctx context.Context, in *adminv1.DeleteSwitchRequest) (*adminv1.DeleteSwitchResponse, error) {
	missing := false
	r, err := s.api.reload(ctx, reload.Request{Trigger: reload.Switch, Who: callerOf(ctx), Apply: func() (func(), error) {
		undo, err := s.api.config.Switches().Delete(in.GetMatch())
		missing = errors.Is(err, switches.ErrNone)
		return undo, err
	}})
	if err != nil {
		return nil, err
	}
	if missing {
		return nil, notFound("there is no switch for %.256q", in.GetMatch())
	}
	return &adminv1.DeleteSwitchResponse{Reload: r}, nil
}
