// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// answer is what one of several calls at a time is answered, until it is known whether that counts.
type answer struct {
	call            *picker.Call
	reply           transcoder.Message
	header, trailer metadata.MD
	from            peer.Peer
	told            transcoder.AnswerOption
	err             error
}

// options returns the options of a call, telling the answer what they would tell the caller.
func (a *answer) options(opts []grpc.CallOption) []grpc.CallOption {
	own := slices.Clone(opts)
	for i, o := range own {
		switch o.(type) {
		case grpc.HeaderCallOption:
			own[i] = grpc.Header(&a.header)
		case grpc.TrailerCallOption:
			own[i] = grpc.Trailer(&a.trailer)
		case grpc.PeerCallOption:
			own[i] = grpc.Peer(&a.from)
		case *transcoder.AnswerOption:
			own[i] = &a.told
		}
	}
	return own
}

// tell puts the answer where the caller wants it.
func (a *answer) tell(reply any, opts []grpc.CallOption) {
	forget(reply, opts)
	if m, ok := reply.(*transcoder.Message); ok {
		*m = a.reply
	}
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = a.header
		case grpc.TrailerCallOption:
			*o.TrailerAddr = a.trailer
		case grpc.PeerCallOption:
			*o.PeerAddr = a.from
		case *transcoder.AnswerOption:
			*o = a.told
		}
	}
}
