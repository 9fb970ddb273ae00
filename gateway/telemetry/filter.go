// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Filter says which calls are wanted: those of which all is true that it says. The zero value wants all.
type Filter struct {
	// RequestID is the id of one request.
	RequestID string
	// Route is in the name of the route, or of the service and the method, in any case; "" for any.
	Route string
	// Pattern matches the name of the route, with its verb or without, the path, the service or the method; nil for any.
	Pattern *Pattern
	// Path is what the path begins with.
	Path string
	// Service is the full name of the service.
	Service string
	// Protocol is what the client spoke.
	Protocol string
	// Codes are the codes of which the call has one; empty for any.
	Codes []codes.Code
	// Reasons are the reasons of which it has one; empty for any.
	Reasons []status.Reason
	// Subject is who called.
	Subject string
	// Backend is where it went.
	Backend string
	// Errors wants those alone that did not end with OK.
	Errors bool
	// Slower wants those alone that took longer; 0 for any.
	Slower time.Duration
}

// Matches tells whether a call is wanted.
func (f *Filter) Matches(r *Record) bool {
	return (f.RequestID == "" || f.RequestID == r.RequestID) &&
		(f.Route == "" || f.named(r)) &&
		(f.Pattern == nil || f.matched(r)) &&
		strings.HasPrefix(r.Path, f.Path) &&
		(f.Service == "" || f.Service == r.Service) &&
		(f.Protocol == "" || f.Protocol == r.Protocol) &&
		oneOf(f.Codes, r.Code) && oneOf(f.Reasons, r.Reason) &&
		(f.Subject == "" || f.Subject == r.Subject) &&
		(f.Backend == "" || f.Backend == r.Backend) &&
		(!f.Errors || r.Code != codes.OK) &&
		r.Duration >= f.Slower
}

func (f *Filter) named(r *Record) bool {
	wanted := strings.ToLower(f.Route)
	return strings.Contains(strings.ToLower(r.Route), wanted) || strings.Contains(strings.ToLower(r.Service+"/"+r.RPC), wanted)
}

func (f *Filter) matched(r *Record) bool {
	_, path, _ := strings.Cut(r.Route, " ")
	for _, name := range []string{r.Route, path, r.Path, r.Service, r.Service + "/" + r.RPC} {
		if name != "" && f.Pattern.Match(name) {
			return true
		}
	}
	return false
}

func oneOf[T comparable](wanted []T, is T) bool {
	for _, w := range wanted {
		if w == is {
			return true
		}
	}
	return len(wanted) == 0
}
