// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const (
	// firstRetry and maxRetry bound the pause before a stream is opened again.
	firstRetry = time.Second
	maxRetry   = 30 * time.Second
)

// WatchConfig are the settings of [Watch].
type WatchConfig struct {
	// Service is the name that the server knows the health of; empty: that of the server.
	Service string
	// Timeout is how long the server may take for its first word on a stream; at least 10 ms. 0: DefaultTimeout.
	Timeout time.Duration
	// Fall is how many streams in a row must fail before a healthy endpoint is unhealthy; what a server
	// says counts at once. At least 1. 0: DefaultFall.
	Fall int
}

// Watch is the check by grpc.health.v1.Health/Watch: one stream to each endpoint. A server that does not implement
// the method is healthy, as the protocol wants it.
type Watch struct {
	cfg WatchConfig
}

// NewWatch checks cfg and returns the check.
func NewWatch(cfg WatchConfig) (*Watch, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Fall == 0 {
		cfg.Fall = DefaultFall
	}
	var errs []error
	if cfg.Timeout < leastTime {
		errs = append(errs, fmt.Errorf("health: timeout is %v; it must be %v or more", cfg.Timeout, leastTime))
	}
	if cfg.Fall < 1 {
		errs = append(errs, fmt.Errorf("health: fall is %d; it must be 1 or more", cfg.Fall))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Watch{cfg}, nil
}

// Run implements Check.
func (w *Watch) Run(ctx context.Context, conn grpc.ClientConnInterface, report func(Verdict)) {
	c := &counter{rise: 1, fall: w.cfg.Fall, report: report}
	for pause := firstRetry; ; pause = min(2*pause, maxRetry) {
		spoke, err := w.stream(ctx, conn, c)
		switch {
		case ctx.Err() != nil:
			return
		case status.Code(err) == codes.Unimplemented:
			c.set(Verdict{Healthy: true, Reason: "the server does not implement health checks"})
			<-ctx.Done()
			return
		}
		c.add(Verdict{Reason: reason(err)})
		if spoke {
			pause = firstRetry
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// stream listens to one stream. It returns why that ended, and whether the server had said anything.
func (w *Watch) stream(ctx context.Context, conn grpc.ClientConnInterface, c *counter) (spoke bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := fmt.Errorf("no answer within %v", w.cfg.Timeout)
	patience := time.AfterFunc(w.cfg.Timeout, func() { cancel(silent) })
	defer patience.Stop()
	s, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{Service: w.cfg.Service})
	if err != nil {
		return false, err
	}
	for {
		answer, err := s.Recv()
		if err != nil {
			if context.Cause(ctx) == silent { //nolint:errorlint // it is that very error
				err = silent
			}
			return spoke, err
		}
		patience.Stop()
		spoke = true
		if answer.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			c.set(Verdict{Healthy: true})
		} else {
			c.set(Verdict{Reason: answer.GetStatus().String()})
		}
	}
}

// reason returns an error in a few words.
func reason(err error) string {
	s, ok := status.FromError(err)
	switch {
	case err == nil:
		return "the stream ended"
	case !ok:
		return err.Error()
	case s.Message() == "":
		return s.Code().String()
	default:
		return s.Code().String() + ": " + s.Message()
	}
}
