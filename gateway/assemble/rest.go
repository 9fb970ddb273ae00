// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// restConfig says how REST is served.
func (a *Assembly) restConfig() rest.Config {
	j, r := &a.config.JSON, &a.config.Routes
	cfg := rest.Config{
		Bind: bind.Config{
			UnknownQuery: bind.RejectUnknown, IgnoredQuery: r.IgnoredQueryParameters, MaxParameters: r.MaxQueryParameters,
			Decode: codec.DecodeOptions{DiscardUnknown: j.IgnoreUnknownFields},
		},
		Encode: codec.EncodeOptions{ProtoNames: j.ProtoFieldNames, Int64Numbers: j.Int64AsNumber, EnumNumbers: j.EnumsAsNumbers},
	}
	if r.UnknownQuery == config.QueryIgnore {
		cfg.Bind.UnknownQuery = bind.IgnoreUnknown
	}
	switch j.EmitDefaults {
	case config.EmitOmit:
		cfg.Encode.Defaults = codec.DefaultsOmit
	case config.EmitNull:
		cfg.Encode.Defaults = codec.DefaultsNull
	case config.EmitPrint:
	}
	return cfg
}
