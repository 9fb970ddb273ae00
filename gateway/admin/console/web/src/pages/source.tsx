// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Where something is written.

import type { Position } from '../api/types';
import { place } from '../ui/problem';

export function Declared({ position }: { position?: Position }) {
  const at = place(position);
  if (!at) return null;
  return (
    <p class="dim break">
      Declared in <code>{at}</code>
    </p>
  );
}
