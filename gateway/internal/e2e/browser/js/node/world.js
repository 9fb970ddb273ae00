// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What the cases of Node share.

import { Backend } from '../backend.js';
import { world } from '../runner.js';

export const backend = new Backend(world.site);
export const registry = await backend.registry();
