// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"strings"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// unprocessed are how the errors of grpc-go begin that say that a server has not looked at a stream: it refused it, or is going away and has
// said up to which stream it answers. grpc-go itself tries such a call once more, at once and without a word.
//
// google.golang.org/grpc v1.85.0: internal/transport/http2_client.go, handleRSTStream and handleGoAway.
var unprocessed = []string{
	"stream terminated by RST_STREAM with error code: REFUSED_STREAM",
	"the connection is draining",
	"the stream is rejected because server is draining the connection",
}

// wasUnseen says whether a call that failed with UNAVAILABLE cannot have been seen by any backend's code. What the backend itself said
// is not taken for it: it has seen the call. Only a call through a balancer.Channel tells how far it came.
func wasUnseen(err error, call *picker.Call) bool {
	st, ok := grpcstatus.FromError(err)
	if !ok || st.Code() != codes.Unavailable {
		return false
	}
	switch call.Stage() {
	case picker.StageChosen:
		return true
	case picker.StageSent:
		for _, text := range unprocessed {
			if strings.HasPrefix(st.Message(), text) {
				return true
			}
		}
	case picker.StageWaiting, picker.StageAnswered:
	}
	return false
}

// outcomeOf puts a failure that is not the backend's word into words that name no address (threat H5): an UNAVAILABLE that the backend
// itself sent is its word, and one that grpc-go made up is ours to tell.
func outcomeOf(err error, call *picker.Call) error {
	if err == nil {
		return nil
	}
	code := grpcstatus.Code(err)
	if balancer.IsUnready(err, call) {
		return &status.Error{
			Code: codes.Unavailable, Reason: status.ReasonNoReadyBackend, Message: "no endpoint of the backend is ready", Cause: err,
		}
	}
	if code == codes.ResourceExhausted && call.Stage() == picker.StageWaiting {
		return overloaded("every endpoint of the backend has too many calls")
	}
	if stage := call.Stage(); code != codes.Unavailable || (stage != picker.StageChosen && stage != picker.StageSent) {
		return err
	}
	return &status.Error{
		Code: codes.Unavailable, Reason: status.ReasonBackendReset, Message: "the connection to the backend broke before it answered", Cause: err,
	}
}
