// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// Profile names a set of answers to the questions in which gateways differ. Its Config is what explicit settings start from.
type Profile string

const (
	// ProfileStrict is the default: the answers of the specifications, and where they have none, the safe ones.
	ProfileStrict Profile = "strict"
	// ProfileGRPCGateway answers clients as the handlers that grpc-gateway v2 generates do, set up as it sets them up by default.
	ProfileGRPCGateway Profile = "grpc-gateway"
	// ProfileEnvoy answers clients as Envoy's grpc_json_transcoder does.
	ProfileEnvoy Profile = "envoy"
)

// Profiles returns all profiles, the default first.
func Profiles() []Profile { return []Profile{ProfileStrict, ProfileGRPCGateway, ProfileEnvoy} }

// Flip is an answer in which a profile differs from ProfileStrict.
type Flip struct {
	// Statement is the number of the statement on transcoding that the answer is to; several may be answered by one setting.
	Statement int
	// Strict and Profile are the two answers.
	Strict, Profile string

	set func(*Config)
}

// Apply makes this answer, and no other, that of a configuration.
func (f *Flip) Apply(c *Config) { f.set(c) }

// Kept is an answer in which a profile does not follow the gateway that it is named after.
type Kept struct {
	// Statement is the number of the statement on transcoding.
	Statement int
	// Theirs is what that gateway does, Ours what every profile does.
	Theirs, Ours string
	// Reason is why it stays so.
	Reason string
}

// Config returns the configuration of a profile; "" is ProfileStrict.
func (p Profile) Config() (Config, error) {
	var c Config
	if p != "" && !slices.Contains(Profiles(), p) {
		return c, fmt.Errorf("profile is %.64q; it must be strict, grpc-gateway or envoy", string(p))
	}
	for _, f := range p.Flips() {
		f.Apply(&c)
	}
	return c, nil
}

// Flips returns the answers in which the profile differs from ProfileStrict, by statement.
func (p Profile) Flips() []Flip {
	switch p {
	case ProfileGRPCGateway:
		return slices.Clone(grpcGatewayFlips)
	case ProfileEnvoy:
		return slices.Clone(envoyFlips)
	case ProfileStrict:
	}
	return nil
}

// Kept returns the answers in which the profile does not follow its gateway, by statement.
func (p Profile) Kept() []Kept {
	switch p {
	case ProfileGRPCGateway:
		return slices.Clone(grpcGatewayKept)
	case ProfileEnvoy:
		return slices.Clone(envoyKept)
	case ProfileStrict:
	}
	return nil
}

func pathWins(c *Config)       { c.Bind.PathWins = true }
func ignoreQuery(c *Config)    { c.Bind.UnknownQuery = bind.IgnoreUnknown }
func lenientScalars(c *Config) { c.Bind.LenientScalars = true }
func anyContentType(c *Config) { c.AnyContentType = true }
func ignoreFields(c *Config)   { c.Bind.Decode.DiscardUnknown = true }
func wrapStreams(c *Config)    { c.Streams.Format = StreamWrapped }

func printNull(c *Config) {
	c.Encode.Defaults, c.DetailDefaults = codec.DefaultsNull, true
}
