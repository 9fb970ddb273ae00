// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/etcd"
)

// Etcd says where in etcd endpoints register themselves.
type Etcd struct {
	// Servers are etcd's addresses, as "host:port" or URLs. Prefix is the part of the keys before the last slash.
	Servers []string
	Prefix  string
	// TLS secures the connection; nil means what the URLs say.
	TLS *TLS
	// Username and Password are for etcd's authentication; both or neither.
	Username, Password string
	// Timeout is how long etcd may take for an answer; 0 means etcd.DefaultTimeout.
	Timeout time.Duration
}

// Consul says which service in Consul the endpoints are.
type Consul struct {
	// Server is the URL of an agent; "" means resolver.DefaultConsulServer.
	Server string
	// Service is its name, Tags what an instance must have, Datacenter and Namespace where to look.
	Service               string
	Tags                  []string
	Datacenter, Namespace string
	// Token is an ACL token; "" means none.
	Token string
	// Warning takes instances whose checks warn as well.
	Warning bool
	// TLS secures the connection; nil means with the machine's certificates.
	TLS *TLS
	// Wait is how long Consul holds a question whose answer has not changed; 0 means resolver.DefaultConsulWait.
	Wait time.Duration
}

// Kubernetes says which service in Kubernetes the endpoints are. What is empty is what Kubernetes tells a pod.
type Kubernetes struct {
	// Service is its name, Namespace where it is, Port the name or number of the port.
	Service, Namespace, Port string
	// Server is the URL of the API server, TokenFile has the token, CAFile the certificates to trust the server by.
	Server, TokenFile, CAFile string
}

// Subset is a part of the endpoints.
type Subset struct {
	// Size is how many.
	Size int
	// ID names this gateway among those that use the same endpoints; "" means the machine's name.
	ID string
}

// source returns where the endpoints come from; and what replaces them, where they are listed.
func (c *Config) source() (resolver.Source, *listing, error) {
	s, list, err := c.whole()
	if err != nil || c.Subset == nil {
		return s, list, err
	}
	id := c.Subset.ID
	if id == "" {
		if id, err = os.Hostname(); err != nil {
			return s, nil, fmt.Errorf("subset.id is empty, and this machine's name is not known: %w", err)
		}
	}
	s, err = resolver.Subset(s, resolver.SubsetConfig{ID: id, Size: c.Subset.Size})
	return s, list, err
}

// whole returns the source of all endpoints.
func (c *Config) whole() (s resolver.Source, list *listing, err error) {
	given := 0
	for _, set := range []bool{c.Target != "", len(c.Endpoints) > 0, c.File != "", c.Etcd != nil, c.Consul != nil, c.Kubernetes != nil} {
		if set {
			given++
		}
	}
	if given != 1 {
		return s, nil, fmt.Errorf("%d of target, endpoints, file, etcd, consul and kubernetes are set; exactly one must be", given)
	}
	switch {
	case c.Target != "":
		s, err = resolver.ParseTarget(c.Target)
	case c.File != "":
		s, err = resolver.FromFile(resolver.FileConfig{Path: c.File})
	case c.Etcd != nil:
		s, err = c.Etcd.source()
	case c.Consul != nil:
		s, err = c.Consul.source()
	case c.Kubernetes != nil:
		k := c.Kubernetes
		s, err = resolver.FromKubernetes(resolver.KubernetesConfig{
			Service: k.Service, Namespace: k.Namespace, Port: k.Port, Server: k.Server, TokenFile: k.TokenFile, CAFile: k.CAFile,
		})
	default:
		return newListing(c.Name, c.Endpoints, c.TLS)
	}
	return s, nil, err
}

func (e *Etcd) source() (resolver.Source, error) {
	secure, err := e.TLS.client("etcd.tls")
	s, errSource := etcd.From(etcd.Config{
		Servers: e.Servers, Prefix: e.Prefix, TLS: secure, Username: e.Username, Password: e.Password, Timeout: e.Timeout,
	})
	return s, errors.Join(err, errSource)
}

func (c *Consul) source() (resolver.Source, error) {
	secure, err := c.TLS.client("consul.tls")
	s, errSource := resolver.FromConsul(resolver.ConsulConfig{
		Server: c.Server, Service: c.Service, Tags: c.Tags, Datacenter: c.Datacenter, Namespace: c.Namespace, Token: c.Token,
		Warning: c.Warning, TLS: secure, Wait: c.Wait,
	})
	return s, errors.Join(err, errSource)
}

// client returns the TLS of a connection to a registry; nil for a nil TLS.
func (t *TLS) client(path string) (*tls.Config, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // as crypto/tls means it: with the machine's certificates
	}
	return t.config(path)
}
