// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package config provides the configuration: it reads the file and says everything that is wrong with it.
//
// The file's schema is proto/dragoman/config/v1, whose comments are its manual (decision 3). [Parse] goes through these
// stops; each collects what it finds, and what one stop has refused the next ones are silent about:
//
//   - syntax.go: bytes to YAML nodes, or the one syntax error with its line
//   - decode.go, scalar.go, env.go: nodes to the schema's message; unknown, repeated and empty keys, wrong types, variables
//   - rules.go: the rules that stand in the schema, by protovalidate
//   - compile_*.go: the message to a [Config], the form in which each part of the gateway wants its own; what only
//     several fields together show to be wrong
//
// Nothing outside of this package sees the message, so a field of the file can move without a change elsewhere. A Config
// can be made without a file, too: fill in one and call [Config.SetDefaults].
package config
