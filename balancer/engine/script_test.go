// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"slices"
	"sync"

	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	grpcresolver "google.golang.org/grpc/resolver"
)

const pluginName = "engine_test"

// plugin is a balancer that does what a test's script says. It finds that on the state that comes of the resolver.
type plugin struct{}

type scriptKey struct{}

func (plugin) Name() string { return pluginName }

func (plugin) Build(cc grpcbalancer.ClientConn, _ grpcbalancer.BuildOptions) grpcbalancer.Balancer {
	return &hosted{cc: cc}
}

type hosted struct {
	grpcbalancer.Balancer

	cc     grpcbalancer.ClientConn
	script *script
}

func (h *hosted) UpdateClientConnState(s grpcbalancer.ClientConnState) error {
	first := h.script == nil
	h.script, _ = s.ResolverState.Attributes.Value(scriptKey{}).(*script)
	if first {
		h.script.begin(h.cc, s.ResolverState.Addresses)
	}
	return nil
}

func (h *hosted) ResolverError(error) {}

func (h *hosted) ExitIdle() {}

func (h *hosted) Close() {
	if h.script == nil {
		return // no addresses have come
	}
	h.script.mu.Lock()
	defer h.script.mu.Unlock()
	h.script.closed = true
}

// script is what a balancer does in a test: it has a connection to each address, makes another when one is gone, and places calls in turn, unless
// the test says otherwise.
type script struct {
	// choose places a call instead; nil for in turn.
	choose func(p *picker, info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error)
	// stay is to make no other connection when one cannot be made.
	stay bool

	mu      sync.Mutex
	cc      grpcbalancer.ClientConn
	closed  bool
	live    []grpcbalancer.SubConn
	ready   []grpcbalancer.SubConn
	states  []connectivity.State
	failure error // of the last connection that could not be made
	next    int
	picks   []*pick
}

// pick is a call that was placed.
type pick struct {
	call any                     // what the call's context has for callKey
	told []grpcbalancer.DoneInfo // guarded by the script's mu
}

// callKey is for what tells calls apart.
type callKey struct{}

func (s *script) begin(cc grpcbalancer.ClientConn, addresses []grpcresolver.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cc = cc
	s.replace()
	for _, a := range addresses {
		s.connect(a)
	}
}

// connect makes a connection. The caller holds mu.
func (s *script) connect(a grpcresolver.Address) {
	var sub grpcbalancer.SubConn
	sub, err := s.cc.NewSubConn([]grpcresolver.Address{a}, grpcbalancer.NewSubConnOptions{StateListener: func(st grpcbalancer.SubConnState) { s.heard(sub, a, st) }}) //nolint:staticcheck // it is for one address
	if err != nil {
		return // the channel is closed
	}
	s.live = append(s.live, sub)
	sub.Connect()
}

func (s *script) heard(sub grpcbalancer.SubConn, a grpcresolver.Address, st grpcbalancer.SubConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, st.ConnectivityState)
	is := func(other grpcbalancer.SubConn) bool { return other == sub }
	switch st.ConnectivityState {
	case connectivity.Ready:
		s.ready = append(s.ready, sub)
	case connectivity.TransientFailure, connectivity.Idle:
		if st.ConnectionError != nil {
			s.failure = st.ConnectionError
		}
		s.ready = slices.DeleteFunc(s.ready, is)
		if st.ConnectivityState == connectivity.Idle || !s.stay {
			s.live = slices.DeleteFunc(s.live, is)
			sub.Shutdown()
			if !s.closed {
				s.connect(a)
			}
		}
	default:
		return
	}
	if !s.closed {
		s.replace()
	}
}

// replace puts another picker in force. The caller holds mu.
func (s *script) replace() {
	state := connectivity.Connecting
	if len(s.ready) > 0 {
		state = connectivity.Ready
	}
	s.cc.UpdateState(grpcbalancer.State{ConnectivityState: state, Picker: &picker{s, slices.Clone(s.ready), s.failure}})
}

// place has calls placed in another way from now on.
func (s *script) place(choose func(*picker, grpcbalancer.PickInfo) (grpcbalancer.PickResult, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.choose = choose
	s.replace()
}

// ended returns what the balancer was told of the ends of a call, in the order of the picks; how many were told more or less than once is the second
// result. What is said of picks whose connection was gone is left out.
func (s *script) ended(call any) (told []grpcbalancer.DoneInfo, wrong int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.picks {
		if p.call != call {
			continue
		}
		if len(p.told) != 1 {
			wrong++
			continue
		}
		if d := p.told[0]; d.Err != nil || d.BytesSent || d.BytesReceived || d.Trailer != nil {
			told = append(told, d)
		}
	}
	return told, wrong
}

// untold returns how many picks were told of the end more or less than once.
func (s *script) untold() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.picks {
		if len(p.told) != 1 {
			n++
		}
	}
	return n
}

// picker places calls on the connections that are ready.
type picker struct {
	script  *script
	ready   []grpcbalancer.SubConn
	failure error
}

func (p *picker) Pick(info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
	p.script.mu.Lock()
	choose := p.script.choose
	p.script.mu.Unlock()
	if choose != nil {
		return choose(p, info)
	}
	return p.turn(info)
}

// turn places a call on the next connection.
func (p *picker) turn(info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
	s := p.script
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p.ready) == 0 {
		if p.failure != nil {
			return grpcbalancer.PickResult{}, p.failure
		}
		return grpcbalancer.PickResult{}, grpcbalancer.ErrNoSubConnAvailable
	}
	s.next++
	one := &pick{call: info.Ctx.Value(callKey{})}
	s.picks = append(s.picks, one)
	return grpcbalancer.PickResult{SubConn: p.ready[s.next%len(p.ready)], Done: func(d grpcbalancer.DoneInfo) {
		s.mu.Lock()
		defer s.mu.Unlock()
		one.told = append(one.told, d)
	}}, nil
}
