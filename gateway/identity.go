// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// requestIDHeader carries the id of a request, from the client, to the backend and back (T216).
const requestIDHeader = "x-request-id"

// maxRequestID is the length of the longest id that is taken from a client.
const maxRequestID = 64

// Of an id that the gateway makes: 26 characters, which stand for 128 bits.
const (
	requestIDSize  = 26
	requestIDBytes = 16
)

// addressSize is the length of the longest text of an address without a zone: of IPv6, the last two parts written as IPv4.
const addressSize = 45

// identify gives a call its id, the client's if it is fit for a log (threat I8), its place in a trace, where traces are kept, and the address
// that it counts as coming from. The ids and the text of the peer's address are one text, since every call has them.
func identify(c *transcoder.Call, tracing *Tracing) {
	var text [requestIDSize + transcoder.TraceParentSize + addressSize]byte
	ids := text[:0]
	c.RequestID = c.Request.Header.Get(requestIDHeader)
	made := !fitRequestID(c.RequestID)
	if made {
		ids = appendRequestID(ids, c.Start)
	}
	c.TraceID = traceOf(c.Request.Header)
	if tracing != nil {
		tracing.begin(c)
		ids = c.Trace.AppendParent(ids, c.Trace.Span)
	}
	said := len(ids)
	if peer := c.Request.Remote.Addr().Unmap(); peer.IsValid() {
		ids = peer.AppendTo(ids)
	}
	told := string(ids)
	told, c.Peer = told[:said], told[said:]
	if made {
		c.RequestID, told = told[:requestIDSize], told[requestIDSize:]
	}
	if tracing != nil {
		c.Trace.Text, c.TraceID = told, transcoder.TraceText(told)
	}
	if trusted(c.Request, c.Client) {
		c.Client = clientBehind(c.Request, c.Client)
	}
}

func fitRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// crockford is the alphabet of ULIDs: it sorts as bytes do, and has no letters that look alike.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding) //nolint:gochecknoglobals // a table

// appendRequestID appends 26 characters: the time in milliseconds, so that ids sort by time, and 80 random bits.
func appendRequestID(dst []byte, now time.Time) []byte {
	var id [requestIDBytes]byte
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16) //nolint:gosec // the time is after 1970
	_, _ = rand.Read(id[6:])                                        // never fails since Go 1.24
	return crockford.AppendEncode(dst, id[:])
}
