// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

// Relinked returns how many descriptors the last good load made new.
func (s *Source) Relinked() int { return s.good.linked.Relinked }
