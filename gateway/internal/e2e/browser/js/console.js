// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Runs the cases of the admin console, as somebody who looks at it and tries the API.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { launch } from './chromium.js';
import { equal, ok } from './expect.js';
import { runCase, world } from './runner.js';

const root = `http://${world.admin}/console`;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const service = 'bookstore.v1.BookstoreService';
// What each page shows when all of it is there.
const views = [
  { name: 'overview', path: '/', title: 'Overview', shows: '.figures, .uplot' },
  { name: 'traffic', path: '/traffic', title: 'Traffic', shows: 'table tbody tr' },
  { name: 'logs', path: '/logs', title: 'Logs', shows: '.log li, .empty' },
  { name: 'routes', path: '/routes?open=GET%20/v1/shelves', title: 'Routes', shows: '.detail .kv' },
  { name: 'schemas', path: `/schemas/${encodeURIComponent(service + '/CreateBook')}`, title: 'Services & schemas', shows: '.browse table' },
  { name: 'try', path: `/try/${encodeURIComponent(service + '/CreateBook')}`, title: 'Try it', shows: '.form .field' },
  { name: 'backends', path: '/backends', title: 'Backends', shows: 'table tbody tr' },
  { name: 'policies', path: '/policies', title: 'Policies', shows: '.panel' },
  { name: 'config', path: '/config', title: 'Config', shows: 'table tbody tr, .empty' },
  { name: 'tls', path: '/tls', title: 'TLS', shows: '.panel' },
];

const browser = await launch();
const strangers = new Set(); // what was asked of other origins
const complaints = []; // what the console of the browser says

// visit opens a context with a page, and watches what it does.
async function visit(options, run) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('request', (r) => {
    const url = new URL(r.url());
    if (url.host !== world.admin && url.protocol !== 'blob:') strangers.add(r.url());
  });
  page.on('websocket', (s) => {
    if (new URL(s.url()).host !== world.admin) strangers.add(s.url());
  });
  page.on('pageerror', (e) => complaints.push(e.stack ?? String(e)));
  page.on('console', (m) => {
    // What the API answers with an error is said there too, though the page expects it.
    if (m.type() === 'error' && !m.location().url.includes('/try/')) complaints.push(`${m.text()} ${m.location().url}`);
  });
  try {
    return await run(page);
  } finally {
    await context.close();
  }
}

const live = (page) => page.locator('.live', { hasText: 'Live' }).waitFor({ state: 'attached' });

// call calls the API as its clients do.
async function call(path, n = 1) {
  for (let i = 0; i < n; i++) await fetch(`http://${world.gateway}${path}`).then((r) => r.text());
}

// traffic makes calls until the end, for pictures of a gateway that has something to do.
async function traffic() {
  const paths = ['/v1/shelves', '/v1/shelves/classics', '/v1/shelves/classics/books', '/v1/books', '/v1/shelves/science/books', '/v1/shelves/nowhere'];
  let n = 0;
  setInterval(() => {
    const burst = 2 + Math.round(2 * Math.sin(n / 40) + 1.5 * Math.random());
    for (let i = 0; i < burst; i++) void call(paths[Math.floor(Math.random() ** 2 * paths.length)]).catch(() => {});
    n++;
  }, 90).unref();
  await new Promise((r) => setTimeout(r, 45_000));
}

async function faults(page) {
  await page.evaluate(axe + ';undefined');
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
}

// look opens a page in a theme and a width, and returns what is wrong with it.
function look(v, name, options) {
  return visit(options, async (page) => {
    const wrong = [];
    await page.goto(root + v.path);
    await live(page);
    await page.locator(v.shows).first().waitFor();
    equal(await page.locator('h1').innerText(), v.title, 'the title');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) wrong.push(`${name}: it is ${wide} px wider than its place`);
    for (const f of await faults(page)) wrong.push(`${name}: ${f}`);
    if (world.screenshots) {
      await page.waitForTimeout(v.name === 'overview' || v.name === 'backends' ? 4000 : 400);
      await page.screenshot({ path: `${world.screenshots}/${v.name}-${name}.png` });
    }
    return wrong;
  });
}

async function onePage(v) {
  const wrong = [...(await look(v, 'light', {})), ...(await look(v, 'phone', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true }))];
  ok(wrong.length === 0, wrong.join('\n'));
}

const tab = (page, list, name) => page.locator(`[role=tablist][aria-label="${list}"] >> role=tab[name=${JSON.stringify(name)}]`).or(page.locator(`[role=tablist][aria-label="${list}"] [role=tab]`, { hasText: name })).first();

async function tryPage(page, method, protocol) {
  await page.goto(`${root}/try/${encodeURIComponent(service + '/' + method)}`);
  await page.locator('.form, .editor').first().waitFor();
  if (protocol) await page.locator('[aria-label=Protocol] button', { hasText: protocol }).click();
}

