// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The pages: what each shows, in both themes and on a phone, and how one gets around.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { equal, ok } from '../expect.js';
import { runCase, world } from '../runner.js';
import { complaints, live, root, service, shot, tab, visit } from './visit.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// What each page shows when all of it is there.
export const views = [
  { name: 'overview', path: '/', title: 'Overview', shows: '.figures, .uplot' },
  { name: 'traffic', path: '/traffic', title: 'Traffic', shows: 'table tbody tr' },
  { name: 'logs', path: '/logs', title: 'Logs', shows: '.log li, .empty' },
  { name: 'routes', path: '/routes?open=GET%20/v1/shelves', title: 'Routes', shows: '.detail .kv' },
  { name: 'schemas', path: `/schemas/${encodeURIComponent(service + '/CreateBook')}`, title: 'Services & schemas', shows: '.browse table' },
  { name: 'sources', path: '/schemas?part=sources', title: 'Services & schemas', shows: '[role=group][aria-label^="Upload for"] input' },
  { name: 'try', path: `/try/${encodeURIComponent(service + '/CreateBook')}`, title: 'Try it', shows: '.form .field' },
  { name: 'backends', path: '/backends', title: 'Backends', shows: 'table tbody tr' },
  { name: 'policies', path: '/policies', title: 'Policies', shows: '.panel' },
  { name: 'config', path: '/config?set=set', title: 'Config', shows: 'table tbody tr, .empty' },
  { name: 'tls', path: '/tls', title: 'TLS', shows: '.panel' },
];

// A phone lies in the hand of somebody who likes it dark.
const phone = { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true };

async function faults(page) {
  // Once in a page it is there until another is loaded, and runs the faster the more often it did.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe + ';undefined');
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], preload: false }));
  return found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
}

const ground = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

// arrive waits until all of a view is there, and returns what is wrong with its width.
async function arrive(page, v, name) {
  await page.locator('h1', { hasText: v.title }).waitFor();
  await live(page);
  await page.locator(v.shows).first().waitFor();
  equal(await page.locator('h1').innerText(), v.title, 'the title');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  return wide > 0 ? [`${name}: it is ${wide} px wider than its place`] : [];
}

// look goes to a view in a page that is open, as links do, and returns what is wrong with it.
async function look(page, v, name) {
  await page.evaluate((place) => {
    history.pushState(null, '', place);
    dispatchEvent(new PopStateEvent('popstate'));
    scrollTo(0, 0);
  }, '/console' + v.path);
  const wrong = await arrive(page, v, name);
  for (const f of await faults(page)) wrong.push(`${name}: ${f}`);
  if (world.screenshots) {
    await page.waitForTimeout(v.name === 'overview' || v.name === 'backends' ? 4000 : 400);
    await page.screenshot({ path: `${world.screenshots}/${v.name}-${name}.png` });
  }
  return wrong;
}

