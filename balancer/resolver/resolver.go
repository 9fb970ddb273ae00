// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// Lookuper is a source that is asked. Lookup is called from one goroutine at a time, again and
// again; it may block, and returns soon after ctx is done. An error, or an answer without endpoints, keeps
// the last good answer in force; the text of the error is shown to the operator.
type Lookuper interface {
	Lookup(ctx context.Context) ([]endpoint.Endpoint, error)
}

// Watcher is a source that tells. Watch is called once and blocks: it calls update, from its own
// goroutine or another but never after it has returned, with the complete list each time that it
// changes, until ctx is done. update with an error says that the place which knows cannot be read for now, and that the
// watch goes on; so does an update without endpoints: either keeps the last good list in force. When Watch returns before
// ctx is done, it is called again after a pause that grows with each failure; its error is shown to the
// operator. update does not block and keeps the slice.
type Watcher interface {
	Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error
}

// Source is where the endpoints of one backend come from. Exactly one of Lookup and Watch is set.
type Source struct {
	// Name is how logs and errors name the source, such as "dns:///books.example:50051".
	Name string
	// Authority is the ":authority" of calls and the name that TLS certificates are checked for,
	// as "host" or "host:port", for endpoints that state no ServerName of their own. Empty:
	// "localhost".
	Authority string
	// Lookup is the source, if it is one that is asked.
	Lookup Lookuper
	// Watch is the source, if it is one that tells.
	Watch Watcher
}
