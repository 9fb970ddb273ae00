// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// WebSocket: all kinds of calls, in JSON and in protobuf.

import { fromBinary, toBinary } from '@bufbuild/protobuf';

import { metadataOf } from '../backend.js';
import { equal, ok } from '../expect.js';
import { backend, converse, echo, endless, failing, gateway, registry, request, response, slow, stream, forever, three } from './world.js';

export function socketCases() {
  return Object.fromEntries(Object.entries(cases).map(([name, run]) => [`WebSocket ${name}`, run]));
}

const input = registry.getMessage('dragoman.test.v1.CanaryRequest');

// Talk is a WebSocket whose messages are taken one by one.
export class Talk {
  constructor(path, protocols) {
    this.socket = new WebSocket(gateway.replace(/^http/, 'ws') + path, protocols);
    this.socket.binaryType = 'arraybuffer';
    this.opened = new Promise((resolve) => { this.socket.onopen = () => resolve(true); });
    this.queue = [];
    this.waiting = [];
    this.socket.onmessage = (event) => this.put(event.data);
    this.closed = new Promise((resolve) => {
      this.socket.onclose = ({ code, reason, wasClean }) => {
        this.put(undefined);
        resolve({ code, reason, wasClean });
      };
    });
  }

  put(data) {
    const taker = this.waiting.shift();
    if (taker) taker(data);
    else this.queue.push(data);
  }

  // next returns the next message, undefined at the end.
  next() {
    if (this.queue.length > 0) return this.queue.shift();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async json() {
    const data = await this.next();
    if (typeof data !== 'string') throw new Error(`${typeof data} came; ${JSON.stringify(await Promise.race([this.closed, 'open']))}`);
    return JSON.parse(data);
  }
}

// open connects; a connection that does not come to be fails.
export async function open(path, protocols) {
  const talk = new Talk(path, protocols);
  const closed = await Promise.race([talk.opened, talk.closed]);
  if (closed !== true) throw new Error(`it is closed at once: ${JSON.stringify(closed)}`);
  return talk;
}

async function wantEnd(talk, code, reason) {
  equal(await talk.next(), undefined, 'what comes behind the last message');
  equal(await talk.closed, { code, reason, wasClean: true }, 'the close frame');
}

const cases = {
  async 'both ways, JSON'() {
    const talk = await open(converse, ['dragoman.json']);
    equal(talk.socket.protocol, 'dragoman.json', 'the subprotocol');
    for (const text of ['a', 'ä', 'c']) { // each answer comes before the next question
      talk.socket.send(JSON.stringify({ text }));
      equal((await talk.json()).seen.requestJson, JSON.stringify({ text }), 'the answer');
    }
    talk.socket.send(''); // this side has ended
    await wantEnd(talk, 1000, '');
  },

  async 'both ways, protobuf'() {
    const talk = await open(converse, ['dragoman.proto']);
    equal(talk.socket.protocol, 'dragoman.proto', 'the subprotocol');
    for (const text of ['a', 'ä']) {
      talk.socket.send(toBinary(input, request({ text })));
      equal(fromBinary(response, new Uint8Array(await talk.next())).seen.requestJson, JSON.stringify({ text }), 'the answer');
    }
    talk.socket.send('');
    await wantEnd(talk, 1000, '');
  },

  async unary() {
    const talk = await open(echo);
    talk.socket.send('{"text":"x"}');
    equal((await talk.json()).seen.requestJson, '{"text":"x"}', 'the answer');
    await wantEnd(talk, 1000, '');
  },

  async 'server stream'() {
    const talk = await open(stream);
    talk.socket.send(JSON.stringify(three));
    for (const n of [1, 2, 3]) equal((await talk.json()).seen.sequence, n, 'the message');
    await wantEnd(talk, 1000, '');
  },

  async 'server stream as it comes'() {
    await backend.cancels(stream, async () => {
      const talk = await open('/canary/v1/stream?behavior.messages=100000&behavior.sleep=0.010s');
      for (const n of [1, 2, 3]) equal((await talk.json()).seen.sequence, n, 'the message');
      talk.socket.close();
    });
  },

  async error() {
    const talk = await open(echo);
    talk.socket.send(JSON.stringify(failing()));
    await wantEnd(talk, 4005, 'no such thïng');
  },

  async 'error after messages'() {
    const talk = await open(stream);
    talk.socket.send(JSON.stringify(failing(2)));
    for (const n of [1, 2]) equal((await talk.json()).seen.sequence, n, 'the message');
    await wantEnd(talk, 4005, 'no such thïng');
  },

  async cancel() {
    await backend.cancels(slow, async (running) => {
      const talk = await open(slow);
      talk.socket.send(JSON.stringify(forever));
      await running();
      talk.socket.close();
    });
  },

  async token() {
    const talk = await open(echo, ['bearer.a.b-c_d', 'dragoman.json']);
    equal(talk.socket.protocol, 'dragoman.json', 'the subprotocol');
    talk.socket.send('{}');
    equal(metadataOf((await talk.json()).seen, 'authorization'), ['Bearer a.b-c_d'], 'authorization at the backend');
    await wantEnd(talk, 1000, '');
  },

  async 'refused subprotocol'() {
    const talk = new Talk(echo, ['graphql-ws']);
    const { code } = await talk.closed;
    equal(code, 1006, 'the code of what never was a WebSocket');
    ok(talk.socket.protocol === '', 'a subprotocol was chosen');
  },
};
