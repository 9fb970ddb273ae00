// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Reads Server-Sent Events by fetch: EventSource cannot send a token.

export interface ServerEvent {
  event: string;
  data: string;
}

/** readEvents calls on with each event of a body, until it ends. */
export async function readEvents(body: ReadableStream<Uint8Array>, on: (e: ServerEvent) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  let event = '';
  let data: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (data.length) on({ event: event || 'message', data: data.join('\n') });
        event = '';
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line.startsWith('event:')) event = line.slice(6).trim();
    }
  }
}
