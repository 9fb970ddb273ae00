// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/connect"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
)

// rpcConfig says how gRPC, gRPC-Web and Connect are served. Their JSON is that of the defaults: profiles are REST's.
func (a *Assembly) rpcConfig(p *policies) rpc.Config {
	var cfg rest.Config
	overrideJSON(&cfg, &p.defaults.JSON)
	return rpc.Config{Encode: cfg.Encode, CompressFrom: a.config.RPC.CompressFrom, WithoutErrorInfo: a.config.RPC.WithoutErrorInfo}
}

// connectCache says how answers to calls by GET may be cached: as those of REST.
func connectCache(p *policies) func(*transcoder.Method) connect.Cache {
	return func(m *transcoder.Method) connect.Cache {
		r := &p.of(m).REST
		return connect.Cache{Control: r.CacheControl, ETag: rest.ETag(r.ETag) == rest.ETagContent}
	}
}
