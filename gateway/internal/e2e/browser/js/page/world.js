// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What the cases of a page share.

import { fromJson } from '@bufbuild/protobuf';

import { Backend } from '../backend.js';

export const gateway = globalThis.world.gateway;
export const backend = new Backend('');
export const registry = await backend.registry();

// Names of the test service.
export const service = 'dragoman.test.v1.EchoService';
export const echo = `/${service}/Echo`;
export const slow = `/${service}/Slow`;
export const stream = `/${service}/Stream`;
export const converse = `/${service}/Converse`;

// What the backend is asked, as JSON.
export const three = { behavior: { messages: 3 } };
// endless is a stream that nobody waits out: messages come for as long as the client stays.
export const endless = { behavior: { messages: 100_000, sleep: '0.010s' } };
// forever is a call that nobody waits out.
export const forever = { behavior: { sleep: '600s' } };
// large has messages that do not fit into one read, and whose length is no multiple of three, as base64 likes it.
export const largeSize = 400_001;
export const large = { behavior: { messages: 3, payloadSize: largeSize } };
// failing fails with a detail, after some messages.
export const failing = (messages = 0) => ({
  behavior: {
    messages,
    trailer: [{ key: 'x-end', values: ['t'] }],
    status: {
      code: 5,
      message: 'no such thïng',
      details: [{ '@type': 'type.googleapis.com/dragoman.test.v1.Metadata', key: 'why', values: ['gone'] }],
    },
  },
});
// decorated answers with metadata of its own.
export const decorated = (more = {}) => ({
  ...more,
  behavior: {
    header: [{ key: 'x-own', values: ['h'] }, { key: 'x-own-bin', values: ['AP8='] }],
    trailer: [{ key: 'x-end', values: ['t'] }],
  },
});

// request makes a message of what the backend is asked.
export const request = (json) => fromJson(registry.getMessage('dragoman.test.v1.CanaryRequest'), json, { registry });
export const response = registry.getMessage('dragoman.test.v1.CanaryResponse');
export const detail = registry.getMessage('dragoman.test.v1.Metadata');
