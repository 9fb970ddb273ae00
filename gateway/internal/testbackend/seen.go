// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// seenOf returns what is seen of a call before its first message.
func seenOf(ctx context.Context, backend, path string) *testv1.Seen {
	seen := &testv1.Seen{Method: path, Backend: backend}
	if deadline, ok := ctx.Deadline(); ok {
		seen.DeadlineLeft = durationpb.New(time.Until(deadline))
	}
	if p, ok := peer.FromContext(ctx); ok {
		seen.Peer = p.Addr.String()
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, key := range slices.Sorted(maps.Keys(md)) {
		values := slices.Clone(md[key])
		if strings.HasSuffix(key, "-bin") {
			for i, value := range values {
				values[i] = base64.StdEncoding.EncodeToString([]byte(value))
			}
		}
		seen.Metadata = append(seen.Metadata, &testv1.Metadata{Key: key, Values: values})
	}
	return seen
}

// look returns what is seen of a message, and remembers it.
func (c *call) look(request proto.Message) (*testv1.Seen, error) {
	seen := proto.CloneOf(c.seen)
	seen.Sequence = c.received
	var err error
	if seen.Request, err = anypb.New(request); err != nil {
		return nil, status.Errorf(codes.Internal, "the request cannot be put into an Any: %v", err)
	}
	if seen.RequestJson, err = compactJSON(request); err != nil {
		// Not all that can be sent has a JSON form: a Timestamp out of range, an Any of unknown type.
		seen.RequestJson = fmt.Sprintf("no JSON form: %v", err)
	}
	c.backend.calls.saw(c.method.path, seen)
	return seen, nil
}

// compactJSON returns the JSON of a message without the white space that protojson varies on purpose.
func compactJSON(message proto.Message) (string, error) {
	data, err := protojson.Marshal(message)
	if err != nil {
		return "", err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return "", err
	}
	return compact.String(), nil
}
