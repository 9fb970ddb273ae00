// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

const (
	// DefaultConsulServer is the agent on the same machine.
	DefaultConsulServer = "http://127.0.0.1:8500"
	// DefaultConsulWait is how long Consul holds a question whose answer has not changed. It adds up to a sixteenth.
	DefaultConsulWait = 5 * time.Minute
	// consulRest is the least time between two questions: of a service that changes all the time nobody needs every state.
	consulRest = 100 * time.Millisecond
	// consulPatience is how much longer than agreed an answer may take.
	consulPatience = 10 * time.Second
)

// ConsulConfig says which service to look up. Service is required.
type ConsulConfig struct {
	// Server is the URL of a Consul agent. Empty: DefaultConsulServer.
	Server string
	// Service is the name of the service.
	Service string
	// Tags are tags that an instance must have.
	Tags []string
	// Datacenter is where to look; empty: where the agent is.
	Datacenter string
	// Namespace is for Consul Enterprise; empty: the token's.
	Namespace string
	// Token is an ACL token; empty: none.
	Token string
	// Warning takes instances whose checks warn as well, with the weight that they state for that case.
	Warning bool
	// Wait is how long Consul holds a question whose answer has not changed; 10 ms to 10 min. 0: DefaultConsulWait.
	Wait time.Duration
	// TLS secures the connection to a Server of https; nil: with the machine's certificates.
	TLS *tls.Config
}

// Consul is the healthy instances of a service in Consul, followed by blocking queries: a question is answered when what it asks for
// has changed. An instance's weight is the one that it states; its zone and priority are its meta data of these names, or its
// node's; all of its meta data are labels.
type Consul struct {
	cfg    ConsulConfig
	url    string
	client *http.Client
}

// NewConsul checks cfg and returns the source.
func NewConsul(cfg ConsulConfig) (*Consul, error) {
	if cfg.Server == "" {
		cfg.Server = DefaultConsulServer
	}
	if cfg.Wait == 0 {
		cfg.Wait = DefaultConsulWait
	}
	var errs []error
	if cfg.Service == "" {
		errs = append(errs, errors.New("consul: service is empty; it must name a service"))
	}
	const least, most = 10 * time.Millisecond, 10 * time.Minute
	if cfg.Wait < least || cfg.Wait > most {
		errs = append(errs, fmt.Errorf("consul: wait is %v; it must be %v to %v", cfg.Wait, least, most))
	}
	server, err := serverURL(cfg.Server)
	if err != nil {
		errs = append(errs, fmt.Errorf("consul: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Consul{cfg: cfg, client: newClient(cfg.TLS)}
	c.url = server.JoinPath("v1/health/service", url.PathEscape(cfg.Service)).String()
	return c, nil
}

// FromConsul returns the source of a service in Consul.
func FromConsul(cfg ConsulConfig) (Source, error) {
	c, err := NewConsul(cfg)
	if err != nil {
		return Source{}, err
	}
	return Source{Name: "consul:" + cfg.Service, Authority: cfg.Service, Watch: c}, nil
}

// Watch implements Watcher.
func (c *Consul) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	defer c.client.CloseIdleConnections()
	index, failures := uint64(0), 0
	for {
		asked := time.Now()
		endpoints, next, err := c.ask(ctx, index)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rest := consulRest - time.Since(asked)
		switch {
		case err != nil:
			update(nil, err)
			// The next question is answered at once, so that a failure is not outlived by a wait.
			index = 0
			rest = backoff(DefaultMinInterval, maxPause, failures)
			failures++
		case next == index && index > 0:
			failures = 0 // nothing has changed
		default:
			update(endpoints, nil)
			index, failures = next, 0
		}
		if !sleep(ctx, rest) {
			return ctx.Err()
		}
	}
}

// ask asks for the instances; with an index above zero, for those that come after it.
func (c *Consul) ask(ctx context.Context, index uint64) ([]endpoint.Endpoint, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Wait+c.cfg.Wait/16+consulPatience)
	defer cancel()
	q := url.Values{}
	if !c.cfg.Warning {
		q.Set("passing", "true")
	}
	for _, t := range c.cfg.Tags {
		q.Add("tag", t)
	}
	for name, v := range map[string]string{"dc": c.cfg.Datacenter, "ns": c.cfg.Namespace} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if index > 0 {
		q.Set("index", strconv.FormatUint(index, 10))
		q.Set("wait", c.cfg.Wait.String())
	}
	header := http.Header{}
	if c.cfg.Token != "" {
		header.Set("X-Consul-Token", c.cfg.Token)
	}
	r, err := get(ctx, c.client, c.url+"?"+q.Encode(), header)
	if err != nil {
		return nil, 0, fmt.Errorf("consul: %w", err)
	}
	defer func() { _ = r.Body.Close() }()
	next, err := strconv.ParseUint(r.Header.Get("X-Consul-Index"), 10, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("consul: X-Consul-Index is %q; is it Consul that answers?", r.Header.Get("X-Consul-Index"))
	}
	var instances []consulInstance
	if err := json.NewDecoder(limited(r.Body)).Decode(&instances); err != nil {
		return nil, 0, fmt.Errorf("consul: the answer: %w", err)
	}
	var out []endpoint.Endpoint
	var errs []error
	for _, i := range instances {
		e, ok, err := i.endpoint(c.cfg.Warning)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("consul: instance %q: %w", i.Service.ID, err))
		case ok:
			out = append(out, e)
		}
	}
	if len(out) == 0 && len(errs) > 0 {
		return nil, 0, errors.Join(errs...)
	}
	// Consul's documentation: an index that goes backwards, or is none, means to begin again.
	if next < index {
		next = 0
	}
	return out, next, nil
}

// consulInstance is what is read of an instance.
type consulInstance struct {
	Node struct {
		Address string
		Meta    map[string]string
	}
	Service struct {
		ID      string
		Address string
		Port    int
		Meta    map[string]string
		Weights struct{ Passing, Warning uint32 }
	}
	Checks []struct{ Status string }
}

// endpoint returns the instance's endpoint; false when it is to get no calls.
func (i *consulInstance) endpoint(warning bool) (endpoint.Endpoint, bool, error) {
	weight := i.Service.Weights.Passing
	for _, c := range i.Checks {
		switch {
		case c.Status == "passing":
		case c.Status == "warning" && warning:
			weight = i.Service.Weights.Warning
		default:
			return endpoint.Endpoint{}, false, nil
		}
	}
	meta := func(name string) string {
		if v, ok := i.Service.Meta[name]; ok {
			return v
		}
		return i.Node.Meta[name]
	}
	host := i.Service.Address
	if host == "" {
		host = i.Node.Address
	}
	entry := Entry{
		Address: net.JoinHostPort(host, strconv.Itoa(i.Service.Port)),
		Weight:  min(weight, endpoint.MaxWeight), Zone: meta("zone"), Labels: i.Service.Meta,
	}
	if p := meta("priority"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil {
			return endpoint.Endpoint{}, false, fmt.Errorf("its meta data priority is %q; it must be a number", p)
		}
		entry.Priority = n
	}
	e, err := entry.Endpoint()
	return e, true, err
}
