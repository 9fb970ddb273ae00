// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dragoman-gateway/dragoman/bench/process"
	"github.com/dragoman-gateway/dragoman/bench/serve"
)

// What can stand between the clients and the backend.
const (
	dragoman    = "Dragoman"
	grpcGateway = "grpc-gateway"
	grpcProxy   = "grpc-go proxy"
	haproxy     = "HAProxy"
	nginx       = "nginx"
	direct      = "direct"
	// allocating is Dragoman in a process that tells of its allocations.
	allocating = "Dragoman, allocations"
)

// variant is how a peer is set up beyond the plain way.
type variant struct {
	rules     int    // routes beside those that are called
	tls       bool   // towards clients
	endpoints int    // of the backend; 0 is 1
	policy    string // of balancing; empty is the default
	guarded   bool   // callers show a token, are limited, and a rule says what they may do
	cached    bool   // answers are stored
}

// stage starts servers when they are first wanted, and stops all of them.
type stage struct {
	folder  string // of files that the servers read
	program string // Dragoman's
	self    string // this program
	cert    certificate
	tokens  *tokens

	backends []*process.Process
	servers  map[string]*process.Process
}

func newStage(folder, program string) (*stage, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cert, err := writeCertificate(folder)
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(folder)
	if err != nil {
		return nil, err
	}
	return &stage{folder: folder, program: program, self: self, cert: cert, tokens: tokens, servers: map[string]*process.Process{}}, nil
}

// stop ends all servers.
func (s *stage) stop() {
	for _, p := range s.servers {
		warn(p.Stop())
	}
	for _, p := range s.backends {
		warn(p.Stop())
	}
}

// restart ends a peer, so that it is started anew when it is next wanted.
func (s *stage) restart(peer string, v variant) {
	key := fmt.Sprint(peer, v)
	if p := s.servers[key]; p != nil {
		warn(p.Stop())
		delete(s.servers, key)
	}
}

func warn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// backend returns the addresses of so many endpoints. A few processes have all of them.
func (s *stage) backend(ctx context.Context, n int) ([]string, error) {
	const processes = 3
	for len(s.backends) < min(n, processes) {
		p, err := process.Start(ctx, "backend", "", s.self, "serve", "backend")
		if err != nil {
			return nil, err
		}
		s.backends = append(s.backends, p)
	}
	if n > processes*serve.Addresses {
		return nil, fmt.Errorf("%d endpoints are more than there are", n)
	}
	var addresses []string
	for i := range n {
		_, port, _ := strings.Cut(s.backends[i%processes%len(s.backends)].Address, ":")
		addresses = append(addresses, fmt.Sprintf("127.0.0.%d:%s", 1+i/processes, port))
	}
	return addresses, nil
}

// server returns a peer that runs.
func (s *stage) server(ctx context.Context, peer string, v variant) (*process.Process, error) {
	key := fmt.Sprint(peer, v)
	if p := s.servers[key]; p != nil {
		return p, nil
	}
	backends, err := s.backend(ctx, max(1, v.endpoints))
	if err != nil {
		return nil, err
	}
	if peer == direct {
		return s.backends[0], nil
	}
	p, err := s.start(ctx, peer, v, backends)
	if err != nil {
		return nil, err
	}
	s.servers[key] = p
	return p, nil
}

