// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"

	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"

	"github.com/dragoman-gateway/dragoman/balancer/health"
)

// wire builds what gRPC calls a producer: something that calls over one connection, past the picker.
type wire struct{}

// Build implements grpc-go's balancer.ProducerBuilder.
func (*wire) Build(conn any) (grpcbalancer.Producer, func()) { return conn, func() {} }

// check is a health check that runs on a connection of a member.
type check struct {
	on     *link
	cancel context.CancelFunc
}

// checkLocked sees to it that the health check, if there is one, runs on the member's first connection.
func (m *member) checkLocked() {
	c := m.host.hub.cfg.Health
	if c == nil || (m.check != nil && m.links != nil && m.check.on == m.links.all[0]) {
		return
	}
	m.uncheckLocked()
	if m.links == nil {
		return
	}
	l, h := m.links.all[0], m.host
	p, release := l.sc.GetOrBuildProducer(h.wire)
	conn, ok := p.(grpc.ClientConnInterface)
	if !ok { // gRPC promises it
		release()
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.check = &check{on: l, cancel: cancel}
	h.checks.Go(func() {
		defer release()
		c.Run(ctx, conn, func(v health.Verdict) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if ctx.Err() == nil {
				m.judgedLocked(v)
			}
		})
	})
}

// uncheckLocked stops the check.
func (m *member) uncheckLocked() {
	if m.check != nil {
		m.check.cancel()
		m.check = nil
	}
}

// judgedLocked is told what the check says.
func (m *member) judgedLocked(v health.Verdict) {
	if m.verdict != nil && *m.verdict == v {
		return
	}
	if v.Healthy && (m.verdict == nil || !m.verdict.Healthy) {
		m.serving = since()
	}
	m.verdict = &v
	m.candidateLocked()
	m.becomeLocked(m.standingLocked())
	m.host.publishLocked()
}

// standingLocked returns the condition of a member that has a connection.
func (m *member) standingLocked() Condition {
	switch {
	case m.host.hub.cfg.Health == nil:
		return Ready
	case m.verdict == nil:
		return Connecting
	case m.verdict.Healthy:
		return Ready
	default:
		return Unhealthy
	}
}
