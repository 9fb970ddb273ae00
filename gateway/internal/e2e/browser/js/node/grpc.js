// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// gRPC's own client for Node, @grpc/grpc-js, which has nothing in common with the gateway's code.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { fromBinary } from '@bufbuild/protobuf';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

import { metadataOf } from '../backend.js';
import { equal, ok } from '../expect.js';
import { world } from '../runner.js';
import { backend, registry } from './world.js';

const services = grpc.loadPackageDefinition(
  loader.loadFileDescriptorSetFromBuffer(Buffer.from(await backend.descriptors()), { longs: String, enums: String }),
).dragoman.test.v1;

const echo = '/dragoman.test.v1.EchoService/Echo';
const slow = '/dragoman.test.v1.EchoService/Slow';
const stream = '/dragoman.test.v1.EchoService/Stream';
const converse = '/dragoman.test.v1.EchoService/Converse';

const credentials = () => (world.authority ? grpc.credentials.createSsl(readFileSync(world.authority)) : grpc.credentials.createInsecure());
// A certificate of an address is not what Node looks for.
const connect = (service, options) => new services[service](world.gateway, credentials(), { 'grpc.ssl_target_name_override': 'localhost', ...options });
const client = connect('EchoService');
const clients = [client];

// own makes a client for one case, with a connection that it shares with nobody.
function own(service, options) {
  const c = connect(service, { 'grpc.use_local_subchannel_pool': 1, ...options });
  clients.push(c);
  return c;
}

// What the backend is asked.
const forever = { behavior: { sleep: { seconds: '600' } } };
const endless = { behavior: { messages: 100_000, sleep: { nanos: 10_000_000 } } };
const decorated = {
  header: [{ key: 'x-own', values: ['a', 'b'] }, { key: 'x-own-bin', values: ['AP8='] }],
  trailer: [{ key: 'x-end', values: ['t'] }, { key: 'x-end-bin', values: ['/wA='] }],
};
// The detail is a dragoman.test.v1.Metadata: key "why", values "gone".
const failing = (messages = 0) => ({
  behavior: {
    messages,
    trailer: decorated.trailer,
    status: {
      code: grpc.status.NOT_FOUND,
      message: 'no such thïng',
      details: [{ type_url: 'type.googleapis.com/dragoman.test.v1.Metadata', value: Buffer.from('\x0a\x03why\x12\x04gone') }],
    },
  },
});

function metadata(fields) {
  const md = new grpc.Metadata();
  for (const [key, value] of fields) md.add(key, value);
  return md;
}

// unary calls a method and returns all that the client tells of it.
function unary(c, method, request, md = new grpc.Metadata(), options = {}) {
  const told = {};
  told.ended = new Promise((resolve) => {
    told.call = c[method](request, md, options, (error, answer) => {
      Object.assign(told, { error, answer });
      if (told.status) resolve(told);
    });
    watch(told, () => 'answer' in told && resolve(told));
  });
  return told;
}

function watch(told, ended) {
  told.call.on('metadata', (md) => { told.header = md; });
  told.call.on('status', (status) => {
    told.status = status;
    ended();
  });
}

// read reads a stream of answers to its end; enough may end it before.
function read(call, enough = () => false) {
  const told = { call, messages: [] };
  return new Promise((resolve) => {
    watch(told, () => setImmediate(resolve, told)); // the last event
    call.on('data', (m) => {
      told.messages.push(m);
      if (enough(told.messages)) call.cancel();
    });
    call.on('error', (error) => { told.error = error; });
    call.on('end', () => { told.end = true; });
  });
}

const sequences = (told) => told.messages.map((m) => m.seen.sequence);

