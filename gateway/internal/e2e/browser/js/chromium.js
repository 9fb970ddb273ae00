// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

import { chromium } from 'playwright-core';

import { world } from './runner.js';

// launch starts the browser that this machine has. It believes in the test's own authority and in no other that it does not know.
export function launch() {
  const args = ['--ignore-certificate-errors-spki-list=' + world.pin];
  // The browser would else speak HTTP/3 from the second request on, where the first answer's Alt-Svc came in time.
  if (world.version === 'h3') args.push(`--origin-to-force-quic-on=${new URL(world.gateway).host}`);
  if (world.hosts) args.push('--host-resolver-rules=' + world.hosts);
  return chromium.launch({ executablePath: world.chromium, args });
}
