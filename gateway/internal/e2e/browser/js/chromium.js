// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

import { chromium } from 'playwright-core';

import { world } from './runner.js';

// launch starts the browser that this machine has. It believes in the test's own authority and in no other that it does not know.
export function launch() {
  const args = ['--ignore-certificate-errors-spki-list=' + world.pin];
  if (world.hosts) args.push('--host-resolver-rules=' + world.hosts);
  return chromium.launch({ executablePath: world.chromium, args });
}
