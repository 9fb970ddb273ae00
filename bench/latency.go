// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/bench/load"
	"github.com/dragoman-gateway/dragoman/bench/process"
)

// How latency is measured: far below what any peer can serve.
const (
	latencyClients  = 4
	latencyRate     = 100 // of each client, a second
	latencyRequests = 1500
	latencyRounds   = 3
)

// latency is what a peer adds to a call, by rounds, in microseconds.
type latency struct {
	peer     string
	protocol string
	p50, p99 series
}

// latencies measures what peers add to a small call that is made directly, over gRPC; the peers take turns.
func (s *stage) latencies(ctx context.Context, all []*scenario) ([]latency, error) {
	var rest, grpc *scenario
	for _, sc := range all {
		switch {
		case sc.group == groupREST && rest == nil:
			rest = sc
		case sc.group == groupGRPC && grpc == nil:
			grpc = sc
		}
	}
	type one struct {
		peer string
		sc   *scenario
	}
	turns := []one{{direct, grpc}, {dragoman, grpc}, {grpcProxy, grpc}, {haproxy, grpc}, {nginx, grpc}, {dragoman, rest}, {grpcGateway, rest}}
	results := make([]latency, len(turns))
	for range latencyRounds {
		var base load.Latencies
		for i, turn := range turns {
			p, err := s.server(ctx, turn.peer, variant{})
			if err != nil {
				return nil, err
			}
			found, err := turn.sc.openLoop(ctx, p)
			if err != nil {
				return nil, fmt.Errorf("latency of %s: %w", turn.peer, err)
			}
			if i == 0 {
				base = found
			}
			results[i].peer, results[i].protocol = turn.peer, turn.sc.group
			results[i].p50 = append(results[i].p50, microseconds(found.At(0.5)-or(base.At(0.5), i > 0)))
			results[i].p99 = append(results[i].p99, microseconds(found.At(0.99)-or(base.At(0.99), i > 0)))
		}
	}
	return results, nil
}

func or(d time.Duration, when bool) time.Duration {
	if when {
		return d
	}
	return 0
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// openLoop makes the scenario's request at a rate, each client on a connection of its own.
func (sc *scenario) openLoop(ctx context.Context, p *process.Process) (load.Latencies, error) {
	var body []byte
	if sc.body != "" {
		var err error
		if body, err = os.ReadFile(sc.body); err != nil {
			return nil, err
		}
	}
	clients := make([]*http.Client, latencyClients)
	for i := range clients {
		clients[i] = newClient(sc.http1, false)
		defer clients[i].CloseIdleConnections()
	}
	loop := load.Open{Clients: latencyClients, Rate: latencyRate, Requests: latencyClients * latencyRate / 2, Call: func(ctx context.Context, client int) error {
		return sc.call(ctx, clients[client], sc.url(p), body)
	}}
	if _, err := loop.Run(ctx); err != nil { // connections are made before anything counts
		return nil, err
	}
	loop.Requests = latencyRequests
	return loop.Run(ctx)
}

func (sc *scenario) call(ctx context.Context, client *http.Client, url string, body []byte) error {
	method, reader := http.MethodGet, io.Reader(nil)
	if body != nil {
		method, reader = http.MethodPost, strings.NewReader(string(body))
	}
	req, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return err
	}
	for _, h := range sc.headers("") {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if _, err := sc.compare(data); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", resp.Status, errors.Join(err, errors.New("not what was wanted")))
	}
	return nil
}

// footprint is what a peer takes of the machine.
type footprint struct {
	peer       string
	start      series  // until the first answer, in milliseconds
	resident   float64 // then, in MB
	idle1      float64 // an idle connection of HTTP/1.1, in KB; 0 where the peer has none
	idle2      float64 // one of HTTP/2
	allocs     float64 // objects allocated for a small GET; 0 where nobody tells
	allocated  float64 // bytes of those
	allocsGRPC float64
	peak       float64 // after the large messages, in MB
}