func (s *stage) start(ctx context.Context, peer string, v variant, backends []string) (*process.Process, error) {
	ports, err := process.FreePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	file := filepath.Join(s.folder, fmt.Sprintf("%d", ports[0]))
	write := func(text string) error { return os.WriteFile(file, []byte(text), 0o600) }
	switch peer {
	case dragoman, allocating:
		set, err := writeSchema(s.folder, v.rules)
		if err != nil {
			return nil, err
		}
		if err := write(dragomanConfig(address, fmt.Sprintf("127.0.0.1:%d", ports[1]), set, s.cert, s.tokens, v, backends)); err != nil {
			return nil, err
		}
		if peer == allocating {
			return process.Start(ctx, peer, "", s.self, "serve", "dragoman", file)
		}
		return process.Start(ctx, peer, address, s.program, "run", "-c", file)
	case grpcGateway:
		args := []string{s.self, "serve", "grpc-gateway", backends[0], fmt.Sprint(v.rules)}
		if v.tls {
			args = append(args, s.cert.file, s.cert.key)
		}
		return process.Start(ctx, peer, "", args...)
	case grpcProxy:
		return process.Start(ctx, peer, "", s.self, "serve", "grpc-proxy", backends[0])
	case haproxy:
		if err := write(fmt.Sprintf(haproxyConfig, address, backends[0])); err != nil {
			return nil, err
		}
		return process.Start(ctx, peer, address, "haproxy", "-db", "-f", file)
	case nginx:
		if err := write(fmt.Sprintf(nginxConfig, s.folder, backends[0], address)); err != nil {
			return nil, err
		}
		return process.Start(ctx, peer, address, "nginx", "-e", "stderr", "-p", s.folder, "-c", file)
	default:
		return nil, fmt.Errorf("there is no peer %q", peer)
	}
}

// dragomanConfig is what a user would write: all that has a default has it.
func dragomanConfig(address, admin, set string, cert certificate, tokens *tokens, v variant, backends []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: v1\nadmin: {address: %q}\nlisteners:\n  - name: bench\n    address: %q\n", admin, address)
	if v.tls {
		fmt.Fprintf(&b, "    tls: {cert: %q, key: %q}\n", cert.file, cert.key)
	}
	fmt.Fprintf(&b, "schemas: {sources: [{name: library, descriptor_set: {path: %q}}]}\nbackends:\n  library:\n    endpoints:\n", set)
	for _, a := range backends {
		fmt.Fprintf(&b, "      - {address: %q}\n", a)
	}
	switch v.policy {
	case "":
	case "ring_hash", "maglev":
		fmt.Fprintf(&b, "    load_balancing: {policy: %s, hash_key: [{client_address: true}]}\n", v.policy)
	default:
		fmt.Fprintf(&b, "    load_balancing: {policy: %s}\n", v.policy)
	}
	policy := ""
	if v.cached {
		policy = ", policy: {cache: {ttl: 1h}}"
	}
	fmt.Fprintf(&b, "services: [{match: \"**\", backend: library%s}]\n", policy)
	if v.guarded {
		fmt.Fprintf(&b, guards, issuer, audience, tokens.keys)
	}
	return b.String()
}

// guards are policies as most gateways have them.
const guards = `auth: {providers: {callers: {jwt: {issuer: %q, audiences: [%s], algorithms: [ES256], jwks_file: %q}}}}
defaults: {auth: [callers]}
rate_limits: {rules: [{name: per-caller, key: auth.subject, limit: 1000000/s, burst: 1000000}]}
authorization: {default: deny, rules: [{match: "**", allow: "'reader' in auth.claims.roles"}]}
`

const haproxyConfig = `global
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind %s proto h2
  default_backend library
backend library
  server one %s proto h2
`

const nginxConfig = `worker_processes 2;
daemon off;
pid %[1]s/nginx.pid;
user root;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path %[1]s/nginx-body;
  proxy_temp_path %[1]s/nginx-proxy;
  fastcgi_temp_path %[1]s/nginx-fastcgi;
  uwsgi_temp_path %[1]s/nginx-uwsgi;
  scgi_temp_path %[1]s/nginx-scgi;
  client_max_body_size 16m;
  client_body_buffer_size 2m;
  http2_max_concurrent_streams 1000;
  keepalive_requests 10000000;
  upstream library { server %[2]s; keepalive 16; keepalive_requests 10000000; }
  server {
    listen %[3]s http2;
    location / { grpc_pass grpc://library; grpc_buffer_size 64k; }
  }
}
`
