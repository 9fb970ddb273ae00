// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import "context"

// Source is where a schema comes from. It is configured when it is made and does no I/O before Load.
type Source interface {
	// Name returns what people call the source: a folder, a file pattern, a backend. It never changes, and any
	// goroutine may call it.
	Name() string

	// Load returns the schema as it is now.
	//
	// The caller is whoever starts or reloads the gateway. It calls Load from one goroutine at a time; different
	// sources may load at the same time. Load may block, on disk or on the network, until ctx ends; then it returns
	// what [context.Cause] says.
	//
	// A source keeps what makes the next Load cheap. A schema that was returned is never changed by it.
	//
	// When what is there cannot be served, the error is a [*LoadError] with everything that is wrong; the caller
	// keeps serving the last good schema (T7). A Load that failed leaves the source able to load again: there is
	// nothing to reset. What loads but cannot be served is no error, see [Schema.Unserved].
	Load(ctx context.Context) (*Schema, error)
}

// Watcher is a [Source] that notices by itself when a Load would return something else.
type Watcher interface {
	// Watch calls changed whenever a Load may return something new, until ctx ends. It blocks, so the caller gives it
	// a goroutine; when it returns, nothing of it is left and changed will not be called again.
	//
	// changed is called from one goroutine at a time and must return soon: the usual one sends to a channel without
	// blocking. Changes that come close together are reported once, after the last of them, so a caller loads once.
	// Watch reports too often rather than too seldom: a Load after it may find that nothing is new. What
	// changed since the last Load is reported too; so a caller may load first and watch then. A file that is being written may be seen half-written; then the Load fails, and
	// the end of the writing is reported too.
	//
	// Watch and Load may run at the same time. Watch returns nil when ctx ends, and an error when watching is not
	// possible at all, for example because the system has no watches left; the caller may then poll Load.
	Watch(ctx context.Context, changed func()) error
}
