// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"
	"encoding/binary"
	"net"

	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// linkKey is the key under which a link rides on the attributes of the address that is dialled for it.
type linkKey struct{}

// listening is credentials that listen to what a server says of itself when a connection begins: how many
// streams it takes at a time. gRPC keeps to that, but does not tell anybody.
type listening struct {
	credentials.TransportCredentials
}

// ClientHandshake implements credentials.TransportCredentials.
func (c listening) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return conn, info, err
	}
	if l, ok := credentials.ClientHandshakeInfoFromContext(ctx).Attributes.Value(linkKey{}).(*link); ok {
		conn = &overheard{Conn: conn, told: l.limited}
	}
	return conn, info, nil
}

// limited is told how many streams the server takes at a time. A limit of our own that is less stays.
func (l *link) limited(streams uint32) {
	if own := l.limit.Load(); own == 0 || streams < own {
		l.limit.Store(streams)
	}
}

// Clone implements credentials.TransportCredentials.
func (c listening) Clone() credentials.TransportCredentials {
	return listening{c.TransportCredentials.Clone()}
}

// overheard is a connection whose first frame from the server is read on its way. gRPC reads from it in one goroutine.
type overheard struct {
	net.Conn

	told  func(streams uint32) // nil once the frame is over
	frame []byte               // so far
}

// Read implements net.Conn.
func (c *overheard) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.told != nil && n > 0 {
		c.hear(p[:n])
	}
	return n, err
}

// maxSettingsFrame is the longest first frame that is read.
const maxSettingsFrame = frames.HeaderSize + 64*frames.SettingSize

// hear takes in what came. A server's first frame is SETTINGS; one that does not state the number of streams, or one
// that is none, leaves it unlimited.
func (c *overheard) hear(p []byte) {
	c.frame = append(c.frame, p[:min(len(p), maxSettingsFrame-len(c.frame))]...)
	if len(c.frame) < frames.HeaderSize {
		return
	}
	f := frames.Parse(c.frame)
	size := frames.HeaderSize + f.Length
	if f.Kind != frames.Settings || size > maxSettingsFrame {
		c.told, c.frame = nil, nil
		return
	}
	if len(c.frame) < size {
		return
	}
	for rest := c.frame[frames.HeaderSize:size]; len(rest) >= frames.SettingSize; rest = rest[frames.SettingSize:] {
		if binary.BigEndian.Uint16(rest) == frames.SettingStreams {
			c.told(binary.BigEndian.Uint32(rest[2:]))
		}
	}
	c.told, c.frame = nil, nil
}
