// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

// xdsScheme begins targets whose endpoints come from an xDS control plane.
const xdsScheme = "xds"

// NoXDS is why a target of xDS is refused in a build without it.
const NoXDS = "this build has no xDS; build it with -tags xds"

// XDS says whether the endpoints come from an xDS control plane, which then also says how calls are placed.
func (c *Config) XDS() bool { return hasScheme(c.Target, xdsScheme) }
