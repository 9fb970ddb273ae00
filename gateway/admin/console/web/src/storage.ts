// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What the browser keeps for the console, on this machine. It may be closed to pages; then nothing is kept.

const prefix = 'dragoman.';

/** read returns what was kept, or what is to be otherwise. A plain word is itself. */
export function read<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(prefix + name);
    if (text === null) return otherwise;
    return (/^[a-z]+$/.test(text) ? text : JSON.parse(text)) as T;
  } catch {
    return otherwise;
  }
}

/** write keeps a value; plain keeps a word as it is. */
export function write(name: string, value: unknown, plain = false): void {
  try {
    localStorage.setItem(prefix + name, plain ? String(value) : JSON.stringify(value));
  } catch {
    // full, or closed
  }
}
