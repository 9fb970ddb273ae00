// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// @connectrpc/connect-node: three protocols over Node's own HTTP/2, streams of all kinds among them, which pages do not have.

import { readFileSync } from 'node:fs';

import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { fromJson } from '@bufbuild/protobuf';

import { equal, rejects } from '../expect.js';
import { world } from '../runner.js';
import { backend, registry } from './world.js';

const options = {
  baseUrl: `${world.authority ? 'https' : 'http'}://${world.gateway}`,
  httpVersion: '2',
  nodeOptions: world.authority ? { ca: readFileSync(world.authority), servername: 'localhost' } : {},
  jsonOptions: { registry },
};
const transports = {
  'connect+proto': () => createConnectTransport({ ...options, useBinaryFormat: true }),
  'connect+json': () => createConnectTransport({ ...options, useBinaryFormat: false }),
  'connect over HTTP/1.1': () => createConnectTransport({ ...options, httpVersion: '1.1' }),
  grpc: () => createGrpcTransport(options),
  'grpc-web': () => createGrpcWebTransport(options),
};

const type = (name) => registry.getMessage(`dragoman.test.v1.${name}`);
const request = (json) => fromJson(type('CanaryRequest'), json, { registry });
const forever = { behavior: { sleep: '600s' } };
const slow = '/dragoman.test.v1.EchoService/Slow';
const failing = (messages = 0) => ({
  behavior: {
    messages,
    status: {
      code: 5,
      message: 'no such thïng',
      details: [{ '@type': 'type.googleapis.com/dragoman.test.v1.Metadata', key: 'why', values: ['gone'] }],
    },
  },
});

export function connectCases() {
  const all = {};
  for (const [name, transport] of Object.entries(transports)) {
    const client = (service) => createClient(registry.getService(`dragoman.test.v1.${service}`), transport());
    for (const [what, run] of Object.entries(cases)) {
      if (what === 'both ways' && name === 'connect over HTTP/1.1') continue; // HTTP/1.1 cannot
      all[`connect-node, ${name}: ${what}`] = () => run(client);
    }
  }
  return all;
}

const cases = {
  async unary(client) {
    const answer = await client('EchoService').echo(request({ text: 'ä' }));
    equal(answer.seen.requestJson, '{"text":"ä"}', 'what the backend got');
  },

  async 'client stream'(client) {
    async function* three() {
      for (const id of ['a', 'b', 'c']) yield fromJson(type('BindRequest'), { id });
    }
    const answer = await client('StreamService').collect(three());
    equal([answer.seen.sequence, answer.seen.requestJson], [3, '{"id":"c"}'], 'the answer');
  },

  // Each answer comes before the next question.
  async 'both ways'(client) {
    let next;
    const texts = ['a', 'ä', 'c'];
    async function* questions() {
      for (const text of texts) {
        const answered = new Promise((resolve) => { next = resolve; });
        yield request({ text });
        await answered;
      }
    }
    const got = [];
    for await (const answer of client('EchoService').converse(questions())) {
      got.push(JSON.parse(answer.seen.requestJson).text);
      next();
    }
    equal(got, texts, 'the answers');
  },

  async 'error of a stream after messages'(client) {
    const got = [];
    const error = await rejects((async () => {
      for await (const message of client('EchoService').stream(request(failing(2)))) got.push(message.seen.sequence);
    })(), 'the stream');
    equal(got, [1, 2], 'the messages');
    equal([Code[error.code], error.rawMessage], ['NotFound', 'no such thïng'], 'the error');
    equal(error.findDetails(type('Metadata')).map((d) => [d.key, d.values]), [['why', ['gone']]], 'the details');
  },

  async cancel(client) {
    await backend.cancels(slow, async (running) => {
      const leave = new AbortController();
      const call = rejects(client('EchoService').slow(request(forever), { signal: leave.signal }), 'the call');
      await running();
      leave.abort();
      equal(Code[ConnectError.from(await call).code], 'Canceled', 'the code');
    });
  },
};
