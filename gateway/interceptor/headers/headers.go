// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package headers provides the policies of which header fields of a request reach the backend, and which of an answer the client.
package headers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Config says what passes beside, and what not of, that which the protocol passes by itself (T163). Names are in lower case.
type Config struct {
	// Allow are names that pass though the protocol keeps them, such as cookie.
	Allow []string
	// Deny are names that do not pass; "x-internal-*" stands for all that begin so.
	Deny []string
	// Request and Response change fields in each direction; see NewWay.
	Request, Response Rules
}

// Zero tells whether the configuration changes nothing before it is known who calls.
func (c Config) Zero() bool { return len(c.Allow) == 0 && len(c.Deny) == 0 }

// Check tells everything that is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	for _, pattern := range c.Deny {
		if !wire.ValidName(strings.TrimSuffix(pattern, "*")) {
			errs = append(errs, fmt.Errorf("deny has %.64q, which is no lower-case name of a header field", pattern))
		}
	}
	for i := range c.Allow {
		if err := c.CheckAllowed(i); err != nil {
			errs = append(errs, fmt.Errorf("allow has %.64q, which %w", c.Allow[i], err))
		}
	}
	return errors.Join(errs...)
}

// CheckAllowed tells what is wrong with the name at an index of Allow.
func (c Config) CheckAllowed(i int) error {
	name := c.Allow[i]
	switch {
	case !wire.ValidName(name):
		return errors.New("is no lower-case name of a header field")
	case wire.Reserved(name), strings.HasPrefix(name, "x-forwarded-"), name == "forwarded", name == "x-real-ip":
		return errors.New("never passes: it is about the connection, or set by the gateway")
	case slices.ContainsFunc(c.Deny, func(pattern string) bool { return matches(pattern, name) }):
		return errors.New("is in deny as well")
	}
	return nil
}

// Policy is an admitter that changes the metadata of a call.
type Policy struct{ config Config }

// New returns the policy of a configuration.
func New(cfg Config) (*Policy, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return &Policy{config: Config{Allow: slices.Clone(cfg.Allow), Deny: slices.Clone(cfg.Deny)}}, nil
}

// Admit changes the metadata of a call. It refuses a field that it is to pass and that cannot be metadata.
func (p *Policy) Admit(c *transcoder.Call) error {
	if len(p.config.Allow) > 0 {
		if err := p.allow(c); err != nil {
			return err
		}
	}
	if len(p.config.Deny) > 0 {
		c.Metadata = slices.DeleteFunc(c.Metadata, func(f wire.Field) bool {
			return slices.ContainsFunc(p.config.Deny, func(pattern string) bool { return matches(pattern, f.Name) })
		})
	}
	return nil
}

// allow adds the fields that the protocol has kept, all values of each.
func (p *Policy) allow(c *transcoder.Call) error {
	md, err := wire.AppendMetadata(c.Metadata, c.Request.Header, func(name string) bool {
		return !slices.Contains(p.config.Allow, name) || c.Metadata.Has(name)
	})
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	c.Metadata = md
	return nil
}

// matches tells whether a pattern of Deny stands for a name.
func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}
