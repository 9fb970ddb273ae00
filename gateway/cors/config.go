// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package cors provides cross-origin resource sharing for every protocol that browsers speak: the answer to preflights, and the fields
// of actual answers.
//
// https://fetch.spec.whatwg.org/#http-cors-protocol
package cors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// DefaultMaxAge is how long browsers may remember the answer to a preflight. It is the most that Chromium does.
const DefaultMaxAge = 2 * time.Hour

// maxMaxAge is the most that any browser does.
const maxMaxAge = 24 * time.Hour

// Config says who may call from another origin. The zero value lets nobody.
type Config struct {
	// AllowOrigins are the origins of the pages that may call: "https://app.example", "https://*.app.example" for all hosts below,
	// "http://localhost:*" for all ports, or "*" alone for any page.
	AllowOrigins []string
	// AllowHeaders are names of header fields that pages may send, beside those of the protocols, which are added. Lower case.
	AllowHeaders []string
	// ExposeHeaders are names of header fields that pages may read though an answer does not carry them by itself; those that
	// it carries are exposed. Lower case.
	ExposeHeaders []string
	// AllowCredentials lets pages send cookies and the like. It cannot be had with "*".
	AllowCredentials bool
	// MaxAge is how long browsers may remember the answer to a preflight; 0 means DefaultMaxAge.
	MaxAge time.Duration
	// DangerouslyAllowHTTP permits origins of http beside those of the machine itself. Who is on the way to such a page calls as
	// its user.
	DangerouslyAllowHTTP bool
}

// protocolHeaders are what the protocols themselves send (T208).
var protocolHeaders = []string{
	"content-type", "accept", "connect-protocol-version", "connect-timeout-ms", "grpc-timeout", "if-match", "if-none-match", "last-event-id",
	"x-grpc-web", "x-server-timeout", "x-user-agent",
}

// Policy answers for the methods that share it. It is immutable.
type Policy struct {
	any         bool
	origins     []pattern
	credentials bool
	allow       string // Access-Control-Allow-Headers
	expose      []string
	maxAge      string
}

// New returns the policy of a configuration. The error joins all that is wrong with it.
func New(cfg Config) (*Policy, error) {
	p := &Policy{credentials: cfg.AllowCredentials, expose: slices.Clone(cfg.ExposeHeaders)}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, origin := range cfg.AllowOrigins {
		if err := cfg.CheckOrigin(origin); err != nil {
			bad("allow_origins has %.100q: %w", origin, err)
			continue
		}
		if origin == "*" {
			p.any = true
			continue
		}
		o, _ := parsePattern(origin)
		p.origins = append(p.origins, o)
	}
	switch {
	case p.any && cfg.AllowCredentials:
		bad("allow_credentials cannot be had with *; list the origins") // browsers refuse it
	case len(cfg.AllowOrigins) == 0:
		bad("allow_origins is empty; list the origins of the pages that may call")
	}
	for setting, names := range map[string][]string{"allow_headers": cfg.AllowHeaders, "expose_headers": cfg.ExposeHeaders} {
		for _, name := range names {
			if !wire.ValidName(name) {
				bad("%s has %.64q, which is no lower-case name of a header field", setting, name)
			}
		}
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if cfg.MaxAge < time.Second || cfg.MaxAge > maxMaxAge {
		bad("max_age is %s; it must be 1s to %s", cfg.MaxAge, maxMaxAge)
	}
	p.maxAge = strconv.Itoa(int(cfg.MaxAge / time.Second))
	names := append(slices.Clone(protocolHeaders), cfg.AllowHeaders...)
	slices.Sort(names)
	p.allow = strings.Join(slices.Compact(names), ", ")
	return p, errors.Join(errs...)
}

// CheckOrigin tells what is wrong with an entry of AllowOrigins.
func (c *Config) CheckOrigin(origin string) error {
	if origin == "*" {
		if len(c.AllowOrigins) > 1 {
			return errors.New("* means any; it stands alone")
		}
		return nil
	}
	o, err := parsePattern(origin)
	if err != nil {
		return err
	}
	if o.scheme == "http" && !c.DangerouslyAllowHTTP && !o.local() {
		return errors.New("anybody on the way to a page of http can pose as it; use https, or set dangerously_allow_http")
	}
	return nil
}

// Allows tells whether pages of an origin may call; a nil Policy lets none.
func (p *Policy) Allows(origin string) bool { return p != nil && p.allows(origin) }

// AllowsCredentials tells whether pages of an origin may call with what browsers know of their users.
func (p *Policy) AllowsCredentials(origin string) bool {
	return p != nil && p.credentials && p.allows(origin)
}

// allows tells whether pages of an origin may call.
func (p *Policy) allows(origin string) bool {
	if p.any {
		return true
	}
	o, ok := parseOrigin(origin)
	return ok && slices.ContainsFunc(p.origins, func(pattern pattern) bool { return pattern.matches(o) })
}