// lookDark looks at what a desk shows once more, in the dark.
async function lookDark(page) {
  const before = await ground(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const wrong = (await ground(page)) === before ? ['dark: it looks as it does in the light'] : [];
  for (const f of await faults(page)) wrong.push(`dark: ${f}`);
  await page.emulateMedia({ colorScheme: 'light' });
  return wrong;
}

// lookAround is a case for each view: one page on a desk and one on a phone see them all.
export function lookAround() {
  const cases = async (desk, handy) => {
    for (const page of [desk, handy]) await page.goto(root + '/');
    const onDesk = async (v) => [...(await look(desk, v, 'light')), ...(await lookDark(desk))];
    for (const v of views) {
      await runCase('page: ' + v.name, async () => (await Promise.all([onDesk(v), look(handy, v, 'phone')])).flat().join('\n'));
    }
  };
  return visit({}, (desk) => visit(phone, (handy) => cases(desk, handy)));
}

export const looks = {
  'dark on a desk': () =>
    visit({ colorScheme: 'dark' }, async (page) => {
      const before = complaints.length;
      const wrong = [];
      const grounds = new Set();
      for (const v of views) {
        await page.goto(root + v.path);
        wrong.push(...(await arrive(page, v, `${v.name} dark`)));
        grounds.add(await ground(page));
      }
      ok(wrong.length === 0, wrong.join('\n'));
      const light = (ground) => ground.match(/\d+/g).slice(0, 3).some((v) => Number(v) > 0x40);
      ok(grounds.size === 1 && ![...grounds].some(light), `the grounds of the pages are ${[...grounds]}`);
      equal(complaints.slice(before), [], 'what the console of the browser says');
    }),

  theme: () =>
    visit({ colorScheme: 'dark' }, async (page) => {
      await page.goto(root + '/');
      await page.locator('.themes').waitFor();
      const dark = await ground(page);
      await page.getByRole('button', { name: 'Light' }).click();
      const light = await ground(page);
      ok(dark !== light, 'the light theme looks as the dark one');
      await page.reload();
      await page.locator('.themes').waitFor();
      equal(await ground(page), light, 'the ground after a reload');
      await page.getByRole('button', { name: 'As the system' }).click();
      equal(await ground(page), dark, "the ground in the system's theme");
    }),

  search: () =>
    visit({}, async (page) => {
      await page.goto(root + '/');
      await live(page);
      for (const [text, kind, place] of [
        ['watchbooks method', 'method', '/schemas/'],
        ['route get /v1/shelves', 'route', '/routes?open='],
        ['page config', 'page', '/config'],
      ]) {
        await page.keyboard.press('/');
        await page.locator('.palette input:focus').waitFor();
        await page.keyboard.type(text);
        // The list may still be that of fewer letters.
        await page.waitForFunction((kind) => {
          const kinds = [...document.querySelectorAll('.palette li .kind')].map((k) => k.textContent.toLowerCase());
          return kinds.length > 0 && kinds.every((k) => k === kind);
        }, kind);
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

  'one stream': () =>
    visit({}, async (page) => {
      const open = new Set();
      const asked = [];
      const ended = (r) => open.delete(r);
      page.on('request', (r) => {
        if (!r.url().includes('/events')) return asked.push(new URL(r.url()).pathname);
        open.add(r);
      });
      page.on('requestfinished', ended);
      page.on('requestfailed', ended);
      await page.goto(root + '/');
      for (const v of views) {
        await page.locator('.nav a', { hasText: v.title }).click();
        await live(page);
      }
      await page.locator('table').first().waitFor();
      // From here on nothing but the stream is open. Statistics are asked for again after seconds in which calls ended; this page has none.
      asked.length = 0;
      await page.waitForTimeout(1500);
      equal(asked, [], 'what a page asks for that nothing happens on');
      equal(open.size, 1, 'streams of events');
    }),

  'policy of content': () =>
    visit(
      {},
      async (page) => {
        const answer = await page.goto(root + '/');
        const policy = answer.headers()['content-security-policy'] ?? '';
        ok(policy.startsWith("default-src 'self';") && !policy.includes('unsafe'), `the policy is ${policy}`);
        const ran = await page.evaluate(async () => {
          const refused = new Promise((resolve) => document.addEventListener('securitypolicyviolation', (e) => resolve(e.effectiveDirective), { once: true }));
          const script = document.createElement('script');
          script.textContent = 'window.ran = true';
          document.body.append(script);
          return [await refused, Boolean(window.ran)];
        });
        equal(ran, ['script-src-elem', false], 'a script that somebody puts into a page');
      },
      true,
    ),

  'phone menu': () =>
    visit(phone, async (page) => {
      await page.goto(root + '/');
      await live(page);
      ok(!(await page.locator('.nav a', { hasText: 'Backends' }).isVisible()), 'the menu shows before it is opened');
      await page.getByRole('button', { name: 'Menu' }).click();
      await page.locator('.nav a', { hasText: 'Backends' }).click();
      await page.waitForURL(root + '/backends');
      await page.locator('.nav a', { hasText: 'Backends' }).waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: 'Search' }).click();
      await page.locator('.palette input').fill('page logs');
      await page.locator('.palette li').first().click();
      await page.waitForURL(root + '/logs');
    }),

  'phone lines': () =>
    visit(phone, async (page) => {
      await page.goto(root + '/');
      const row = page.locator('table[aria-label="Last reloads"] td .row').first();
      const [dot, age] = await Promise.all([row.locator('.dot').boundingBox(), row.locator('span[title]').boundingBox()]);
      ok(dot.y > age.y && dot.y + dot.height < age.y + age.height && dot.x + dot.width <= age.x, `the dot is at ${JSON.stringify(dot)}, the age at ${JSON.stringify(age)}`);
    }),

  lock: () =>
    visit(
      {},
      async (page) => {
        await page.goto(`http://${world.guarded}/console/backends`);
        const field = page.getByLabel('Token');
        await field.fill('a wrong one');
        await page.getByRole('button', { name: 'Go on' }).click();
        await page.locator('.notice.err', { hasText: 'refused' }).waitFor();
        await field.fill(world.guardToken);
        await page.getByRole('button', { name: 'Go on' }).click();
        await page.locator('table tbody tr').first().waitFor();
        await live(page);
        // It is read-only: nothing that would change something is offered.
        await page.locator('.top .tag', { hasText: 'read-only' }).waitFor();
        equal(await page.getByRole('button', { name: /^Drain/ }).count(), 0, 'buttons that drain');
        await page.goto(`http://${world.guarded}/console/schemas?part=sources`); // the tab keeps the token
        await page.locator('.panel', { hasText: 'garden' }).locator('.tag', { hasText: 'upload' }).waitFor();
        equal(await page.locator('input[type=file]').count(), 0, 'files that can be uploaded');
        await page.goto(`http://${world.guarded}/console/policies`);
        await page.locator('.panel', { hasText: 'API keys' }).first().waitFor();
        await page.locator('.notice', { hasText: 'Keys cannot be made or revoked here: the admin API is read-only' }).waitFor();
        equal(await page.getByRole('button', { name: 'New key' }).count(), 0, 'buttons that make keys');
        await page.goto(`http://${world.guarded}/console/schemas?part=switches`);
        await page.locator('.empty', { hasText: 'Nothing is switched' }).waitFor();
        equal(await page.getByRole('button', { name: 'Switch off' }).count(), 0, 'buttons that switch');
      },
      true,
    ),
};
