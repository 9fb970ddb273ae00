// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package etcd provides endpoints from etcd, in the layout of etcd's own naming package (go.etcd.io/etcd/client/v3/naming): a key
// below a prefix for each instance, with a JSON value that has its address.
//
// It is a package of its own because it brings etcd's client along, which other sources need not have.
package etcd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

const (
	// DefaultTimeout is how long etcd may take for an answer.
	DefaultTimeout = 5 * time.Second
	// DefaultProbe is how often it is asked whether etcd is there while it has nothing to say.
	DefaultProbe = 10 * time.Second
	// keepAlive is how often a connection is asked for a sign of life, and how long that may take: a watch has nothing
	// else to notice a dead server by.
	keepAlive        = 15 * time.Second
	keepAliveTimeout = 5 * time.Second
	// maxEndpoints bounds what one prefix may hold.
	maxEndpoints = 100_000
)

// Config says where to look. Servers and Prefix are required.
type Config struct {
	// Servers are etcd's addresses, as "host:port" or URLs.
	Servers []string
	// Prefix is what the naming package calls the target: the keys of the instances are Prefix + "/" + any name.
	Prefix string
	// TLS secures the connection; nil: plain text, or what the URLs say with the machine's certificates.
	TLS *tls.Config
	// Username and Password are for etcd's authentication; empty: none.
	Username, Password string
	// Timeout is how long etcd may take for an answer; at least 10 ms. 0: DefaultTimeout.
	Timeout time.Duration
	// Probe is how often it is asked whether etcd is there while it has nothing to say; at least 10 ms. 0: DefaultProbe.
	Probe time.Duration
}

// Source is endpoints in etcd. The value of a key is what the naming package writes: {"Op":0,"Addr":"10.0.0.1:50051"},
// and "Metadata" may be an object with the fields of resolver.Entry but the address. A key whose value cannot be read is
// left out, and the report says so.
type Source struct {
	cfg Config
}

// New checks cfg and returns the source.
func New(cfg Config) (*Source, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Probe == 0 {
		cfg.Probe = DefaultProbe
	}
	cfg.Prefix = strings.TrimSuffix(cfg.Prefix, "/")
	var errs []error
	if len(cfg.Servers) == 0 {
		errs = append(errs, errors.New("etcd: servers is empty; it must name at least one server"))
	}
	if cfg.Prefix == "" {
		errs = append(errs, errors.New("etcd: prefix is empty; it must be the part of the keys before the last slash"))
	}
	const least = 10 * time.Millisecond
	if cfg.Timeout < least {
		errs = append(errs, fmt.Errorf("etcd: timeout is %v; it must be %v or more", cfg.Timeout, least))
	}
	if cfg.Probe < least {
		errs = append(errs, fmt.Errorf("etcd: probe is %v; it must be %v or more", cfg.Probe, least))
	}
	if (cfg.Username == "") != (cfg.Password == "") {
		errs = append(errs, errors.New("etcd: one of username and password is empty; both must be set, or neither"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Source{cfg}, nil
}

// From returns the source of a channel.
func From(cfg Config) (resolver.Source, error) {
	s, err := New(cfg)
	if err != nil {
		return resolver.Source{}, err
	}
	return resolver.Source{Name: "etcd:" + s.cfg.Prefix, Watch: s}, nil
}

// Watch implements resolver.Watcher: it lists once and follows the changes from there.
func (s *Source) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	client, err := clientv3.New(clientv3.Config{
		Context: ctx, Endpoints: s.cfg.Servers, TLS: s.cfg.TLS, Username: s.cfg.Username, Password: s.cfg.Password,
		DialTimeout: s.cfg.Timeout, DialKeepAliveTime: keepAlive, DialKeepAliveTimeout: keepAliveTimeout,
		Logger: zap.NewNop(), // what is wrong comes back as an error
	})
	if err != nil {
		return cause(ctx, err)
	}
	defer func() { _ = client.Close() }()
	known, revision, err := s.list(ctx, client)
	if err != nil {
		return cause(ctx, err)
	}
	update(known.endpoints())
	f := &following{s: s, client: client, known: known, update: update}
	return cause(ctx, f.follow(ctx, revision+1))
}

// following is a watch under way.
type following struct {
	s       *Source
	client  *clientv3.Client
	known   instances
	update  func([]endpoint.Endpoint, error)
	failing bool // the last probe has failed
}

// follow tells of the changes from a revision on. etcd's client goes on by itself while a server is away, and is told then of what it
// has missed; that something is wrong it does not say, so etcd is asked now and then.
func (f *following) follow(ctx context.Context, revision int64) error {
	probe := time.NewTicker(f.s.cfg.Probe)
	defer probe.Stop()
	// Watch itself returns only when a server has taken it.
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	began := make(chan clientv3.WatchChan, 1)
	go func() {
		began <- f.client.Watch(ctx, f.s.cfg.Prefix+"/", clientv3.WithPrefix(), clientv3.WithRev(revision))
	}()
	var answers clientv3.WatchChan
	defer func() {
		cancel()
		if answers == nil {
			<-began
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case answers = <-began:
		case answer, ok := <-answers:
			if !ok {
				return errors.New("the watch ended")
			}
			if err := f.take(answer); err != nil {
				return err
			}
		case <-probe.C:
			f.probe(ctx)
		}
	}
}

// take takes over changes.
func (f *following) take(answer clientv3.WatchResponse) error {
	if err := answer.Err(); err != nil {
		return err
	}
	for _, e := range answer.Events {
		if e.Type == clientv3.EventTypeDelete {
			delete(f.known, string(e.Kv.Key))
		} else {
			f.known[string(e.Kv.Key)] = entryOf(e.Kv.Value)
		}
	}
	if len(f.known) > maxEndpoints {
		return fmt.Errorf("%s has more than %d keys", f.s.cfg.Prefix, maxEndpoints)
	}
	if len(answer.Events) > 0 {
		f.failing = false
		f.update(f.known.endpoints())
	}
	return nil
}

// probe asks etcd for its revision, and tells when it does not answer, and when it does again.
func (f *following) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, f.s.cfg.Timeout)
	defer cancel()
	_, err := f.client.Get(ctx, f.s.cfg.Prefix+"/", clientv3.WithCountOnly(), clientv3.WithSerializable())
	switch {
	case err != nil:
		f.failing = true
		f.update(nil, fmt.Errorf("etcd: %w", err))
	case f.failing:
		f.failing = false
		f.update(f.known.endpoints())
	}
}

