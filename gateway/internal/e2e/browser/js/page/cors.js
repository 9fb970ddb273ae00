// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What the browser lets a page do, by what the gateway says of its origin.

import { Code, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';

import { metadataOf } from '../backend.js';
import { equal, ok, rejects } from '../expect.js';
import { Talk } from './socket.js';
import { backend, echo, gateway, registry, request, service } from './world.js';

const json = { 'content-type': 'application/json' };
// post calls by JSON: a path of REST, or a method by Connect, as simple as that is.
const post = (path, options = {}) => fetch(gateway + path, { method: 'POST', body: '{}', ...options, headers: { ...json, ...options.headers } });
const publicGet = '/dragoman.test.v1.PublicService/Get'; // any page may call it, without credentials
const otherPage = '/dragoman.test.v1.AdminService/Delete'; // another page may call it, this one may not

// refused fails unless the browser keeps an answer from the page.
async function refused(promise) {
  const error = await rejects(promise, 'the call');
  equal([error.name, error.message], ['TypeError', 'Failed to fetch'], 'the error');
}

// The page that is let in.
export function corsCases() {
  return {
    async 'CORS: a header that is not allowed'() {
      await backend.untouched(echo, () => refused(post('/canary/v1/echo', { headers: { 'x-other': '1' } })));
    },

    async 'CORS: credentials'() {
      document.cookie = 'session=s2';
      const seen = async (credentials) => (await (await post('/canary/v1/echo', { credentials })).json()).seen;
      ok(metadataOf(await seen('include'), 'cookie').some((c) => c.includes('session=s2')), 'the backend has no cookie');
      equal(metadataOf(await seen('omit'), 'cookie'), [], 'the cookie of a call without credentials');
    },

    async 'CORS: no credentials where any page may call'() {
      const call = (credentials) => post(publicGet, { credentials });
      equal((await call('omit')).status, 200, 'the status without credentials');
      await backend.untouched(publicGet, () => refused(call('include')));
    },

    async 'CORS: a policy of one service'() {
      await backend.untouched(otherPage, () => refused(post(otherPage)));
    },

    // After one preflight, calls of a path go without.
    async 'CORS: preflights are remembered'() {
      const path = '/canary/v1/users/remembered';
      await backend.unasked(async () => (await post(path)).headers.get('x-request-id'));
    },
  };
}

// A page that is not let in.
export function strangerCases() {
  const stranger = (name, transport) => [`stranger: ${name}`, async () => {
    await backend.untouched(echo, async () => {
      const client = createClient(registry.getService(service), transport({ baseUrl: gateway }));
      const error = await rejects(client.echo(request({})), 'the call');
      equal(Code[error.code], 'Unknown', `the code of ${error}`); // it says no more than that fetch failed
      ok(error.rawMessage.includes('Failed to fetch'), error.rawMessage);
    });
  }];
  return {
    ...Object.fromEntries([stranger('connect', createConnectTransport), stranger('grpc-web', createGrpcWebTransport)]),

    async 'stranger: fetch'() {
      await backend.untouched(echo, () => refused(post('/canary/v1/echo')));
      // A simple request is sent, but nothing of its answer is told, not even an error.
      await refused(fetch(`${gateway}/canary/v1/echo`));
      await refused(fetch(`${gateway}/nowhere`));
      await refused(post('/canary/v1/echo', { credentials: 'include' }));
    },

    async 'stranger: EventSource'() {
      const source = new EventSource(`${gateway}/canary/v1/stream`);
      const event = await new Promise((resolve) => {
        source.onmessage = resolve;
        source.onerror = resolve;
      });
      source.close();
      equal([event.type, event.data], ['error', undefined], 'the event');
    },

    async 'stranger: WebSocket'() {
      await backend.untouched(echo, async () => {
        const talk = new Talk(echo, ['dragoman.json']);
        equal((await talk.closed).code, 1006, 'the code');
        equal(await talk.next(), undefined, 'what came');
      });
    },

    async 'stranger: where any page may call'() {
      equal((await post(publicGet)).status, 200, 'the status');
      await backend.untouched(publicGet, () => refused(post(publicGet, { credentials: 'include' })));
    },

    async 'stranger: a policy of one service'() {
      equal((await post(otherPage)).status, 200, 'the status');
    },
  };
}
