// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Runs the cases of the admin console, as somebody who looks at it and tries the API.

import { equal } from './expect.js';
import { lookAround, looks } from './console/look.js';
import { operations } from './console/operate.js';
import { tries } from './console/try.js';
import { browser, call, complaints, strangers } from './console/visit.js';
import { runCase, world } from './runner.js';

// atOnce is how many cases run at a time that change nothing which others see, beside those of the views: most of their time is waiting.
const atOnce = 2;

async function together(cases) {
  const left = Object.entries(cases);
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) await runCase(...next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const as = (token) => ({ headers: { authorization: `Bearer ${token}` } });

// traffic makes calls until the end, for pictures of a gateway that has something to do.
async function traffic() {
  const paths = ['/v1/shelves', '/v1/shelves/classics', '/v1/shelves/classics/books', '/v1/books', '/v1/shelves/science/books', '/v1/shelves/nowhere'];
  let n = 0;
  setInterval(() => {
    const burst = 2 + Math.round(2 * Math.sin(n / 40) + 1.5 * Math.random());
    for (let i = 0; i < burst; i++) void call(paths[Math.floor(Math.random() ** 2 * paths.length)], 1, Math.random() < 0.5 ? as(world.token) : {}).catch(() => {});
    n++;
  }, 150).unref();
  await new Promise((r) => setTimeout(r, 30_000));
}

try {
  if (world.screenshots) await traffic();
  await call('/v1/shelves', 30);
  await call('/v1/shelves/classics/books', 10, as(world.token));
  await call('/v1/shelves/nowhere', 3);
  await call('/v1/shelves/classics', 3, as(world.ended));
  await call('/v1/shelves', 6, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }); // more than its limit allows
  const { acme, ...inTurn } = operations; // what another gateway shows, nothing here changes
  await Promise.all([lookAround(), together({ ...looks, ...tries, acme })]);
  for (const [name, run] of Object.entries(inTurn)) await runCase(name, run);
  await runCase('nothing leaves the origin', async () => {
    equal([...strangers], [], 'what was asked of other origins');
    equal(complaints, [], 'what the console of the browser says');
  });
} finally {
  await browser.close();
}
