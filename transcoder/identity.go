// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"slices"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Identity is who a call comes from, as one provider of authentication has found. Policies, limits and logs read it, and nothing else of
// what a client says of itself. It is not changed once it is on a call: many calls, at the same time, may share one.
type Identity struct {
	// Provider is the name of the provider in the configuration.
	Provider string
	// Subject is who it is, unique among those of the provider; never empty.
	Subject string
	// Tenant is the group of subjects that owns the call, for whom limits and caches are apart; "" for none.
	Tenant string
	// Groups and Scopes are what the subject belongs to, and what this call may do of what the subject may.
	Groups, Scopes []string
	// Claims are all that is known of the subject, as encoding/json reads an object with UseNumber; nil for nothing more.
	Claims map[string]any
	// Expires is when it ends to be true; zero for never.
	Expires time.Time
	// Forward are fields of metadata that tell the backend, ready to send.
	Forward wire.Header
	// Also are further identities that the same call has proven, where several are asked for.
	Also []*Identity
}

// HasScope tells whether the call may do what a scope stands for; nobody has any.
func (i *Identity) HasScope(scope string) bool { return i != nil && slices.Contains(i.Scopes, scope) }

// InGroup tells whether the subject belongs to a group; nobody does.
func (i *Identity) InGroup(group string) bool { return i != nil && slices.Contains(i.Groups, group) }
