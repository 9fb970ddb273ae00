// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// What the environment says comes first, then the cgroup; without either there is no limit.
func TestApply(t *testing.T) {
	const mebibyte = 1 << 20
	limited := func() (uint64, error) { return 512 * mebibyte, nil }
	failing := func(err error) func() (uint64, error) { return func() (uint64, error) { return 0, err } }
	never := func() (uint64, error) { t.Error("the cgroup was asked"); return 0, nil }
	denied := errors.New("permission denied")
	for _, tt := range []struct {
		name, goLimit, percent string
		cgroup                 func() (uint64, error)
		want                   Limit
		set                    int64 // -2 for nothing
		wrong                  string
	}{
		{"of the cgroup, nine tenths", "", "", limited, Limit{Bytes: 512 * mebibyte * 9 / 10, Cgroup: 512 * mebibyte, From: "cgroup"}, 512 * mebibyte * 9 / 10, ""},
		{"another share", "", "50", limited, Limit{Bytes: 256 * mebibyte, Cgroup: 512 * mebibyte, From: "cgroup"}, 256 * mebibyte, ""},
		{"all of it", "", "100", limited, Limit{Bytes: 512 * mebibyte, Cgroup: 512 * mebibyte, From: "cgroup"}, 512 * mebibyte, ""},
		{"turned off", "", "off", never, Limit{From: PercentVariable}, -2, ""},
		{"Go was told", "1GiB", "", never, Limit{Bytes: 1024 * mebibyte, From: GoVariable}, -1, ""},
		{"Go was told, and so are we", "1GiB", "50", never, Limit{Bytes: 1024 * mebibyte, From: GoVariable}, -1, ""},
		{"a cgroup without a limit", "", "", failing(fmt.Errorf("read: %w", memlimit.ErrNoLimit)), Limit{}, -2, ""},
		{"no cgroup", "", "", failing(memlimit.ErrNoCgroup), Limit{}, -2, ""},
		{"another system", "", "", failing(memlimit.ErrCgroupsNotSupported), Limit{}, -2, ""},
		{"a limit that is none", "", "", func() (uint64, error) { return math.MaxUint64, nil }, Limit{}, -2, ""},
		{"a cgroup that cannot be read", "", "", failing(denied), Limit{Unknown: denied}, -2, ""},
		{"nothing at all", "", "0", never, Limit{}, -2, `DRAGOMAN_MEMORY_PERCENT is "0"; it must be a whole number from 1 to 100, or off`},
		{"more than there is", "", "101", never, Limit{}, -2, `DRAGOMAN_MEMORY_PERCENT is "101"; it must be a whole number from 1 to 100, or off`},
		{"no number", "", "most", never, Limit{}, -2, `DRAGOMAN_MEMORY_PERCENT is "most"; it must be a whole number from 1 to 100, or off`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(GoVariable, tt.goLimit)
			t.Setenv(PercentVariable, tt.percent)
			set := int64(-2)
			got, err := apply(tt.cgroup, func(bytes int64) int64 {
				set = bytes
				return 1024 * mebibyte
			})
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != tt.want || set != tt.set || text != tt.wrong {
				t.Errorf("got %+v, set %d, %q; want %+v, set %d, %q", got, set, text, tt.want, tt.set, tt.wrong)
			}
		})
	}
}
