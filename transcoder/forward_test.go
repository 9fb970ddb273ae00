// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// refusing is a client whose first message is refused.
type refusing struct {
	Stream

	err    error
	closed chan struct{} // closed by CloseRecv
}

func (r *refusing) Recv() (Message, error) { return Message{}, r.err }
func (r *refusing) CloseRecv()             { close(r.closed) }

// A request that fails cancels the backend's side, and then the call is told why the request failed, even if the cancelling is seen
// before the pump has returned.
func TestPumpTellsWhyItFailed(t *testing.T) {
	t.Parallel()
	want := status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "too large")
	client := &refusing{err: want, closed: make(chan struct{})}
	cancelled := make(chan struct{})
	p := &requestPump{client: client, done: make(chan struct{}), cancel: func() {
		close(cancelled)
		<-client.closed // the pump is held until the call has seen that it was cancelled
	}}
	go p.run()
	<-cancelled
	if p.join(client) {
		t.Error("the pump counts as interrupted; it had failed before")
	}
	if p.err != want { //nolint:errorlint // the very error
		t.Errorf("got %v, want %v", p.err, want)
	}
}
