// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import "fmt"

// Profile is a set of answers that settings start from.
type Profile string

// ProfileStrict are the answers of this gateway. It is the default.
const ProfileStrict Profile = "strict"

// Config returns the configuration of the profile.
func (p Profile) Config() (Config, error) {
	if p != "" && p != ProfileStrict {
		return Config{}, fmt.Errorf("profile is %.64q; it must be strict", string(p))
	}
	return Config{}, nil
}