const cases = {
  async unary() {
    const numbers = ['9223372036854775807', '-9223372036854775808'];
    const md = metadata([['x-asked', '1'], ['x-asked', '2'], ['x-asked-bin', Buffer.from([0, 255, 1])]]);
    const { error, answer, header, status } = await unary(client, 'echo', { text: 'ä', numbers, behavior: decorated }, md).ended;
    if (error) throw error;
    equal(answer.seen.request_json.startsWith(`{"text":"ä","numbers":${JSON.stringify(numbers)}`), true, answer.seen.request_json);
    equal(metadataOf(answer.seen, 'x-asked').join(), '1,2', 'x-asked at the backend');
    equal(metadataOf(answer.seen, 'x-asked-bin'), ['AP8B'], 'x-asked-bin at the backend');
    equal(header.get('x-own'), ['a, b'], 'the header x-own'); // Node joins what is repeated
    equal(header.get('x-own-bin').map((b) => [...b]), [[0, 255]], 'the header x-own-bin');
    equal(status.code, grpc.status.OK, 'the code');
    equal(status.metadata.get('x-end'), ['t'], 'the trailer x-end');
    equal(status.metadata.get('x-end-bin').map((b) => [...b]), [[255, 0]], 'the trailer x-end-bin');
  },

  async 'client stream'() {
    const c = own('StreamService');
    const told = {};
    await new Promise((resolve) => {
      told.call = c.collect(new grpc.Metadata(), {}, (error, answer) => {
        Object.assign(told, { error, answer });
        resolve();
      });
      for (const id of ['a', 'b', 'c']) told.call.write({ id });
      told.call.end();
    });
    if (told.error) throw told.error;
    equal([told.answer.seen.sequence, told.answer.seen.request_json], [3, '{"id":"c"}'], 'the answer');
  },

  async 'server stream'() {
    const told = await read(client.stream({ behavior: { ...decorated, messages: 3 } }));
    equal([sequences(told), told.status.code, told.end], [[1, 2, 3], grpc.status.OK, true], 'the stream');
    equal(told.header.get('x-own'), ['a, b'], 'the header x-own');
    equal(told.status.metadata.get('x-end'), ['t'], 'the trailer x-end');
  },

  // The messages come while the stream goes on, for it never ends; the backend sees that the client has left.
  async 'server stream as it comes'() {
    await backend.cancels(stream, async () => {
      const told = await read(client.stream(endless), (m) => m.length === 3);
      equal(sequences(told).slice(0, 3), [1, 2, 3], 'the messages');
      equal(told.status.code, grpc.status.CANCELLED, 'the code');
    });
  },

  // Each answer comes before the next question.
  async 'both ways'() {
    const call = client.converse();
    const answers = call[Symbol.asyncIterator]();
    for (const text of ['a', 'ä', 'c']) {
      call.write({ text });
      equal((await answers.next()).value.seen.request_json, JSON.stringify({ text }), 'the answer');
    }
    call.end();
    equal((await answers.next()).done, true, 'that it has ended');
    equal((await backend.counts(converse, { running: 0 })).cancelled, 0, 'the number of cancelled calls');
  },

  async error() {
    wantNotFound((await unary(client, 'echo', failing()).ended).error);
  },

  async 'error of a stream after messages'() {
    const told = await read(client.stream(failing(2)));
    equal(sequences(told), [1, 2], 'the messages');
    wantNotFound(told.error);
  },

  async 'unknown method'() {
    const nowhere = { path: '/dragoman.test.v1.EchoService/Nope', requestStream: false, responseStream: false };
    const bytes = (b) => b;
    const error = await new Promise((resolve) => {
      client.makeUnaryRequest(nowhere.path, bytes, bytes, Buffer.alloc(0), resolve);
    });
    equal(error.code, grpc.status.UNIMPLEMENTED, `the code of ${error}`);
  },

  // This client has a timer of its own; that the deadline is the backend's too is seen there.
  async deadline() {
    const ms = await backend.expires(slow, async (wait) => {
      const { error } = await unary(client, 'slow', forever, undefined, { deadline: Date.now() + wait }).ended;
      equal(error.code, grpc.status.DEADLINE_EXCEEDED, `the code of ${error}`);
    });
    const left = (await backend.last(slow)).deadlineLeft;
    ok(left && Number.parseFloat(left) <= ms / 1000, `the backend has ${left} left of ${ms} ms`);
  },

  async cancel() {
    await backend.cancels(slow, async (running) => {
      const told = unary(client, 'slow', forever);
      await running();
      told.call.cancel();
      equal((await told.ended).error.code, grpc.status.CANCELLED, 'the code');
    });
  },

  // Node ends what it sends before it resets a stream, so the backend must have more to do than to read to the end.
  async 'cancel both ways'() {
    await backend.cancels(converse, async (running) => {
      const call = client.converse();
      const ended = read(call);
      call.write(forever);
      await running();
      call.cancel();
      equal((await ended).status.code, grpc.status.CANCELLED, 'the code');
    });
  },

  // Both sides compress: how many bytes the gateway took and gave says so. The answer holds the request twice, once in base64.
  async gzip() {
    const c = own('EchoService', { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
    const data = Buffer.from(randomBytes(50_000).toString('hex')); // half of it is needed
    const id = `gzip-${process.pid}`;
    const { error, answer } = await unary(c, 'echo', { data }, metadata([['x-request-id', id]])).ended;
    if (error) throw error;
    equal(JSON.parse(answer.seen.request_json).data, data.toString('base64'), 'what the backend got');
    const { bytes_in: taken, bytes_out: given } = await (await backend.ask('/access', { id })).json();
    ok(taken > data.length / 2 && taken < data.length * 0.7, `the gateway took ${taken} bytes for ${data.length}`);
    ok(given > data.length / 2 && given < data.length * 1.8, `the gateway gave ${given} bytes for ${data.length * 2.3}`);
  },

  async 'too large'() {
    await backend.untouched(echo, async () => {
      const { error } = await unary(client, 'echo', { data: Buffer.alloc(5 << 20) }).ended;
      equal(error.code, grpc.status.RESOURCE_EXHAUSTED, `the code of ${error}`);
    });
  },

  // A phone that asks, far more often than servers of gRPC allow, whether the gateway is there, with a call and without one, and that is
  // asked by it: nobody hangs up.
  async keepalive() {
    const c = own('EchoService', {
      'grpc.keepalive_time_ms': 20, 'grpc.keepalive_timeout_ms': 20_000, 'grpc.keepalive_permit_without_calls': 1,
    });
    const { answer: first } = await unary(c, 'echo', {}).ended;
    const call = c.converse();
    const answers = call[Symbol.asyncIterator]();
    call.write({});
    await answers.next();
    await pings(c, 10);
    call.write({});
    equal((await answers.next()).done, false, 'that it has ended');
    call.end();
    equal((await answers.next()).done, true, 'that it has ended');
    await pings(c, 20);
    const { error } = await unary(c, 'echo', {}).ended;
    if (error) throw error;
    ok(first, 'no first answer');
    equal((await connection(c)).streams, 3, 'the calls of the one connection');
  },
};

// channelz is what the client knows of its connections.
const channelz = grpc.getChannelzHandlers();
const ask = (name, request) => new Promise((resolve, reject) => {
  channelz[name]({ request }, (error, answer) => (error ? reject(error) : resolve(answer)));
});

// connection returns what is counted of the only connection of a client.
async function connection(c) {
  const { channel } = await ask('GetChannel', { channel_id: c.getChannel().getChannelzRef().id });
  const sockets = [];
  for (const ref of channel.subchannel_ref) {
    sockets.push(...(await ask('GetSubchannel', ref)).subchannel.socket_ref);
  }
  equal(sockets.length, 1, 'the number of connections');
  const { data } = (await ask('GetSocket', sockets[0])).socket;
  return { pings: Number(data.keep_alives_sent), streams: Number(data.streams_started) };
}

// pings waits until a client has sent so many, and fails when its connection is gone.
async function pings(c, wanted) {
  while ((await connection(c)).pings < wanted) await new Promise((resolve) => { setTimeout(resolve, 5); });
}

function wantNotFound(error) {
  equal([error?.code, error?.details], [grpc.status.NOT_FOUND, 'no such thïng'], 'the error');
  equal(error.metadata.get('x-end'), ['t'], 'the trailer x-end');
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const details = fromBinary(registry.getMessage('google.rpc.Status'), bytes).details
    .map((any) => fromBinary(registry.getMessage('dragoman.test.v1.Metadata'), any.value));
  equal(details.map((d) => [d.key, d.values]), [['why', ['gone']]], 'the details');
}

export const grpcCases = Object.fromEntries(Object.entries(cases).map(([name, run]) => [`grpc-js ${name}`, run]));

export function close() {
  for (const c of clients) c.close();
}
