// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

import { defineConfig } from 'vite';

// admin is a gateway that runs, for `npm run dev`: the console has no data of its own to show.
const admin = process.env.DRAGOMAN_ADMIN ?? 'http://127.0.0.1:9901';
const proxy = { target: admin, changeOrigin: true, ws: true, headers: { origin: admin } };

export default defineConfig({
  base: '/console/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: process.env.DRAGOMAN_CONSOLE_OUT ?? '../dist',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // these know light-dark(), and no older ones
    assetsInlineLimit: 0, // what is inlined, the content security policy refuses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
  },
  server: { proxy: { '/api': proxy, '/events': proxy, '/try': proxy, '/openapi.json': proxy } },
});
