// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Runs cases one after the other, and says of each how it went, in a line of JSON.

// limit is how long a case may take. None takes that long unless something is broken, or the machine has much else to do.
const limit = 60_000;

// world is what the test says: addresses, files.
export const world = JSON.parse(process.env.DRAGOMAN_WORLD ?? '{}');

// runCase runs a case; run rejects, or resolves to a text, where it fails.
export async function runCase(name, run) {
  const from = performance.now();
  let error = '';
  try {
    error = (await Promise.race([run(), expiry()])) ?? '';
  } catch (e) {
    error = e?.stack ?? String(e);
  }
  say(name, error, performance.now() - from);
  return error === '';
}

export function say(name, error, ms) {
  process.stdout.write(JSON.stringify({ case: name, error, ms }) + '\n');
}

// end ends the process, when all is said, also where a case that failed left something open.
export function end() {
  process.stdout.write('', () => process.exit());
}

function expiry() {
  return new Promise((resolve) => {
    setTimeout(resolve, limit, `it did not end within ${limit} ms`).unref();
  });
}
