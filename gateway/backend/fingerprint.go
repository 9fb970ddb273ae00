// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/dragoman-gateway/dragoman/balancer/outlier"
)

// fingerprint tells two configurations apart, the content of their files included.
func (c Config) fingerprint() string {
	h := sha256.New()
	c.print(h)
	return hex.EncodeToString(h.Sum(nil))
}

// connections tells apart what two configurations connect to, and how: it is the fingerprint without what only decides which endpoints
// there are and whether and on which of the connections a call goes.
func (c Config) connections() string {
	c.LoadBalancing = LoadBalancing{}
	c.Health.Outlier, c.Health.WithoutOutlier = outlier.Config{}, false
	c.RetryBudget, c.RetryBuffer, c.Limits, c.CircuitBreaker = BudgetConfig{}, BufferConfig{}, LimitsConfig{}, BreakerConfig{}
	if len(c.Endpoints) > 0 {
		c.Name, c.Endpoints = c.Name+", listed", nil
	}
	return c.fingerprint()
}

func (c *Config) print(w io.Writer) {
	plain := *c
	plain.Endpoints = nil
	// Every field is a number, a text, or made of such: that can be encoded.
	_ = json.NewEncoder(w).Encode(plain)
	for _, e := range c.Endpoints {
		_, _ = fmt.Fprintf(w, "|%q %d %q %d %q %v", e.Addresses(), e.Weight(), e.Zone(), e.Priority(), e.ServerName(), e.Labels())
	}
	secured := []*TLS{c.TLS}
	if c.Etcd != nil {
		secured = append(secured, c.Etcd.TLS)
	}
	if c.Consul != nil {
		secured = append(secured, c.Consul.TLS)
	}
	for _, t := range secured {
		if t == nil {
			continue
		}
		for _, path := range []string{t.CA, t.Cert, t.Key} {
			if path == "" {
				continue
			}
			data, err := os.ReadFile(path) // what cannot be read is told by config
			sum := sha256.Sum256(data)
			_, _ = fmt.Fprintf(w, "|%x %v", sum, err)
		}
	}
}
