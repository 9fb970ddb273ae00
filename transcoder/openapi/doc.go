// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package openapi provides the OpenAPI 3.1 document of the routes of a Mux: from descriptors alone, and as the transcoder really binds and writes.
//
// https://spec.openapis.org/oas/v3.1.1.html
package openapi
