// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// head reads what the fields of a request say: timeouts and metadata.
func head(c *transcoder.Call, prefixed bool) error {
	timeout, has, err := wire.ClientTimeout(c.Request.Header)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	c.Timeout, c.HasTimeout = timeout, has
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
