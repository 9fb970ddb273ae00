// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"fmt"
	"strconv"
)

// DefaultSamplePercent is the share of traces that are recorded, where nobody says.
const DefaultSamplePercent = 5

// Sampling returns which traces are recorded: the share in percent, and whether what a client says of its own does not count. percent is what
// the configuration says, nil for nothing: then OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG do.
//
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func Sampling(percent *float64, ignoreParent bool, getenv func(string) string) (float64, bool, error) {
	const all = 100.0
	if percent != nil {
		return *percent, ignoreParent, nil
	}
	ratio := func() (float64, error) {
		arg := getenv("OTEL_TRACES_SAMPLER_ARG")
		if arg == "" {
			return all, nil
		}
		n, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(n >= 0 && n <= 1) {
			return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q; it must be 0 to 1", arg)
		}
		return n * all, nil
	}
	switch sampler := getenv("OTEL_TRACES_SAMPLER"); sampler {
	case "":
		return DefaultSamplePercent, ignoreParent, nil
	case "always_on":
		return all, true, nil
	case "always_off":
		return 0, true, nil
	case "traceidratio":
		share, err := ratio()
		return share, true, err
	case "parentbased_always_on":
		return all, ignoreParent, nil
	case "parentbased_always_off":
		return 0, ignoreParent, nil
	case "parentbased_traceidratio":
		share, err := ratio()
		return share, ignoreParent, err
	default:
		return 0, false, fmt.Errorf("OTEL_TRACES_SAMPLER is %q; it must be one of always_on, always_off, traceidratio, and these with parentbased_ before them", sampler)
	}
}
