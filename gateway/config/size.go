// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strconv"
	"strings"
)

// units are those of sizes; the pattern in the schema has the same. Longer names stand before their endings.
var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"kB", 1000},
	{"MB", 1000 * 1000},
	{"B", 1},
}

// ParseSize returns the bytes of a size as the configuration has it, such as 4MiB. The error says what it must be.
func ParseSize(s string) (int64, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		// 31 bits leave room for the unit.
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil {
			return 0, fmt.Errorf("size is %q; it must be a whole number and a unit, such as 4MiB", s)
		}
		return int64(n) * u.bytes, nil
	}
	return 0, fmt.Errorf("size is %q; it must end in one of B, KiB, MiB, GiB, kB and MB", s)
}

// FormatSize writes a size as the configuration has it, with the largest unit that leaves a whole number.
func FormatSize(n int64) string {
	for _, u := range []int{2, 1, 0} { // GiB, MiB, KiB
		if n >= units[u].bytes && n%units[u].bytes == 0 {
			return strconv.FormatInt(n/units[u].bytes, 10) + units[u].name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
