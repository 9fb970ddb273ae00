// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// @connectrpc/connect-web, in each protocol and form that it speaks.

import { Code, ConnectError, createClient, decodeBinaryHeader } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';

import { metadataOf } from '../backend.js';
import { equal, ok, rejects } from '../expect.js';
import { backend, decorated, detail, echo, endless, failing, forever, gateway, large, largeSize, registry, request, service, slow, stream, three } from './world.js';

const options = (binary) => ({ baseUrl: gateway, useBinaryFormat: binary, jsonOptions: { registry } });
const transports = {
  'connect+proto': (more) => createConnectTransport({ ...options(true), ...more }),
  'connect+json': (more) => createConnectTransport({ ...options(false), ...more }),
  'grpc-web+proto': (more) => createGrpcWebTransport({ ...options(true), ...more }),
  'grpc-web+json': (more) => createGrpcWebTransport({ ...options(false), ...more }),
};

export function connectCases() {
  const cases = {};
  for (const [name, transport] of Object.entries(transports)) {
    for (const [what, run] of Object.entries(ofAll)) {
      cases[`${name} ${what}`] = () => run((more) => createClient(registry.getService(service), transport(more)));
    }
  }
  for (const name of ['connect+proto', 'connect+json']) {
    cases[`${name} GET`] = () => get((more) => createClient(registry.getService(service), transports[name](more)));
  }
  return cases;
}

const ofAll = {
  async unary(client) {
    let header, trailer;
    const answer = await client().echo(request(decorated({ text: 'ä\u0000"', numbers: ['9223372036854775807'], data: 'AP8=' })), {
      headers: { 'x-asked': 'a' },
      onHeader: (h) => { header = h; },
      onTrailer: (t) => { trailer = t; },
    });
    equal(answer.seen.requestJson.startsWith('{"text":"ä\\u0000\\"","numbers":["9223372036854775807"],"data":"AP8="'), true, answer.seen.requestJson);
    equal(metadataOf(answer.seen, 'x-asked'), ['a'], 'x-asked at the backend');
    equal(metadataOf(answer.seen, 'origin'), [], 'origin at the backend');
    equal(header.get('x-own'), 'h', 'the header x-own');
    equal(decodeBinaryHeader(header.get('x-own-bin')), new Uint8Array([0, 255]), 'the header x-own-bin');
    equal(trailer.get('x-end'), 't', 'the trailer x-end');
  },

  async 'server stream'(client) {
    const got = [];
    let header, trailer;
    const call = client().stream(request({ behavior: { ...decorated().behavior, ...three.behavior } }), {
      onHeader: (h) => { header = h; },
      onTrailer: (t) => { trailer = t; },
    });
    for await (const message of call) got.push(message.seen.sequence);
    equal(got, [1, 2, 3], 'the messages');
    equal(header.get('x-own'), 'h', 'the header x-own');
    equal(trailer.get('x-end'), 't', 'the trailer x-end');
  },

  // The messages come while the stream goes on, for it never ends; the backend sees that the page has left.
  async 'server stream as it comes'(client) {
    await backend.cancels(stream, async () => {
      const got = [];
      for await (const message of client().stream(request(endless))) {
        got.push(message.seen.sequence);
        if (got.length === 3) break;
      }
      equal(got, [1, 2, 3], 'the messages');
    });
  },

  async 'large messages'(client) {
    const got = [];
    for await (const message of client().stream(request(large))) got.push(message.payload.length);
    equal(got, [largeSize, largeSize, largeSize], 'the lengths');
  },

  async error(client) {
    const error = await rejects(client().echo(request(failing())), 'the call');
    wantNotFound(error);
    // Where there is nothing but an error, its trailers are in its metadata.
    equal(error.metadata.get('x-end'), 't', 'the trailer x-end');
  },

  async 'error of a stream before a message'(client) {
    const got = [];
    wantNotFound(await rejects(collect(client().stream(request(failing())), got), 'the stream'));
    equal(got, [], 'the messages');
  },

  async 'error of a stream after messages'(client) {
    const got = [];
    const error = await rejects(collect(client().stream(request(failing(2))), got), 'the stream');
    wantNotFound(error);
    equal(got, [1, 2], 'the messages');
    equal(error.metadata.get('x-end'), 't', 'the trailer x-end');
  },

  // The client has a timer of its own; that the deadline is the backend's too is seen there.
  async deadline(client) {
    const ms = await backend.expires(slow, async (timeoutMs) => {
      const error = await rejects(client().slow(request(forever), { timeoutMs }), 'the call');
      equal(Code[ConnectError.from(error).code], 'DeadlineExceeded', 'the code');
    });
    const left = (await backend.last(slow)).deadlineLeft;
    ok(left && Number.parseFloat(left) <= ms / 1000, `the backend has ${left} left of ${ms} ms`);
  },

  async cancel(client) {
    await backend.cancels(slow, async (running) => {
      const leave = new AbortController();
      const call = rejects(client().slow(request(forever), { signal: leave.signal }), 'the call');
      await running();
      leave.abort();
      equal(Code[ConnectError.from(await call).code], 'Canceled', 'the code');
    });
  },

  async 'refused by the gateway'(client) {
    await backend.untouched(echo, async () => {
      const error = await rejects(client().echo(request({}), { headers: { 'x-asked-bin': '%' } }), 'the call');
      equal(Code[error.code], 'InvalidArgument', 'the code');
      ok(error.rawMessage.includes('base64'), `it says ${error.rawMessage}`);
    });
  },
};

// get calls what has no side effects by GET, which needs no preflight.
async function get(client) {
  const sent = [];
  const own = client({
    useHttpGet: true,
    fetch: (url, init) => {
      sent.push([init.method ?? 'GET', new URL(url).pathname]);
      return fetch(url, init);
    },
  });
  const answer = await own.echo(request(decorated({ text: 'ä&=?' })));
  equal(answer.seen.requestJson.startsWith('{"text":"ä&=?"'), true, answer.seen.requestJson);
  wantNotFound(await rejects(own.echo(request(failing())), 'the call'));
  equal(sent.splice(0), [['GET', echo], ['GET', echo]], 'what was sent');
  let id;
  await backend.unasked(async () => {
    await own.echo(request({ text: String(performance.now()) }), { onHeader: (h) => { id = h.get('x-request-id'); } });
    return id;
  });
  sent.length = 0;
  await own.slow(request({ behavior: { sleep: '0.001s' } })); // it may have side effects
  equal(sent, [['POST', slow]], 'what was sent');
}

async function collect(call, got) {
  for await (const message of call) got.push(message.seen.sequence);
}

function wantNotFound(error) {
  equal(Code[ConnectError.from(error).code], 'NotFound', `the code of ${error}`);
  equal(error.rawMessage, 'no such thïng', 'the message');
  equal(error.findDetails(detail).map((d) => [d.key, d.values]), [['why', ['gone']]], 'the details');
}
