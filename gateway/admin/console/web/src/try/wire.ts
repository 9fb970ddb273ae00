// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The envelopes of Connect and gRPC-Web: a byte of flags, four of length, and the message.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Frame {
  flags: number;
  text: string;
  size: number;
}

/** envelope puts messages into envelopes. */
export function envelope(messages: string[]): Uint8Array<ArrayBuffer> {
  const parts = messages.map((m) => encoder.encode(m));
  const out = new Uint8Array(parts.reduce((n, p) => n + 5 + p.length, 0));
  let at = 0;
  for (const p of parts) {
    new DataView(out.buffer).setUint32(at + 1, p.length);
    out.set(p, at + 5);
    at += 5 + p.length;
  }
  return out;
}

/** most is the size of the largest message that is read: pages have to show it. */
const most = 16 << 20;

/** readFrames calls on with each envelope of a body as it comes. */
export async function readFrames(body: ReadableStream<Uint8Array>, on: (f: Frame) => void): Promise<void> {
  const reader = body.getReader();
  let buffer = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const next = new Uint8Array(buffer.length + value.length);
    next.set(buffer);
    next.set(value, buffer.length);
    buffer = next;
    while (buffer.length >= 5) {
      const size = new DataView(buffer.buffer, buffer.byteOffset).getUint32(1);
      if (size > most) throw new Error(`a message of ${size} bytes is larger than the console shows`);
      if (buffer.length < 5 + size) break;
      on({ flags: buffer[0], text: decoder.decode(buffer.subarray(5, 5 + size)), size });
      buffer = buffer.slice(5 + size);
    }
  }
  if (buffer.length) throw new Error('the answer ends in the middle of a message');
}

/** readLines calls on with each line of a body as it comes. */
export async function readLines(body: ReadableStream<Uint8Array>, on: (line: string) => void): Promise<void> {
  const reader = body.getReader();
  const text = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (done ? text.decode() : text.decode(value, { stream: true }))).split('\n');
    rest = done ? '' : lines.pop()!;
    for (const line of lines) if (line.trim()) on(line);
    if (done) return;
  }
}

export const codes = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
];

export function codeName(n: number): string {
  return codes[n] ?? String(n);
}