async function write(page, message) {
  await tab(page, 'Parts of the request', 'JSON').click();
  await page.locator('.editor textarea').fill(JSON.stringify(message));
}

const answerCode = (page, code) => page.locator('section[aria-label=Answer] [role=status] .tag', { hasText: code }).waitFor();

const cases = {
  ...Object.fromEntries(views.map((v) => ['page: ' + v.name, () => onePage(v)])),

  theme: () =>
    visit({ colorScheme: 'dark' }, async (page) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      await page.goto(root + '/');
      await page.locator('.themes').waitFor();
      const dark = await ground();
      await page.getByRole('button', { name: 'Light' }).click();
      const light = await ground();
      ok(dark !== light, 'the light theme looks as the dark one');
      await page.reload();
      await page.locator('.themes').waitFor();
      equal(await ground(), light, 'the ground after a reload');
      await page.getByRole('button', { name: 'As the system' }).click();
      equal(await ground(), dark, "the ground in the system's theme");
    }),

  search: () =>
    visit({}, async (page) => {
      await page.goto(root + '/');
      await live(page);
      for (const [text, place] of [
        ['watchbooks method', '/schemas/'],
        ['route get /v1/shelves', '/routes?open='],
        ['page config', '/config'],
      ]) {
        await page.keyboard.press('/');
        await page.keyboard.type(text);
        await page.locator('.palette li').first().waitFor();
        await page.keyboard.press('Enter');
        await page.waitForURL((u) => (u.pathname + u.search).startsWith('/console' + place));
        await page.locator('h1').click(); // out of fields
      }
      await page.keyboard.press('g');
      await page.keyboard.press('b');
      await page.waitForURL(root + '/backends');
    }),

  'deep links': () =>
    visit({}, async (page) => {
      await page.goto(root + '/routes');
      await page.locator('tbody a', { hasText: '/v1/shelves' }).first().click();
      await tab(page, 'Parts of the route', 'Policy').click();
      const at = page.url();
      await page.goto(at);
      await page.locator('.detail [role=tab][aria-selected=true]', { hasText: 'Policy' }).waitFor();
      await page.goto(root + '/');
      await page.goBack();
      equal(page.url(), at, 'the address after going back');
      await page.locator('.detail').waitFor();
    }),

  explain: () =>
    visit({}, async (page) => {
      await page.goto(`${root}/routes?open=${encodeURIComponent('GET /v1/shelves')}`);
      await page.locator('.detail pre', { hasText: 'rpc ListShelves' }).waitFor(); // the proto around it
      await tab(page, 'Parts of the route', 'Explain').click();
      await page.locator('.steps', { hasText: `${service}/ListShelves` }).waitFor();
      await page.getByLabel('Path, with the query').fill('/v1/shelves?no_such=1');
      await page.getByRole('button', { name: 'Explain', exact: true }).click();
      await page.locator('.notice.err', { hasText: 'no_such' }).waitFor();
    }),

  'try: four protocols': () =>
    visit({}, async (page) => {
      await tryPage(page, 'GetShelf');
      await write(page, { name: 'shelves/classics' });
      for (const protocol of ['REST', 'Connect', 'gRPC-Web', 'WebSocket']) {
        await page.locator('[aria-label=Protocol] button', { hasText: protocol }).click();
        await page.getByRole('button', { name: 'Send' }).click();
        await answerCode(page, 'OK');
        await page.locator('section[aria-label=Answer] pre', { hasText: '"shelves/classics"' }).waitFor();
        await tab(page, 'Parts of the answer', 'Raw').click();
        const raw = await page.locator('[aria-label="Raw exchange"]').innerText();
        const line = { REST: '> GET /v1/shelves/classics', WebSocket: `> GET /${service}/GetShelf` }[protocol] ?? `> POST /${service}/GetShelf`;
        ok(raw.includes(line) && raw.includes('< HTTP '), `the raw exchange by ${protocol} is ${raw}`);
        await tab(page, 'Parts of the answer', 'Answer').click();
      }
      await page.getByRole('button', { name: 'Side by side' }).click();
      await page.locator('.beside .tag', { hasText: 'OK' }).nth(3).waitFor();
    }),

  'try: server stream': () =>
    visit({}, async (page) => {
      for (const protocol of ['REST', 'Connect', 'gRPC-Web', 'WebSocket']) {
        await tryPage(page, 'WatchBooks', protocol);
        await write(page, {});
        await page.getByRole('button', { name: 'Send' }).click();
        await page.locator('[role=status]', { hasText: 'waiting' }).waitFor();
        const title = `Sea of ${protocol}`;
        // The stream may not have begun when the first book comes: one is put up until it is told.
        const seen = page.locator('.said.in', { hasText: title }).first();
        for (let i = 0; i < 40 && !(await seen.isVisible()); i++) {
          await fetch(`http://${world.gateway}/v1/shelves/classics/books`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ title }) });
          await seen.waitFor({ timeout: 250 }).catch(() => {});
        }
        await seen.waitFor();
        await page.getByRole('button', { name: 'Cancel' }).click();
        await answerCode(page, 'CANCELLED');
      }
    }),

  'try: chat': () =>
    visit({}, async (page) => {
      await tryPage(page, 'Chat', 'WebSocket');
      await write(page, { text: 'sailor' });
      await page.getByRole('button', { name: 'Send message' }).click();
      await page.locator('.said.in', { hasText: 'Odyssey' }).waitFor();
      await write(page, { text: 'computer' });
      await page.getByRole('button', { name: 'Send message' }).click();
      await page.locator('.said.in').nth(1).waitFor();
      equal(await page.locator('.said.out').count(), 2, 'the number of messages that were sent');
      if (world.screenshots) await page.screenshot({ path: `${world.screenshots}/chat-light.png` });
      await page.getByRole('button', { name: 'Half-close' }).click();
      await answerCode(page, 'OK');
    }),

  'try: client stream by fetch': () =>
    visit({}, async (page) => {
      await tryPage(page, 'Chat', 'Connect');
      await write(page, { text: 'sailor' });
      await page.getByRole('button', { name: 'Send message' }).click();
      await page.locator('[role=status]', { hasText: 'not sent yet' }).waitFor();
      await page.getByRole('button', { name: 'Add message' }).click();
      await page.getByRole('button', { name: 'Send and half-close' }).click();
      await answerCode(page, 'OK');
      equal(await page.locator('.said.in').count(), 2, 'the number of answers');
    }),

  'try: form': () =>
    visit({}, async (page) => {
      await tryPage(page, 'CreateBook', 'REST');
      await page.locator('.hint', { hasText: 'is required' }).first().waitFor();
      await page.getByLabel('parent').fill('shelves/classics');
      const book = page.locator('[role=group][aria-label=book]');
      await book.getByLabel('title').fill('Sketchpad');
      await book.getByRole('button', { name: 'Add authors' }).click();
      await book.getByRole('textbox', { name: 'authors 1' }).fill('Ivan Sutherland');
      await book.getByLabel('genre').selectOption('GENRE_COMPUTING');
      await tab(page, 'Parts of the request', 'JSON').click();
      const text = JSON.parse(await page.locator('.editor textarea').inputValue());
      equal([text.parent, text.book.title, text.book.authors, text.book.genre], ['shelves/classics', 'Sketchpad', ['Ivan Sutherland'], 'GENRE_COMPUTING'], 'the message');
      // The editor names the fields that are left.
      const area = page.locator('.editor textarea');
      await area.fill('{"parent": "shelves/classics", "book": {"title": "Sketchpad", ');
      await area.press('End');
      await area.pressSequentially('"auth');
      await page.locator('.offers li', { hasText: 'authors' }).waitFor();
      await area.press('Enter');
      ok((await area.inputValue()).endsWith('"authors": []'), `the text is ${await area.inputValue()}`);
      await area.fill(JSON.stringify({ parent: 'shelves/classics', book: { title: 'Sketchpad', nosuch: 1 } }));
      await page.locator('.hint', { hasText: 'is no field of bookstore.v1.Book' }).waitFor();
      await area.fill(JSON.stringify(text));
      await page.getByRole('button', { name: 'Send' }).click();
      await answerCode(page, 'OK');
    }),

  'try: error': () =>
    visit({}, async (page) => {
      await tryPage(page, 'GetShelf', 'Connect');
      await write(page, { name: 'shelves/nowhere' });
      await page.getByRole('button', { name: 'Send' }).click();
      await answerCode(page, 'NOT_FOUND');
      await page.locator('.outcome', { hasText: 'shelves/nowhere' }).waitFor();
      await tab(page, 'What to choose from', 'History').click();
      await page.locator('.history li', { hasText: 'NOT_FOUND' }).waitFor();
      await page.reload();
      await tab(page, 'What to choose from', 'History').click();
      await page.locator('.history li', { hasText: 'NOT_FOUND' }).locator('button').click();
      await tab(page, 'Parts of the request', 'JSON').click();
      ok((await page.locator('.editor textarea').inputValue()).includes('shelves/nowhere'), 'the message of a call of the history');
    }),

  'try: copy as': () =>
    visit({}, async (page) => {
      await tryPage(page, 'GetShelf', 'REST');
      await write(page, { name: 'shelves/classics' });
      await tab(page, 'Parts of the request', 'Environment').click();
      await page.getByLabel('Bearer token').fill('t0ken');
      await tab(page, 'Parts of the answer', 'Copy as').click();
      for (const [language, has] of [
        ['curl', [`curl http://${world.gateway}/v1/shelves/classics`, "-H 'authorization: Bearer t0ken'"]],
        ['grpcurl', ['grpcurl -plaintext', `${world.gateway} ${service}/GetShelf`]],
        ['dragoman call', [`dragoman call ${service}/GetShelf --via rest`]],
        ['fetch', [`await fetch('http://${world.gateway}/v1/shelves/classics'`]],
        ['Swift', ['Bookstore_V1_BookstoreService.Client', 'service.getShelf']],
        ['Kotlin', ['BookstoreServiceGrpcKt.BookstoreServiceCoroutineStub', 'stub.getShelf']],
        ['Dart', ['BookstoreServiceClient(channel).getShelf']],
      ]) {
        await page.locator('[aria-label=Language] button', { hasText: new RegExp(`^${language}$`) }).click();
        const text = await page.locator(`[aria-label="The call as ${language}"]`).innerText();
        for (const want of has) ok(text.includes(want), `as ${language} it is ${text}; want ${want} in it`);
      }
    }),

  'trials are not counted': () =>
    visit({}, async (page) => {
      const total = async () => {
        const r = await fetch(`http://${world.admin}/api/v1/routes?method=${encodeURIComponent(service + '/DeleteShelf')}`).then((a) => a.json());
        return (r.routes ?? []).reduce((n, x) => n + Number(x.stats?.calls ?? 0), 0);
      };
      await fetch(`http://${world.gateway}/v1/shelves/nowhere`, { method: 'DELETE' });
      for (let i = 0; i < 100 && (await total()) < 1; i++) await new Promise((r) => setTimeout(r, 50));
      equal(await total(), 1, 'the calls of a client');
      await tryPage(page, 'DeleteShelf', 'Connect');
      await write(page, { name: 'shelves/nowhere' });
      await page.getByRole('button', { name: 'Send' }).click();
      await answerCode(page, 'NOT_FOUND');
      await fetch(`http://${world.gateway}/v1/shelves/nowhere`, { method: 'DELETE' });
      for (let i = 0; i < 100 && (await total()) < 2; i++) await new Promise((r) => setTimeout(r, 50));
      equal(await total(), 2, 'the calls of a client, with one of the console between');
    }),

  reload: () =>
    visit({}, async (page) => {
      const text = readFileSync(world.proto, 'utf8');
      await page.goto(root + '/routes');
      await page.locator('tbody a', { hasText: '/v1/shelves' }).first().waitFor();
      await live(page);
      writeFileSync(world.proto, text.replace('option (google.api.http) = {get: "/v1/shelves"};', 'option (google.api.http) = {get: "/v1/shelves" additional_bindings: {get: "/v2/racks"}};'));
      await page.locator('tbody a', { hasText: '/v2/racks' }).waitFor();
      await page.locator('.nav a', { hasText: 'Overview' }).click();
      writeFileSync(world.proto, text.replace('string title = 2', 'strng title = 2'));
      await page.locator('.notice.err', { hasText: 'was refused' }).waitFor();
      writeFileSync(world.proto, text);
      await page.locator('.notice.err', { hasText: 'was refused' }).waitFor({ state: 'detached' });
    }),

  ejected: () =>
    visit({}, async (page) => {
      await page.goto(root + '/backends');
      const row = page.locator('tr', { hasText: world.failing }).first();
      await row.waitFor();
      await live(page);
      await fetch(world.control + '/fail');
      const tag = row.locator('.tag', { hasText: 'ejected' });
      for (let i = 0; i < 60 && !(await tag.isVisible()); i++) {
        await call('/v1/shelves', 20);
        await tag.waitFor({ timeout: 200 }).catch(() => {});
      }
      await tag.waitFor();
      if (world.screenshots) await page.screenshot({ path: `${world.screenshots}/ejected-light.png` });
      await fetch(world.control + '/mend');
    }),

  drain: () =>
    visit({}, async (page) => {
      await page.goto(root + '/backends');
      await live(page);
      const row = page.locator('tbody tr').first();
      await row.getByRole('button', { name: /^Drain/ }).click();
      await row.locator('.tag', { hasText: 'draining' }).waitFor();
      await row.getByRole('button', { name: /^Undrain/ }).click();
      await row.locator('.tag', { hasText: 'draining' }).waitFor({ state: 'detached' });
    }),

  'nothing leaves the origin': async () => {
    equal([...strangers], [], 'what was asked of other origins');
    equal(complaints, [], 'what the console of the browser says');
  },
};

try {
  if (world.screenshots) await traffic();
  await call('/v1/shelves', 30);
  await call('/v1/shelves/classics/books', 10);
  await call('/v1/shelves/nowhere', 3);
  for (const [name, run] of Object.entries(cases)) await runCase(name, run);
} finally {
  await browser.close();
}
