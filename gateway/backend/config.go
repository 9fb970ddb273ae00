// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// DefaultMaxHeader is the size in bytes of the largest header list of an answer (spec/security.md H4).
const DefaultMaxHeader = 64 << 10

// Config is one backend: a named group of endpoints that serve the same methods. Two equal Configs, with
// files of equal content, mean the same backend. Two that differ only in LoadBalancing, in Health.Outlier, in what
// bounds calls, and in Endpoints share their connections: those outlive a reload.
type Config struct {
	// Name is what the configuration calls it.
	Name string
	// Target says where the endpoints are: "host:port", "dns:///host:port", "static:///a:1,b:2", "unix:/path", "xds:///service".
	// Exactly one of it and the following five is set.
	Target string
	// Endpoints are the endpoints themselves.
	Endpoints []endpoint.Endpoint
	// File is the path of a file that lists the endpoints.
	File string
	// Etcd says where in etcd the endpoints are.
	Etcd *Etcd
	// Consul says which service in Consul they are.
	Consul *Consul
	// Kubernetes says which service in Kubernetes they are.
	Kubernetes *Kubernetes
	// ResolveInterval is how often DNS is asked; 0 means resolver.DefaultInterval.
	ResolveInterval time.Duration
	// Subset is the part of the endpoints to use; nil means all.
	Subset *Subset
	// LoadBalancing chooses an endpoint for each call.
	LoadBalancing LoadBalancing
	// Health says how endpoints are found that should get no calls.
	Health Health
	// TLS is how the backend is spoken to; nil is clear text (h2c).
	TLS *TLS
	// MinConnections, MaxConnections and MaxStreams are how many connections an endpoint has, and how many calls at a time each
	// carries; 0 means 1, balancer.DefaultMaxConnections, and what the endpoint says.
	MinConnections, MaxConnections, MaxStreams int
	// ConnectTimeout bounds one attempt to connect; 0 means balancer.DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// ReconnectFirst and ReconnectMax are the first and the longest pause between attempts to connect; 0 means
	// balancer.DefaultBackoffBase and balancer.DefaultBackoffMax.
	ReconnectFirst, ReconnectMax time.Duration
	// PingInterval is how often a connection that is silent under calls is asked for a sign of life; 0 means
	// balancer.DefaultPingInterval. DeadAfter is how long it may stay silent then; 0 means balancer.DefaultDeadAfter.
	PingInterval, DeadAfter time.Duration
	// MaxHeader is the size in bytes of the largest header list of an answer; 0 means DefaultMaxHeader.
	MaxHeader int
	// Gzip says that every endpoint reads messages compressed with gzip. Requests that come so are then passed on as they are; else
	// the gateway decompresses them. Servers of grpc-go read gzip only if the program imports it, and do not tell (decision 9).
	Gzip bool
	// RetryBudget bounds the retries of all calls together.
	RetryBudget BudgetConfig
	// RetryBuffer bounds what is kept of requests for retries.
	RetryBuffer BufferConfig
	// Limits bound what the backend is given to do at a time.
	Limits LimitsConfig
	// CircuitBreaker keeps calls from it while most of them fail.
	CircuitBreaker BreakerConfig
}

// check returns the configuration with its defaults. The error joins all problems that are not of its files or its endpoints.
func (c Config) check() (Config, error) {
	var errs []error
	if c.MaxHeader < 0 {
		errs = append(errs, fmt.Errorf("max_header is %d; it must not be negative", c.MaxHeader))
	}
	setDefault(&c.MaxHeader, DefaultMaxHeader)
	var err error
	if c.RetryBudget, err = c.RetryBudget.check(); err != nil {
		errs = append(errs, err)
	}
	if c.RetryBuffer, err = c.RetryBuffer.check(); err != nil {
		errs = append(errs, err)
	}
	if c.Limits, err = c.Limits.check(); err != nil {
		errs = append(errs, err)
	}
	if c.CircuitBreaker, err = c.CircuitBreaker.check(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// TLS is how a backend proves who it is.
type TLS struct {
	// CA is a PEM file with the certificates to trust; "" means the system's.
	CA string
	// Cert and Key are PEM files of the gateway's own certificate, for mTLS; both or neither.
	Cert, Key string
	// ServerName is the name that the backend's certificate must have; "" means the host of the target, or of each endpoint.
	ServerName string
	// InsecureSkipVerify accepts any certificate. Never outside of a test.
	InsecureSkipVerify bool
}
