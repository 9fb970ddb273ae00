// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What a request would meet, step by step, without sending it.

import { Empty } from '../ui/parts';

export function Explain(_: { verb: string; path: string }) {
  return <Empty>…</Empty>;
}
