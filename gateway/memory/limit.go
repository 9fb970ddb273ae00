// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package memory provides a bound for what the process uses: most of what its cgroup may have, so that the garbage collector works
// harder before the kernel ends the process.
package memory

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Variables of the environment. That of Go wins: whoever sets it means it.
const (
	GoVariable      = "GOMEMLIMIT"
	PercentVariable = "DRAGOMAN_MEMORY_PERCENT"
)

// DefaultPercent is how much of the cgroup's memory the process takes. The rest is for what the garbage collector does not count: the
// kernel's buffers of sockets, pages of files, and stacks of threads.
const DefaultPercent = 90

// Off is the value of PercentVariable with which nothing is limited.
const Off = "off"

// everything is all that a cgroup has.
const everything = 100

// Limit is what the process is held to.
type Limit struct {
	// Bytes is the limit; 0 for none.
	Bytes int64
	// Cgroup is what the cgroup may have; 0 where it has no limit or was not asked.
	Cgroup uint64
	// From is the variable of the environment that says so, "cgroup", or "" for none.
	From string
	// Unknown is why the cgroup does not tell, in which case there is no limit; nil where it tells, or was not asked.
	Unknown error
}

// Apply sets the limit of the process, once, before it serves. The error says which variable of the environment is wrong.
func Apply() (Limit, error) {
	return apply(memlimit.FromCgroup, debug.SetMemoryLimit)
}

func apply(cgroup func() (uint64, error), set func(int64) int64) (Limit, error) {
	if os.Getenv(GoVariable) != "" {
		if bytes := set(-1); bytes != math.MaxInt64 { // the runtime has read it
			return Limit{Bytes: bytes, From: GoVariable}, nil
		}
		return Limit{From: GoVariable}, nil
	}
	text, percent := os.Getenv(PercentVariable), DefaultPercent
	switch text {
	case "":
	case Off:
		return Limit{From: PercentVariable}, nil
	default:
		var err error
		if percent, err = strconv.Atoi(text); err != nil || percent < 1 || percent > everything {
			return Limit{}, fmt.Errorf("%s is %q; it must be a whole number from 1 to %d, or %s", PercentVariable, text, everything, Off)
		}
	}
	all, err := cgroup()
	switch {
	case errors.Is(err, memlimit.ErrNoLimit), errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported):
		return Limit{}, nil
	case err != nil:
		return Limit{Unknown: err}, nil
	case all == 0 || all > math.MaxInt64:
		return Limit{}, nil
	}
	l := Limit{Bytes: int64(all/everything)*int64(percent) + int64(all%everything)*int64(percent)/everything, Cgroup: all, From: "cgroup"}
	set(l.Bytes)
	return l, nil
}

// LogValue tells what the process may use, and how many threads of it run at a time: Go asks the cgroup for that itself.
func (l Limit) LogValue() slog.Value {
	attributes := []slog.Attr{slog.Int("cpus", runtime.GOMAXPROCS(0)), slog.Int64("memory", l.Bytes)}
	if l.Cgroup > 0 {
		attributes = append(attributes, slog.Uint64("cgroup_memory", l.Cgroup))
	}
	if l.From != "" {
		attributes = append(attributes, slog.String("from", l.From))
	}
	if l.Unknown != nil {
		attributes = append(attributes, slog.Any("error", l.Unknown))
	}
	return slog.GroupValue(attributes...)
}