func (s *Source) list(ctx context.Context, client *clientv3.Client) (instances, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	answer, err := client.Get(ctx, s.cfg.Prefix+"/", clientv3.WithPrefix(), clientv3.WithLimit(maxEndpoints+1))
	if err != nil {
		return nil, 0, err
	}
	if len(answer.Kvs) > maxEndpoints {
		return nil, 0, fmt.Errorf("%s has more than %d keys", s.cfg.Prefix, maxEndpoints)
	}
	known := make(instances, len(answer.Kvs))
	for _, kv := range answer.Kvs {
		known[string(kv.Key)] = entryOf(kv.Value)
	}
	return known, answer.Header.GetRevision(), nil
}

// cause returns why ctx is done, when it is: that is no failure of etcd's.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("etcd: %w", err)
}

// instances are what the keys say.
type instances map[string]instance

type instance struct {
	endpoint endpoint.Endpoint
	err      error // why there is none
}

// entryOf reads a value as the naming package writes it.
func entryOf(value []byte) instance {
	var v struct {
		Addr     string
		Metadata json.RawMessage
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return instance{err: fmt.Errorf("its value is no JSON object with an Addr: %w", err)}
	}
	var e resolver.Entry
	// Metadata is whatever its writer wants; what is no object has nothing for us.
	if len(v.Metadata) > 0 && v.Metadata[0] == '{' {
		if err := json.Unmarshal(v.Metadata, &e); err != nil {
			return instance{err: fmt.Errorf("its Metadata: %w", err)}
		}
	}
	e.Address, e.Addresses = v.Addr, nil
	out, err := e.Endpoint()
	return instance{out, err}
}

// endpoints returns the endpoints of the keys that can be read; the error names those that cannot, when there is none else.
func (k instances) endpoints() ([]endpoint.Endpoint, error) {
	var out []endpoint.Endpoint
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(k)) {
		if i := k[key]; i.err != nil {
			errs = append(errs, fmt.Errorf("etcd: key %q: %w", key, i.err))
		} else {
			out = append(out, i.endpoint)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, errors.Join(errs...)
}
