// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package networktest provides networks of their own to tests, in which packets can be dropped without harm to anybody. Only Linux has them.
package networktest
