// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Makes one script for pages of what they import.

import { build } from 'esbuild';

await build({
  entryPoints: ['page.js'],
  outdir: 'built',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  sourcemap: 'inline',
  logLevel: 'warning',
});
