// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"fmt"
	"testing"
)

// Names of methods come from clients: however many there are, so many are remembered.
func TestMethodsAreBounded(t *testing.T) {
	t.Parallel()
	m := newMethods()
	for i := range 3 * maxMethods {
		m.of(fmt.Sprint("/s/", i)).sample(1, int64(i))
	}
	if n := len(*m.known.Load()); n != maxMethods {
		t.Errorf("%d methods are known, want %d", n, maxMethods)
	}
	if m.of("/s/another") != &m.others || m.of("/s/7") == &m.others {
		t.Error("a method has another's mean")
	}
	if got := m.of("/s/7").relative(3, 0); got != 3 {
		t.Errorf("three times the mean is %v", got)
	}
	if got := new(methodMean).relative(3, 0); got != 1 {
		t.Errorf("without a mean a latency is %v of it", got)
	}
}
