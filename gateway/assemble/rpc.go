// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
)

// rpcConfig says how gRPC, gRPC-Web and Connect are served.
func (a *Assembly) rpcConfig() rpc.Config {
	return rpc.Config{Encode: a.restConfig().Encode, WithoutErrorInfo: a.parts.WithoutErrorInfo}
}
