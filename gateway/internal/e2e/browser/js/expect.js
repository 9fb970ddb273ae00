// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What cases say of what they want; it throws where that is not so.

export function ok(value, what) {
  if (!value) throw new Error(what);
}

export function equal(got, want, what) {
  const [g, w] = [text(got), text(want)];
  if (g !== w) throw new Error(`${what} is ${g}; want ${w}`);
}

// rejects returns what a promise is rejected with.
export async function rejects(promise, what) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what} came to ${text(value)}; it had to fail`);
}

function text(value) {
  return JSON.stringify(value, (_, v) => {
    if (typeof v === 'bigint') return `${v}n`;
    return v instanceof Uint8Array ? Array.from(v) : v;
  });
}
