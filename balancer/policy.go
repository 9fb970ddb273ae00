// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// DefaultPolicy returns the policy of a [Config] that names none: the adaptive one, with passive
// ejection. Decision 10 has the figures.
func DefaultPolicy() picker.Policy {
	adaptive, err := picker.NewAdaptive(picker.AdaptiveConfig{})
	if err != nil {
		panic(err) //nolint:forbidigo // the settings are constants, and every channel of the tests is opened with them
	}
	policy, err := outlier.New(outlier.Config{Policy: adaptive})
	if err != nil {
		panic(err) //nolint:forbidigo // as above
	}
	return policy
}
