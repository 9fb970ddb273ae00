// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Server-Sent Events, by the browser's own EventSource.

import { metadataOf } from '../backend.js';
import { equal, ok } from '../expect.js';
import { backend, gateway, stream } from './world.js';

export function eventCases() {
  return Object.fromEntries(Object.entries(cases).map(([name, run]) => [`EventSource ${name}`, run]));
}

// open connects, and tells all that happens, in order, to a function, until it returns true.
function open(query, enough, options) {
  return new Promise((resolve) => {
    const source = new EventSource(`${gateway}/canary/v1/stream?${query}`, options);
    const told = { source, messages: [], errors: [], cuts: 0, ended: false };
    const note = (change) => (event) => {
      if (told.closed) return;
      change(event);
      if (!enough(told)) return;
      told.closed = true;
      source.close();
      resolve(told);
    };
    source.onmessage = note((e) => told.messages.push({ id: e.lastEventId, ...JSON.parse(e.data) }));
    source.addEventListener('end', note((e) => { told.ended = e.data; }));
    // The gateway's event has data; the browser's own, which says that the connection is lost, has none.
    source.addEventListener('error', note((e) => {
      if (e.data !== undefined) told.errors.push(JSON.parse(e.data));
      else told.cuts++;
    }));
  });
}

const exhausted = 'behavior.status.code=8&behavior.status.message=m';

const cases = {
  async 'to the end'() {
    const told = await open('behavior.messages=3', (t) => t.ended);
    equal(told.messages.map((m) => [m.id, m.seen.sequence]), [['1', 1], ['2', 2], ['3', 3]], 'the ids and messages');
    equal([told.ended, told.errors, told.cuts], ['{}', [], 0], 'the end');
  },

  async 'as it comes'() {
    await backend.cancels(stream, async () => {
      const told = await open('behavior.messages=100000&behavior.sleep=0.010s', (t) => t.messages.length === 3);
      equal(told.messages.map((m) => m.seen.sequence), [1, 2, 3], 'the messages');
    });
  },

  // A stream that fails says so and is cut off; the browser connects again by itself, and says what it has seen.
  async 'error and Last-Event-ID'() {
    const before = (await backend.counts(stream)).arrived;
    const told = await open(`behavior.messages=2&${exhausted}`, (t) => t.messages.length >= 3);
    equal(told.errors[0], { code: 8, message: 'm', details: [] }, 'event: error');
    equal(told.cuts, 1, 'the lost connections');
    equal(told.messages.slice(0, 3).map((m) => m.id), ['1', '2', '1'], 'the ids');
    equal(metadataOf(told.messages[0].seen, 'last-event-id'), [], 'last-event-id at first');
    equal(metadataOf(told.messages[2].seen, 'last-event-id'), ['2'], 'last-event-id at the second time');
    equal((await backend.counts(stream)).arrived, before + 2, 'the number of calls');
  },

  // The gateway is told a time that is far below the browser's own, which is three seconds. However busy the machine is, one of a few
  // connections is there before that.
  async retry() {
    const waits = [];
    let cut, cuts = 0;
    await open(`behavior.messages=1&${exhausted}`, (t) => {
      if (t.cuts > cuts) [cut, cuts] = [performance.now(), t.cuts];
      else if (cut) {
        waits.push(performance.now() - cut);
        cut = undefined;
      }
      return waits.length === 5;
    });
    ok(Math.min(...waits) < 2000, `the browser waited ${waits} ms`);
  },

  // What fails before its first message has the status of its error, and a browser gives up.
  async 'error before a message'() {
    const told = await open('behavior.status.code=7', (t) => t.cuts > 0);
    equal([told.messages, told.errors], [[], []], 'what came');
    equal(told.source.readyState, EventSource.CLOSED, 'the state');
  },

  async credentials() {
    document.cookie = 'session=s1';
    const told = await open('behavior.messages=1', (t) => t.ended, { withCredentials: true });
    ok(metadataOf(told.messages[0].seen, 'cookie').some((c) => c.includes('session=s1')), 'the backend has no cookie');
  },
};
