// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/introspection"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/mtls"
)

// Everybody is the alternative of a policy's Auth that asks nobody who they are.
const Everybody = "none"

// Auth says by what clients prove who they are.
type Auth struct {
	// Providers are in the order of their names, which are unique.
	Providers []AuthProvider
}

// AuthProvider is one way by which clients prove who they are. Exactly one kind is set.
type AuthProvider struct {
	// Name is what policies call it.
	Name string
	// ForwardCredentials leaves the fields with the credentials in what the backend gets.
	ForwardCredentials bool
	// EndStreams says that streams end when the credentials expire; nil means those over WebSocket.
	EndStreams *bool
	// JWT are tokens that an issuer has signed.
	JWT *jwt.Config
	// APIKey are keys that the operator gives out.
	APIKey *apikey.Config
	// Basic are names and passwords.
	Basic *basic.Config
	// MTLS are certificates of clients.
	MTLS *mtls.Config
	// ExtAuthz is a service that decides.
	ExtAuthz *extauthz.Config
	// Introspection are tokens that their issuer is asked about.
	Introspection *introspection.Config
}
