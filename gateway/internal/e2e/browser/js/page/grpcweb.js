// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The grpc-web package, gRPC's own client for pages, in both of its modes. In binary it has no streams.

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpcweb from 'grpc-web';

import { metadataOf } from '../backend.js';
import { equal, ok } from '../expect.js';
import { backend, decorated, detail, echo, endless, failing, forever, gateway, large, largeSize, registry, request, response, slow, stream, three } from './world.js';

// rpcStatus is google.rpc.Status, what grpc-status-details-bin holds.
const rpcStatus = registry.getMessage('google.rpc.Status');

// method is what generated code would have; messages are made and read by descriptors.
function method(path, type) {
  const input = registry.getMessage('dragoman.test.v1.CanaryRequest');
  return new grpcweb.MethodDescriptor(path, type, Object, Object, (m) => toBinary(input, m), (bytes) => fromBinary(response, bytes));
}

const methods = {
  echo: method(echo, 'unary'),
  slow: method(slow, 'unary'),
  stream: method(stream, 'server_streaming'),
};

export function grpcWebCases() {
  const cases = {};
  for (const format of ['text', 'binary']) {
    const client = new grpcweb.GrpcWebClientBase({ format });
    for (const [what, run] of Object.entries(unaryCases)) cases[`grpc-web package, ${format}: ${what}`] = () => run(client);
  }
  const client = new grpcweb.GrpcWebClientBase({ format: 'text' });
  for (const [what, run] of Object.entries(streamCases)) cases[`grpc-web package, text: ${what}`] = () => run(client);
  return cases;
}

// unary calls a method and returns all that the client tells of it.
function unary(client, m, asked, metadata = {}) {
  const told = { metadata: {} };
  let call;
  told.ended = new Promise((resolve) => {
    call = client.rpcCall(gateway + m.getName(), request(asked), metadata, m, (error, message) => {
      Object.assign(told, { error, message });
      resolve(told); // the status has come before
    });
    call.on('metadata', (md) => Object.assign(told.metadata, md));
    call.on('status', (status) => { told.status = status; });
  });
  told.cancel = () => call.cancel();
  return told;
}

const unaryCases = {
  async unary(client) {
    const told = await unary(client, methods.echo, decorated({ text: 'ä' }), { 'x-asked': 'a' }).ended;
    if (told.error) throw told.error;
    equal(told.status.code, 0, 'the code');
    equal(told.message.seen.requestJson.startsWith('{"text":"ä"'), true, told.message.seen.requestJson);
    equal(metadataOf(told.message.seen, 'x-asked'), ['a'], 'x-asked at the backend');
    equal(told.metadata['x-own'], 'h', 'the header x-own');
    equal(told.metadata['x-own-bin'], 'AP8', 'the header x-own-bin');
    equal(told.status.metadata['x-end'], 't', 'the trailer x-end');
  },

  async error(client) {
    const { error } = await unary(client, methods.echo, failing()).ended;
    wantNotFound(error);
  },

  // This client has no timer: the deadline is held by the gateway alone.
  async deadline(client) {
    await backend.expires(slow, async (ms) => {
      const { error } = await unary(client, methods.slow, forever, { deadline: String(Date.now() + ms) }).ended;
      equal(error?.code, grpcweb.StatusCode.DEADLINE_EXCEEDED, `the code of ${error}`);
    });
  },

  async cancel(client) {
    await backend.cancels(slow, async (running) => {
      const call = unary(client, methods.slow, forever);
      await running();
      call.cancel();
    });
  },
};

// streamed opens a stream and returns what comes of it, as it comes.
function streamed(client, asked) {
  const call = client.serverStreaming(gateway + stream, request(asked), {}, methods.stream);
  const told = { call, messages: [], lengths: [], metadata: {} };
  let wake;
  const changed = () => new Promise((resolve) => { wake = resolve; });
  let next = changed();
  const note = (change) => {
    change();
    wake();
    next = changed();
  };
  call.on('data', (m) => note(() => {
    told.messages.push(m.seen.sequence);
    told.lengths.push(m.payload.length);
  }));
  call.on('metadata', (md) => note(() => Object.assign(told.metadata, md)));
  call.on('status', (status) => note(() => { told.status = status; }));
  call.on('error', (error) => note(() => { told.error = error; }));
  call.on('end', () => note(() => { told.end = true; }));
  told.until = async (enough) => {
    while (!enough(told)) await next;
    return told;
  };
  return told;
}

const streamCases = {
  async 'server stream'(client) {
    const told = await streamed(client, { behavior: { ...decorated().behavior, ...three.behavior } }).until((s) => s.end);
    equal(told.messages, [1, 2, 3], 'the messages');
    equal(told.status.code, 0, 'the code');
    equal(told.metadata['x-own'], 'h', 'the header x-own');
    equal(told.status.metadata['x-end'], 't', 'the trailer x-end');
    ok(!told.error, `it failed: ${told.error}`);
  },

  async 'server stream as it comes'(client) {
    await backend.cancels(stream, async () => {
      const told = await streamed(client, endless).until((s) => s.messages.length >= 3 || s.error);
      if (told.error) throw told.error;
      told.call.cancel();
      equal(told.messages.slice(0, 3), [1, 2, 3], 'the messages');
      ok(!told.end, 'the stream has ended');
    });
  },

  async 'large messages'(client) {
    const told = await streamed(client, large).until((s) => s.end || s.error);
    equal(told.lengths, [largeSize, largeSize, largeSize], 'the lengths');
    ok(!told.error, `it failed: ${told.error}`);
  },

  async 'error of a stream before a message'(client) {
    const told = await streamed(client, failing()).until((s) => s.error);
    equal(told.messages, [], 'the messages');
    wantNotFound(told.error);
  },

  async 'error of a stream after messages'(client) {
    const told = await streamed(client, failing(2)).until((s) => s.error);
    equal(told.messages, [1, 2], 'the messages');
    wantNotFound(told.error);
  },
};

function wantNotFound(error) {
  equal(error?.code, grpcweb.StatusCode.NOT_FOUND, `the code of ${error}`);
  equal(error.message, 'no such thïng', 'the message');
  equal(error.metadata['x-end'], 't', 'the trailer x-end');
  const padded = error.metadata['grpc-status-details-bin'];
  const bytes = Uint8Array.from(atob(padded), (c) => c.charCodeAt(0));
  const details = fromBinary(rpcStatus, bytes).details.map((any) => fromBinary(detail, any.value));
  equal(details.map((d) => [d.key, d.values]), [['why', ['gone']]], 'the details');
}
