// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package envoy provides the way from a configuration of Envoy to one of ours, with a note for all that has no place there.
//
// [Convert] goes through these stops:
//
//   - read.go: files to Envoy's messages, strictly: what version 3 of its API does not know is a problem with its place
//   - listener.go, manager.go, transcoder.go, route.go, cluster.go and the others: messages to settings
//   - service.go: what routes by paths, hosts and header fields becomes entries of services
//   - write.go: settings to YAML
//
// Nothing is dropped in silence: each stop names the fields that it takes into account, and [conversion.rest] writes a note for
// every other one that is set. A test sets each field of what is read, and asks for a difference in the settings or a note.
package envoy
