// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// head reads what the fields of a request say: timeouts and metadata.
func head(c *transcoder.Call, prefixed bool) error {
	for i := range timeouts {
		t := &timeouts[i]
		v := c.Request.Header.Get(t.name)
		if v == "" {
			continue
		}
		d, err := t.parse(v)
		if err != nil {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
		}
		if !c.HasTimeout || d < c.Timeout {
			c.Timeout, c.HasTimeout = d, true // T174: the smallest counts
		}
	}
	var err error
	if prefixed {
		c.Metadata, err = appendPrefixed(c.Metadata, c.Request.Header)
	} else {
		c.Metadata, err = wire.AppendMetadata(c.Metadata, c.Request.Header, wire.NotFromBrowser)
	}
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	return nil
}

// timeouts are the fields in which a client may say how long it waits (T173).
var timeouts = [...]struct {
	name  string
	parse func(string) (time.Duration, error)
}{
	{"grpc-timeout", wire.ParseGRPCTimeout},
	{"connect-timeout-ms", wire.ParseConnectTimeout},
	{"x-server-timeout", wire.ParseServerTimeout},
}