// footprints measures them, each peer in a process that has done nothing else, with so many idle connections.
func (s *stage) footprints(ctx context.Context, all []*scenario, held int) ([]footprint, error) {
	first := map[string]*scenario{}
	for _, sc := range all {
		if _, ok := first[sc.group]; !ok {
			first[sc.group] = sc
		}
	}
	var results []footprint
	for _, peer := range []string{dragoman, grpcGateway, grpcProxy, haproxy, nginx} {
		f := footprint{peer: peer}
		sc := first[groupGRPC]
		if peer == grpcGateway || peer == dragoman {
			sc = first[groupREST]
		}
		for range latencyRounds {
			s.restart(peer, variant{})
			if _, err := s.backend(ctx, 1); err != nil {
				return nil, err
			}
			began := time.Now()
			p, err := s.server(ctx, peer, variant{})
			if err != nil {
				return nil, err
			}
			client := newClient(sc.http1, false)
			for {
				if _, err = sc.check(ctx, client, sc.url(p), ""); err == nil {
					break
				}
				if time.Since(began) > time.Minute {
					return nil, fmt.Errorf("%s does not answer: %w", peer, err)
				}
			}
			f.start = append(f.start, float64(time.Since(began))/float64(time.Millisecond))
			client.CloseIdleConnections()
			m, err := p.Memory()
			if err != nil {
				return nil, err
			}
			f.resident = float64(m.Resident) / (1 << 20)
		}
		p, err := s.server(ctx, peer, variant{})
		if err != nil {
			return nil, err
		}
		if sc.http1 {
			if f.idle1, err = idle(ctx, p, held, func() (io.Closer, error) { return idleHTTP1(ctx, p.Address, sc) }); err != nil {
				return nil, err
			}
			s.restart(peer, variant{})
			if p, err = s.server(ctx, peer, variant{}); err != nil {
				return nil, err
			}
		}
		over2 := *sc
		over2.http1 = false
		if f.idle2, err = idle(ctx, p, held, func() (io.Closer, error) { return idleHTTP2(ctx, &over2, p) }); err != nil {
			return nil, err
		}
		if err := s.peak(ctx, &f, all); err != nil {
			return nil, err
		}
		results = append(results, f)
	}
	return results, s.allocations(ctx, results, all)
}

// idle opens connections that make one request each, and returns how much memory each of them holds, in KB.
func idle(ctx context.Context, p *process.Process, held int, open func() (io.Closer, error)) (float64, error) {
	var conns []io.Closer
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	settle := func() (float64, error) {
		select { // what is not needed is given back
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		m, err := p.Memory()
		return float64(m.Resident) / (1 << 10), err
	}
	c, err := open()
	if err != nil {
		return 0, err
	}
	conns = append(conns, c)
	before, err := settle()
	if err != nil {
		return 0, err
	}
	for range held {
		c, err := open()
		if err != nil {
			return 0, err
		}
		conns = append(conns, c)
	}
	after, err := settle()
	return (after - before) / float64(held), err
}

func idleHTTP1(ctx context.Context, address string, sc *scenario) (io.Closer, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", sc.path, address); err != nil {
		return nil, err
	}
	answer := make([]byte, 4096)
	n, err := c.Read(answer)
	if err == nil && !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200 ") {
		err = fmt.Errorf("%q", answer[:n])
	}
	return c, err
}

type closing struct{ *http.Client }

func (c closing) Close() error {
	c.CloseIdleConnections()
	return nil
}

func idleHTTP2(ctx context.Context, sc *scenario, p *process.Process) (io.Closer, error) {
	client := newClient(false, false)
	_, err := sc.check(ctx, client, sc.url(p), "")
	return closing{client}, err
}

// peak has a fresh process serve large messages.
func (s *stage) peak(ctx context.Context, f *footprint, all []*scenario) error {
	s.restart(f.peer, variant{})
	for _, sc := range all {
		if !strings.Contains(sc.name, "large") || !slices.Contains(sc.peers, f.peer) || (f.peer == dragoman && sc.group != groupREST) {
			continue
		}
		if _, err := s.rounds(ctx, &scenario{
			name: sc.name, group: sc.group, peers: []string{f.peer}, form: sc.form, http1: sc.http1, clients: sc.clients, streams: sc.streams,
			requests: sc.requests, path: sc.path, body: sc.body, want: sc.want,
		}, 1); err != nil {
			return err
		}
	}
	p, err := s.server(ctx, f.peer, variant{})
	if err != nil {
		return err
	}
	m, err := p.Memory()
	f.peak = float64(m.Peak) / (1 << 20)
	return err
}

// allocations counts what peers that are Go allocate for a request.
func (s *stage) allocations(ctx context.Context, results []footprint, all []*scenario) error {
	count := func(peer string, sc *scenario) (objects, bytes float64, err error) {
		p, run, err := s.fixed(ctx, peer, sc)
		if err != nil {
			return 0, 0, err
		}
		if _, err := run.Run(ctx); err != nil {
			return 0, 0, err
		}
		o1, b1, err := p.Allocated()
		if err != nil {
			return 0, 0, err
		}
		if _, err := run.Run(ctx); err != nil {
			return 0, 0, err
		}
		o2, b2, err := p.Allocated()
		n := float64(run.Requests)
		return float64(o2-o1) / n, float64(b2-b1) / n, err
	}
	var rest, grpc *scenario
	for _, sc := range all {
		switch sc.name {
		case "GET small, HTTP/1.1, 16 clients":
			rest = sc
		case "small, 4 × 4 streams":
			grpc = sc
		}
	}
	for i := range results {
		f := &results[i]
		var err error
		switch f.peer {
		case dragoman:
			if f.allocs, f.allocated, err = count(allocating, rest); err == nil {
				f.allocsGRPC, _, err = count(allocating, grpc)
			}
		case grpcGateway:
			f.allocs, f.allocated, err = count(grpcGateway, rest)
		case grpcProxy:
			f.allocsGRPC, _, err = count(grpcProxy, grpc)
		}
		if err != nil {
			return fmt.Errorf("allocations of %s: %w", f.peer, err)
		}
	}
	return nil
}
