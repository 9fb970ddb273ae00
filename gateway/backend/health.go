// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/dragoman-gateway/dragoman/balancer/health"
)

// ActiveHealth is how endpoints are asked for their health: by a stream of grpc.health.v1.Health/Watch; with an Interval, by calls
// of its Check; with a Method, by calls of that.
type ActiveHealth struct {
	// Service is whose health is asked for; "" means the server's.
	Service string
	// Method is a method to call instead, "/package.Service/Method".
	Method string
	// Interval is how often; 0 means health.DefaultInterval with a Method, and else that the endpoints tell by themselves.
	Interval time.Duration
	// Timeout is how long an answer may take; 0 means health.DefaultTimeout.
	Timeout time.Duration
	// Fall and Rise are how many bad and good answers in a row count; 0 means health.DefaultFall and health.DefaultRise.
	Fall, Rise int
}

// check returns the check; nil for a nil ActiveHealth.
func (a *ActiveHealth) check() (health.Check, error) {
	if a == nil {
		return nil, nil //nolint:nilnil // as balancer.Config means it
	}
	if a.Method == "" && a.Interval == 0 {
		if a.Rise != 0 {
			return nil, errors.New("health.active: healthy_after needs interval or method")
		}
		return health.NewWatch(health.WatchConfig{Service: a.Service, Timeout: a.Timeout, Fall: a.Fall})
	}
	cfg := health.PollConfig{Method: a.Method, Interval: a.Interval, Timeout: a.Timeout, Rise: a.Rise, Fall: a.Fall}
	switch {
	case a.Method == "":
		cfg.Do = serving(a.Service)
	case a.Service != "":
		return nil, errors.New("health.active: service and method exclude each other")
	}
	return health.NewPoll(cfg)
}

// serving asks by grpc.health.v1.Health/Check.
func serving(service string) func(context.Context, grpc.ClientConnInterface) error {
	return func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			return err
		}
		if s := answer.GetStatus(); s != healthpb.HealthCheckResponse_SERVING {
			return fmt.Errorf("the server is %s", s)
		}
		return nil
	}
}
