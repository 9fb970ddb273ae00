// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// REST by fetch: JSON, and streams as NDJSON, read as they come.

import { metadataOf } from '../backend.js';
import { equal, ok, rejects } from '../expect.js';
import { backend, decorated, endless, failing, forever, gateway, large, largeSize, slow, stream, three } from './world.js';

const headers = { 'content-type': 'application/json' };
const post = (path, json, more = {}) => fetch(gateway + path, { method: 'POST', headers: { ...headers, ...more.headers }, body: JSON.stringify(json), signal: more.signal });

// lines reads an answer line by line, as it comes.
async function* lines(answer) {
  let rest = '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const all = (rest + piece.value).split('\n');
    rest = all.pop();
    for (const line of all) yield JSON.parse(line);
  }
  equal(rest, '', 'what is behind the last line');
}

async function all(answer) {
  const got = [];
  for await (const record of lines(answer)) got.push(record);
  return got;
}

export function fetchCases() {
  return Object.fromEntries(Object.entries(cases).map(([name, run]) => [`fetch ${name}`, run]));
}

const cases = {
  async unary() {
    const answer = await post('/canary/v1/echo', decorated({ text: 'ä' }), { headers: { 'x-asked': 'a' } });
    equal(answer.status, 200, 'the status');
    equal(answer.headers.get('content-type'), 'application/json', 'the content type');
    equal(answer.headers.get('x-own'), 'h', 'the header x-own');
    equal(answer.headers.get('x-own-bin'), 'AP8', 'the header x-own-bin');
    ok(answer.headers.get('x-request-id'), 'the answer has no x-request-id');
    const { seen } = await answer.json();
    equal(seen.requestJson.startsWith('{"text":"ä"'), true, seen.requestJson);
    equal(metadataOf(seen, 'x-asked'), ['a'], 'x-asked at the backend');
    const got = await (await fetch(`${gateway}/canary/v1/users/7?text=x%20y`)).json();
    equal(got.seen.requestJson, '{"userId":"7","text":"x y"}', 'what the backend got of a path and a query');
  },

  async 'methods of HTTP'() {
    for (const [method, path, body] of [
      ['PUT', '/test/v1/things/1', '{"text":"x"}'],
      ['PATCH', '/test/v1/things/1', '{"title":"x"}'],
      ['DELETE', '/test/v1/things/1', undefined],
    ]) {
      const answer = await fetch(gateway + path, { method, body, headers: body ? headers : {} });
      equal(answer.status, 200, `the status of ${method}`);
      ok((await answer.json()).seen.method.toUpperCase().endsWith(`/${method}`), `${method} reached another method`);
    }
  },

  async error() {
    const answer = await post('/canary/v1/echo', failing());
    equal(answer.status, 404, 'the status');
    wantNotFound(await answer.json());
    const unknown = await fetch(`${gateway}/nowhere`);
    equal([unknown.status, (await unknown.json()).code], [404, 5], 'the answer where no method is');
  },

  async 'server stream'() {
    const answer = await post('/canary/v1/stream', { behavior: { ...decorated().behavior, ...three.behavior } });
    equal(answer.headers.get('content-type'), 'application/x-ndjson', 'the content type');
    equal(answer.headers.get('x-own'), 'h', 'the header x-own');
    equal((await all(answer)).map((r) => r.seen.sequence), [1, 2, 3], 'the messages');
  },

  async 'server stream as it comes'() {
    await backend.cancels(stream, async () => {
      const leave = new AbortController();
      const got = [];
      for await (const record of lines(await post('/canary/v1/stream', endless, { signal: leave.signal }))) {
        got.push(record.seen.sequence);
        if (got.length === 3) break;
      }
      equal(got, [1, 2, 3], 'the messages');
      leave.abort();
    });
  },

  async 'large messages'() {
    const lengths = (await all(await post('/canary/v1/stream', large))).map((r) => atob(r.payload).length);
    equal(lengths, [largeSize, largeSize, largeSize], 'the lengths');
  },

  async 'error of a stream before a message'() {
    const answer = await post('/canary/v1/stream', failing());
    equal(answer.status, 404, 'the status');
    wantNotFound(await answer.json());
  },

  async 'error of a stream after messages'() {
    const answer = await post('/canary/v1/stream', failing(2));
    equal(answer.status, 200, 'the status');
    const records = await all(answer);
    equal(records.slice(0, 2).map((r) => r.seen.sequence), [1, 2], 'the messages');
    equal(records.length, 3, 'the number of lines');
    wantNotFound(records[2].error);
  },

  // A JSON array has no place for an error, so it must not look whole. Where the reset comes on the heels of the head, the browser tells
  // of the reset alone.
  async 'array that breaks off'() {
    const whole = async () => (await post('/canary/v1/stream', failing(2), { headers: { accept: 'application/json' } })).text();
    equal((await rejects(whole(), 'the array')).name, 'TypeError', 'the error');
  },

  async deadline() {
    await backend.expires(slow, async (ms) => {
      const answer = await post('/canary/v1/slow', forever, { headers: { 'grpc-timeout': `${ms}m` } });
      equal([answer.status, (await answer.json()).code], [504, 4], 'the answer');
    });
  },

  async cancel() {
    await backend.cancels(slow, async (running) => {
      const leave = new AbortController();
      const call = rejects(post('/canary/v1/slow', forever, { signal: leave.signal }), 'the call');
      await running();
      leave.abort();
      equal((await call).name, 'AbortError', 'the error');
    });
  },
};

function wantNotFound(status) {
  equal([status.code, status.message], [5, 'no such thïng'], 'the status');
  equal(status.details, [{ '@type': 'type.googleapis.com/dragoman.test.v1.Metadata', key: 'why', values: ['gone'] }], 'the details');
}
