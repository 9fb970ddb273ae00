// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package faults provides what tests of faults and threats must know of the machine: whether it is theirs alone.
package faults

import "os"

// variable is set by make faults.
const variable = "DRAGOMAN_FAULTS"

// Held tells whether figures of time and of shares are held as the rows of the faults have them, and whether tests last as long as those say. Otherwise
// other work on the machine would fail them, and they would last too long for every day.
func Held() bool { return os.Getenv(variable) != "" }
