// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// clean takes out of a call's metadata what a client says in the gateway's name, and the credentials.
func (p *Policy) clean(c *transcoder.Call) {
	if len(p.config.Reserved) == 0 && len(p.hidden) == 0 {
		return
	}
	kept := c.Metadata[:0]
	for _, f := range c.Metadata {
		if !reserved(p.config.Reserved, f.Name) && !slices.Contains(p.hidden, f.Name) {
			kept = append(kept, f)
		}
	}
	clear(c.Metadata[len(kept):])
	c.Metadata = kept
}

// reserved tells whether a name could be taken for one that the gateway sets: servers behind may read "x_user.id" as "x-user-id"
// (threat B3).
func reserved(names []string, name string) bool {
	for _, own := range names {
		if len(own) == len(name) && alike(own, name) {
			return true
		}
	}
	return false
}

func alike(own, name string) bool {
	for i := range len(own) {
		if plain(own[i]) != plain(name[i]) {
			return false
		}
	}
	return true
}

func plain(c byte) byte {
	switch {
	case c == '_' || c == '.':
		return '-'
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}

// CheckForward tells what is wrong with a name under which the backend is to be told of an identity.
func CheckForward(name string) error {
	switch {
	case !wire.ValidName(name) || strings.ContainsAny(name, "_."):
		return errors.New("must be the name of a header field, in lower case, without dots and _")
	case wire.Reserved(name), strings.HasPrefix(name, "x-forwarded-"), name == "forwarded", name == "x-real-ip", name == "x-request-id",
		name == "authorization", name == "cookie":
		return errors.New("is a name that has a meaning of its own")
	}
	return nil
}
