// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package etcd_test

// raceDetector tells whether this test was built with the race detector. Then the gateway is, too.
const raceDetector = true
