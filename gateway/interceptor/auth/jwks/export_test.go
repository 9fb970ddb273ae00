// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks

import "context"

// FetchBy has a set fetched by a function, for tests whose time is not that of the network.
func (k *Keys) FetchBy(get func(context.Context) ([]byte, error)) { k.get = get }
