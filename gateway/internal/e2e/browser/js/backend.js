// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What a case asks the test of the backend, not by way of the gateway.

import { fromBinary, createFileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

import { equal } from './expect.js';

export class Backend {
  // origin is where the test answers; '' is where the page is from.
  constructor(origin) {
    this.origin = origin;
  }

  async ask(path, query) {
    const answer = await fetch(`${this.origin}${path}?${new URLSearchParams(query)}`);
    if (!answer.ok) throw new Error(`${path} of ${query?.method}: ${await answer.text()}`);
    return answer;
  }

  // registry has the descriptors of what is served.
  async registry() {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, await this.descriptors()));
  }

  async descriptors() {
    return new Uint8Array(await (await this.ask('/descriptors.binpb')).arrayBuffer());
  }

  // counts returns how often a method was called, as soon as so many calls run, and at least so many were cancelled: { running: 1 }.
  async counts(method, wanted = {}) {
    return (await this.ask('/backend/counts', { method, ...wanted })).json();
  }

  // seen returns the values of a key in what the backend saw last of a method.
  async metadata(method, key) {
    return metadataOf(await this.last(method), key);
  }

  async last(method) {
    return (await this.ask('/backend/last', { method })).json();
  }

  // cancels runs a call that the client leaves while it is under way, and waits until the backend has seen that.
  async cancels(method, call) {
    const before = await this.counts(method, { running: 0 });
    await call(() => this.counts(method, { running: 1 }));
    await this.counts(method, { running: 0, cancelled: before.cancelled + 1 });
  }

  // expires runs a call with a deadline, longer and longer until the call reaches the backend in time, and waits until the backend has
  // seen that it is over.
  async expires(method, call) {
    for (let ms = 250; ms <= 16_000; ms *= 2) {
      const before = await this.counts(method, { running: 0 });
      await call(ms);
      if ((await this.counts(method)).arrived === before.arrived) continue;
      await this.counts(method, { running: 0, cancelled: before.cancelled + 1 });
      return ms;
    }
    throw new Error(`no call of ${method} came to the backend before its deadline`);
  }

  // untouched fails if a call reached the backend while do ran.
  async untouched(method, run) {
    const before = await this.counts(method);
    await run();
    equal((await this.counts(method)).arrived, before.arrived, `calls of ${method}`);
  }

  // unasked fails if calls, each of which returns the id of its request, need a preflight each. One without is enough: the log may be late
  // with what was before.
  async unasked(call) {
    let before = await this.preflights(await call());
    for (let i = 0; i < 5; i++) {
      const now = await this.preflights(await call());
      if (now === before) return;
      before = now;
    }
    throw new Error('each call has a preflight');
  }

  // preflights returns how many preflights the log has when it has a request.
  async preflights(requestID) {
    await this.ask('/access', { id: requestID });
    return (await this.ask('/preflights')).json();
  }
}

// metadataOf returns the values of a key, of a Seen as JSON or as a message.
export function metadataOf(seen, key) {
  return seen.metadata.find((m) => m.key === key)?.values ?? [];
}
