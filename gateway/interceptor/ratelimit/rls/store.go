// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package rls provides a store of limits that is a service of Envoy's rate limit protocol, version 3: the service has the limits and counts.
//
// A call is one descriptor: the name of the rule under "rule", and the parts of its key under their names. While the service cannot tell, the rule of
// the configuration counts, as with any store.
//
// https://www.envoyproxy.io/docs/envoy/v1.36.0/api-v3/service/ratelimit/v3/rls.proto
package rls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	common "github.com/envoyproxy/go-control-plane/envoy/extensions/common/ratelimit/v3"
	rlsv3 "github.com/envoyproxy/go-control-plane/envoy/service/ratelimit/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
)

const (
	// DefaultTimeout is how long a call waits for the service: threat G6 leaves it no longer.
	DefaultTimeout = 5 * time.Millisecond
	// DefaultDomain is the domain of the gateway's descriptors.
	DefaultDomain = "dragoman"
	// maxAnswer is the size in bytes of the largest answer that is read.
	maxAnswer = 64 << 10
	// probeTimeout is how long a probe may take that may have to connect first.
	probeTimeout = time.Second
	// ruleEntry is the name of the entry with the rule.
	ruleEntry = "rule"
)

// Config is a service.
type Config struct {
	// Backend is the name of the backend that the service is.
	Backend string
	// Conn is the channel to it; nil where a configuration is only looked at: then nothing is asked.
	Conn grpc.ClientConnInterface
	// Domain is that of the descriptors; "" means DefaultDomain.
	Domain string
	// Timeout is how long a call waits for an answer; 0 means DefaultTimeout.
	Timeout time.Duration
	// Log is told when the service cannot be asked, and when it can again.
	Log *slog.Logger
}

// Store asks the service.
type Store struct {
	config  Config
	client  rlsv3.RateLimitServiceClient // nil without a channel
	circuit *circuit.Circuit
}

var _ ratelimit.Store = (*Store)(nil)

// New returns the store of a configuration. Nothing is asked before Run.
func New(cfg Config) (*Store, error) {
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("timeout is %s; it must be more than 0", cfg.Timeout)
	}
	s := &Store{config: cfg, circuit: circuit.New()}
	if s.config.Timeout == 0 {
		s.config.Timeout = DefaultTimeout
	}
	if s.config.Domain == "" {
		s.config.Domain = DefaultDomain
	}
	if s.config.Log == nil {
		s.config.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Conn != nil {
		s.client = rlsv3.NewRateLimitServiceClient(cfg.Conn)
	}
	return s, nil
}

// Up tells whether the service is asked.
func (s *Store) Up() bool { return s.circuit.Up() }

// State tells how the service fares.
func (s *Store) State() circuit.State { return s.circuit.State() }

// Take asks the service. It grants what is needed or nothing.
func (s *Store) Take(ctx context.Context, q *ratelimit.Query) (ratelimit.Outcome, error) {
	if s.client == nil {
		return ratelimit.Outcome{}, errors.New("there is no channel to the service")
	}
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	descriptor := &common.RateLimitDescriptor{Entries: []*common.RateLimitDescriptor_Entry{{Key: ruleEntry, Value: q.Rule}}}
	for _, e := range q.Entries() {
		descriptor.Entries = append(descriptor.Entries, &common.RateLimitDescriptor_Entry{Key: e.Name, Value: e.Value})
	}
	began := time.Now()
	out, err := s.ask(own, descriptor, q.Least)
	switch {
	case err == nil:
		s.circuit.Answered(time.Since(began))
	case ctx.Err() == nil: // else the client has gone
		s.circuit.Failed(err, grpcstatus.Code(err) == codes.Unimplemented)
	}
	return out, err
}

func (s *Store) ask(ctx context.Context, descriptor *common.RateLimitDescriptor, hits int64) (ratelimit.Outcome, error) {
	answer, err := s.client.ShouldRateLimit(ctx, &rlsv3.RateLimitRequest{
		Domain: s.config.Domain, Descriptors: []*common.RateLimitDescriptor{descriptor}, HitsAddend: uint32(hits), //nolint:gosec // a weight has 32 bits
	}, grpc.MaxCallRecvMsgSize(maxAnswer))
	if err != nil {
		return ratelimit.Outcome{}, err
	}
	return outcomeOf(answer, hits)
}

// outcomeOf reads an answer. One that says neither yes nor no says nothing: it is not taken for either.
func outcomeOf(answer *rlsv3.RateLimitResponse, hits int64) (ratelimit.Outcome, error) {
	out := ratelimit.Outcome{}
	if list := answer.GetStatuses(); len(list) > 0 {
		out.Left = int64(list[0].GetLimitRemaining())
		if reset := list[0].GetDurationUntilReset(); reset.IsValid() && reset.AsDuration() > 0 {
			out.Full = reset.AsDuration()
		}
	}
	switch answer.GetOverallCode() {
	case rlsv3.RateLimitResponse_OK:
		out.Granted = hits
		return out, nil
	case rlsv3.RateLimitResponse_OVER_LIMIT:
		if out.Wait = out.Full; out.Wait == 0 {
			out.Wait = time.Second // the service does not say
		}
		return out, nil
	default:
		return ratelimit.Outcome{}, fmt.Errorf("the answer has the code %s", answer.GetOverallCode())
	}
}

// Run tries the service while it does not answer, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	if s.client == nil {
		return
	}
	s.circuit.Run(ctx, ratelimit.Tell(s.config.Log, s.config.Backend), s.probe)
}

// probe asks for a rule that there is not: a second time, for the first may have to connect.
func (s *Store) probe(ctx context.Context) error {
	descriptor := &common.RateLimitDescriptor{Entries: []*common.RateLimitDescriptor_Entry{{Key: ruleEntry, Value: "dragoman.probe"}}}
	for _, limit := range []time.Duration{probeTimeout, s.config.Timeout} {
		own, cancel := context.WithTimeout(ctx, limit)
		_, err := s.ask(own, descriptor, 1)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
