// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

const (
	maxMessages = 100_000
	maxPayload  = 64 << 20
	// slowSleep is how long Slow waits when it is not told.
	slowSleep = time.Second
	// streamMessages is how many messages Stream sends when it is not told.
	streamMessages = 10
)

// behaviorOf returns how a message wants to be answered; nil when it has nothing to say. A canary request may say it in short.
func behaviorOf(m method, request proto.Message) *testv1.Behavior {
	switch request := request.(type) {
	case *testv1.BindRequest:
		return request.GetBehavior()
	case *testv1.CanaryRequest:
		return canaryBehavior(m, request)
	default:
		return nil
	}
}

func canaryBehavior(m method, request *testv1.CanaryRequest) *testv1.Behavior {
	behavior := proto.CloneOf(request.GetBehavior())
	if behavior == nil {
		behavior = &testv1.Behavior{}
	}
	if behavior.Sleep == nil {
		behavior.Sleep = request.GetSleep()
	}
	switch m.path {
	case testv1.EchoService_Slow_FullMethodName:
		if behavior.Sleep == nil {
			behavior.Sleep = durationpb.New(slowSleep)
		}
	case testv1.EchoService_Stream_FullMethodName:
		if behavior.GetMessages() == 0 && behavior.GetStatus().GetCode() == 0 && !behavior.GetNoMessage() {
			behavior.Messages = streamMessages
		}
	}
	return behavior
}

// checkBehavior refuses what a backend does not do.
func checkBehavior(b *testv1.Behavior) error {
	switch {
	case b.GetMessages() < 0 || b.GetMessages() > maxMessages:
		return status.Errorf(codes.InvalidArgument, "behavior.messages is %d; it must be 0 to %d", b.GetMessages(), maxMessages)
	case b.GetPayloadSize() < 0 || b.GetPayloadSize() > maxPayload:
		return status.Errorf(codes.InvalidArgument, "behavior.payload_size is %d; it must be 0 to %d", b.GetPayloadSize(), maxPayload)
	case b.GetSleep().AsDuration() < 0:
		return status.Errorf(codes.InvalidArgument, "behavior.sleep is %v; it must not be negative", b.GetSleep().AsDuration())
	default:
		return nil
	}
}

// answers returns how many messages to send.
func answers(b *testv1.Behavior) int {
	switch {
	case b.GetNoMessage():
		return 0
	case b.GetMessages() > 0:
		return int(b.GetMessages())
	case b.GetStatus().GetCode() != 0:
		return 0
	default:
		return 1
	}
}

// sleep waits as long as asked, or until the call is cancelled.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// metadataFrom makes metadata of entries, whose -bin values are in base64.
func metadataFrom(field string, entries []*testv1.Metadata) (metadata.MD, error) {
	md := metadata.MD{}
	for _, entry := range entries {
		for _, value := range entry.GetValues() {
			if strings.HasSuffix(strings.ToLower(entry.GetKey()), "-bin") {
				raw, err := base64.StdEncoding.DecodeString(value)
				if err != nil {
					return nil, status.Errorf(codes.InvalidArgument, "behavior.%s: %s is %q; it must be standard base64", field, entry.GetKey(), value)
				}
				value = string(raw)
			}
			md.Append(entry.GetKey(), value)
		}
	}
	return md, nil
}

// payload makes n bytes that are the same each time.
func payload(n int32) []byte {
	const pattern = "0123456789abcdef"
	data := []byte(strings.Repeat(pattern, int(n)/len(pattern)+1))
	return data[:n]
}
