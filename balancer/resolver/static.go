// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// Static is a list of endpoints that never changes.
type Static struct {
	endpoints []endpoint.Endpoint
}

// NewStatic returns the source of these endpoints. It is an error when there are none, or when one
// instance is listed twice.
func NewStatic(endpoints []endpoint.Endpoint) (*Static, error) {
	if len(endpoints) == 0 {
		return nil, errors.New("static: endpoints is empty; it must name at least one endpoint")
	}
	var errs []error
	seen := make(map[string]bool, len(endpoints))
	for i, e := range endpoints {
		switch {
		case e.IsZero():
			errs = append(errs, fmt.Errorf("static: endpoint %d has no address", i))
		case seen[e.Key()]:
			errs = append(errs, fmt.Errorf("static: endpoint %q is listed twice; use its weight to send it more", e))
		}
		seen[e.Key()] = true
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Static{endpoints: slices.Clone(endpoints)}, nil
}

// Watch implements Watcher: it tells the list once.
func (s *Static) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	update(slices.Clone(s.endpoints), nil)
	<-ctx.Done()
	return ctx.Err()
}
