// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package packaging has no code but the tests of what deploy/ holds: the image, the chart and the packages. `make package-check` runs them,
// with the programs that they need.
package packaging
