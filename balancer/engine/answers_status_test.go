// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// statusAnswers have statuses of all forms.
var statusAnswers = []answer{
	{name: "no status", serve: ending("a", "1")},
	{name: "no status in trailers alone", serve: trailing("a", "1")},
	{name: "a status that is none", serve: ending("grpc-status", "many")},
	{name: "a status that is none, alone", serve: trailing("grpc-status", "many")},
	{name: "an empty status", serve: ending("grpc-status", "")},
	{name: "a status below zero", serve: ending("grpc-status", "-1"), but: "there is no code below zero", ours: func(_ *kind, o, _ *outcome) {
		o.is(codes.Unknown, "transport: malformed grpc-status: it is below zero")
		o.Trailer, o.Done[0].Trailer = nil, nil
	}},
	{name: "a status that nobody knows", serve: ending("grpc-status", "99", "grpc-message", "what")},
	{name: "a status of 31 bits", serve: ending("grpc-status", "2147483647")},
	{name: "a status of 32 bits", serve: ending("grpc-status", "2147483648")},
	{name: "a status of 33 bits", serve: ending("grpc-status", "4294967296")},
	{name: "a status with zeros", serve: ending("grpc-status", "005")},
	{name: "zero, twice", serve: ending("grpc-status", "00")},
	{name: "a status with a sign", serve: ending("grpc-status", "+5")},
	{name: "two statuses", serve: ending("grpc-status", "0", "grpc-status", "5")},
	{name: "two statuses, the other way round", serve: ending("grpc-status", "5", "grpc-status", "0")},
	{name: "a status in the head", serve: func(c *conn, id uint32) {
		c.ok(id, "grpc-status", "5", "grpc-message", "none")
		c.say(id, "one")
		c.head(id, true, "a", "1")
	}},
	{name: "OK with a text", serve: ending("grpc-status", "0", "grpc-message", "fine")},
	{name: "a text that is encoded", serve: ending("grpc-status", "5", "grpc-message", "100%25 %E2%82%AC%0a")},
	{name: "a text that is encoded badly", serve: ending("grpc-status", "5", "grpc-message", "% %zz %4 %41 %4z %%41 a+b %")},
	{name: "a text that ends in the middle of a code", serve: ending("grpc-status", "5", "grpc-message", "a%4")},
	{name: "a text that is not UTF-8", serve: ending("grpc-status", "5", "grpc-message", "%ff%fe")},
	{name: "a text that is not encoded", serve: ending("grpc-status", "5", "grpc-message", "€")},
	{name: "two texts", serve: ending("grpc-status", "5", "grpc-message", "a", "grpc-message", "b")},
	{name: "a text without a status", serve: ending("grpc-message", "why")},
	{name: "details", serve: ending("grpc-status", "5", "grpc-message", "plain", "grpc-status-details-bin", details(codes.NotFound))},
	{name: "details alone", serve: trailing("grpc-status", "5", "grpc-message", "plain", "grpc-status-details-bin", details(codes.NotFound))},
	{name: "details of another code", serve: ending("grpc-status", "5", "grpc-message", "plain", "grpc-status-details-bin", details(codes.Aborted))},
	{name: "details of an error with OK", serve: ending("grpc-status", "0", "grpc-status-details-bin", details(codes.Aborted))},
	{name: "details of OK with OK", serve: ending("grpc-status", "0", "grpc-status-details-bin", details(codes.OK))},
	{name: "details that are none", serve: ending("grpc-status", "5", "grpc-message", "plain", "grpc-status-details-bin", "/////w")},
	{name: "details twice", serve: ending("grpc-status", "5", "grpc-message", "plain", "grpc-status-details-bin", details(codes.NotFound), "grpc-status-details-bin", details(codes.NotFound))},
	{name: "details in the head", serve: func(c *conn, id uint32) {
		c.ok(id, "grpc-status-details-bin", details(codes.NotFound))
		c.head(id, true, "grpc-status", "5", "grpc-message", "plain")
	}},
}

// details returns a status with details as a field has it.
func details(code codes.Code) string {
	detail, err := anypb.New(wrapperspb.String("more"))
	if err != nil {
		panic(err)
	}
	b, err := proto.Marshal(&spb.Status{Code: int32(code), Message: "rich", Details: []*anypb.Any{detail}})
	if err != nil {
		panic(err)
	}
	return base64Of(b)
}
