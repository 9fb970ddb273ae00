// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What changes while one looks: reloads, endpoints, switches, keys. These cases run one after the other.

import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

import { equal, ok } from '../expect.js';
import { world } from '../runner.js';
import { admin, call, live, root, service, shot, tab, until, visit } from './visit.js';
import { answerCode, tryPage, write } from './try.js';

const traceID = '4bf92f3577b34da6a3ce929d0e0e4736';

export const operations = {
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
      const row = page.locator('section[aria-label="Backend bookstore"] tr', { hasText: world.failing });
      await row.waitFor();
      await live(page);
      await fetch(world.control + '/fail');
      const tag = row.locator('.tag', { hasText: 'ejected' });
      for (let i = 0; i < 60 && !(await tag.isVisible()); i++) {
        await call('/v1/shelves', 20);
        await tag.waitFor({ timeout: 200 }).catch(() => {});
      }
      await tag.waitFor();
      await shot(page, 'ejected-light');
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

  traffic: () =>
    visit({}, async (page) => {
      await page.goto(root + '/traffic');
      await live(page);
      await call('/v1/shelves/classics/books', 1, { headers: { authorization: `Bearer ${world.token}`, traceparent: `00-${traceID}-00f067aa0ba902b7-01` } });
      const row = page.locator('table.traffic tbody tr', { hasText: 'ada' }).first();
      await row.waitFor();
      await call('/v1/shelves/classics/books', 1, { headers: { authorization: `Bearer ${world.ended}` } });
      await page.getByLabel('Any reason').selectOption('token_expired');
      await page.locator('table.traffic tbody tr', { hasText: 'UNAUTHENTICATED' }).first().waitFor();
      equal(await page.locator('table.traffic tbody tr', { hasText: 'ada' }).count(), 0, 'calls for another reason');
      await page.getByLabel('Any reason').selectOption('');
      await page.getByLabel('Any subject').selectOption('ada');
      const { id } = (await admin('/api/v1/traffic?limit=500')).calls.find((c) => c.traceId === traceID);
      await page.locator(`table.traffic tbody a[href*="${id}"]`).click();
      await page.locator('.detail .waterfall').waitFor();
      await page.locator('.detail .kv', { hasText: 'ada' }).waitFor();
      const trace = page.locator('.detail .kv a', { hasText: traceID });
      equal(await trace.getAttribute('href'), `https://jaeger.acme.example/trace/${traceID}?from=console`, 'where the trace is looked at');
      equal([await trace.getAttribute('target'), (await trace.getAttribute('rel')).includes('noopener')], ['_blank', true], 'how the link opens');
      await trace.scrollIntoViewIfNeeded();
      await shot(page, 'call-light');
      await tab(page, 'Parts of the call', 'Call again').click();
      await page.locator('.detail a', { hasText: 'Open it in Try it' }).click();
      await page.locator('.bench h2').waitFor();
      // What the console asks for itself is no traffic.
      const calls = (await admin('/api/v1/traffic?limit=500')).calls ?? [];
      equal(calls.filter((c) => /dragoman[.]admin|^[/](api|console|events)/.test(`${c.method} ${c.path}`)).length, 0, 'calls of the admin API in the traffic');
      const services = (await admin('/api/v1/metrics/services')).services.map((s) => s.service);
      equal(services.filter((s) => s.startsWith('dragoman.')), [], 'services of the admin API in the statistics');
    }),

  figures: () =>
    visit({}, async (page) => {
      const opened = Date.now();
      await page.goto(`${root}/routes?open=${encodeURIComponent('GET /v1/shelves')}&part=calls`);
      const strip = page.locator('.heatstrip svg');
      await strip.first().waitFor();
      await until(async () => /: [1-9]\d* calls/.test(await strip.first().getAttribute('aria-label')), 'a heat strip with calls in it');
      await strip.first().focus();
      await page.keyboard.press('ArrowUp'); // the last span, and the fastest calls of it
      await page.locator('.heatstrip figcaption', { hasText: /\d\d:\d\d:\d\d, .*: \d/ }).first().waitFor();
      await shot(page, 'heat-light');
      await page.locator('.nav a', { hasText: 'Backends' }).click();
      const row = page.locator('section[aria-label="Backend bookstore"] tbody tr', { hasText: /\d (ms|µs)/ });
      await row.first().waitFor(); // its quantiles
      // The chart has what was before the page was opened.
      const plot = page.locator('section[aria-label="Backend bookstore"] .u-over');
      let x = 4;
      await until(async () => {
        await plot.hover({ position: { x: (x = 10 - x), y: 20 } }); // its left end
        const [h, m, s] = (await plot.locator('.tip').textContent()).slice(0, 8).split(':').map(Number);
        const age = (new Date().setHours(0, 0, 0, 0) + (h * 3600 + m * 60 + s) * 1000 - opened) / -1000;
        return age > 10;
      }, 'a chart that begins ten seconds before the page');
      await plot.evaluate((e) => e.scrollIntoView({ block: 'center' }));
      await shot(page, 'picks-light');
      await page.locator('.nav a', { hasText: 'Overview' }).click();
      await page.locator('.figures > div', { hasText: 'Connections' }).locator('dd', { hasText: /[1-9]/ }).waitFor();
      await call('/v1/shelves', 6, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }); // more than its limit allows
      await page.locator('.nav a', { hasText: 'Policies' }).click();
      await page.locator('tr', { hasText: 'mobile' }).locator('td', { hasText: 'token_expired' }).waitFor();
      await page.locator('tr', { hasText: 'mobile' }).locator('td', { hasText: '2026-11' }).waitFor(); // the key that it trusts
      await page.locator('tr', { hasText: 'new-shelves' }).locator('.hottest', { hasText: 'client.address=127.0.0.1' }).waitFor();
      await page.locator('section.panel', { hasText: 'Circuit breakers' }).locator('tr', { hasText: 'bookstore' }).locator('.tag', { hasText: 'closed' }).waitFor();
    }),

  cache: () =>
    visit({}, async (page) => {
      await call('/v1/shelves/classics', 3);
      await page.goto(root + '/policies');
      const caches = page.locator('section.panel', { hasText: 'Caches' });
      await caches.getByText(/\d+ % hits/).waitFor();
      await caches.getByRole('button', { name: 'Show answers' }).click();
      await caches.locator('tr', { hasText: `${service}/GetShelf` }).first().waitFor();
      await caches.getByRole('button', { name: 'Purge', exact: true }).click();
      await caches.locator('.notice.ok', { hasText: /(one answer|[1-9]\d* answers) forgotten/ }).waitFor();
      const stored = (await admin('/api/v1/policies')).caches[0];
      ok(Number(stored.purged) > 0, `the cache is ${JSON.stringify(stored)}`);
    }),

  captures: () =>
    visit({}, async (page) => {
      await page.goto(root + '/traffic');
      await live(page);
      const captures = page.locator('section.captures');
      await captures.getByText('not capturing').waitFor();
      await captures.getByRole('button', { name: 'Capture' }).click();
      await captures.getByLabel('Of which methods; all, if empty').fill(`${service}/GetBook`);
      await captures.getByRole('button', { name: 'Begin' }).click();
      await captures.locator('.tag', { hasText: /^capturing$/ }).waitFor();
      const book = (await fetch(`http://${world.gateway}/v1/shelves/classics/books`).then((r) => r.json())).books[0].name;
      await call(`/v1/${book}`);
      await page.locator('table.traffic tbody tr', { hasText: `/v1/${book}` }).first().locator('a').click();
      await tab(page, 'Parts of the call', 'Messages').click();
      await page.locator('.detail pre', { hasText: book }).first().waitFor();
      await page.getByRole('button', { name: 'Replay' }).click();
      await page.locator('.detail .notice.ok', { hasText: 'Sent again: OK' }).waitFor();
      await page.locator('.detail .notice.ok', { hasText: 'the answer is the same' }).waitFor();
      await shot(page, 'replay-light');
      await captures.getByRole('button', { name: 'Stop' }).click();
      await captures.getByText('not capturing').waitFor();
    }),

  acme: () =>
    visit(
      {},
      async (page) => {
        // The authority of the other gateway is not to be had.
        await page.goto(`http://${world.guarded}/console/tls`);
        await page.getByLabel('Token').fill(world.guardToken);
        await page.getByRole('button', { name: 'Go on' }).click();
        await page.locator('section.panel', { hasText: 'By ACME' }).locator('tr', { hasText: 'api.acme.example' }).locator('.tag', { hasText: 'failing' }).waitFor();
        await page.locator('section.panel', { hasText: 'ACME log' }).locator('tr', { hasText: 'failed' }).first().waitFor();
        await shot(page, 'acme-light');
      },
      true,
    ),

  keys: () =>
    visit({}, async (page) => {
      await page.goto(root + '/policies');
      const keys = page.locator('section.panel', { hasText: 'API keys' });
      await keys.getByText('Nobody has a key yet.').waitFor();
      await keys.getByRole('button', { name: 'New key' }).click();
      await keys.getByLabel('Subject, who calls with it').fill('globex');
      await keys.getByLabel('Tenant, if there is one').fill('Globex Corp');
      await keys.getByRole('button', { name: 'Make the key' }).click();
      const secret = await keys.locator('.secret').innerText();
      ok(secret.startsWith('dgk_'), `the key is ${secret}`);
      const row = keys.locator('tbody tr', { hasText: 'globex' });
      await row.waitFor();
      await shot(page, 'keys-light');
      const subject = () => fetch(`http://${world.gateway}/v1/shelves`, { headers: { 'x-api-key': secret } }).then((r) => r.status);
      await until(async () => (await subject()) === 200, 'a call with the new key');
      await row.getByRole('button', { name: /^Revoke/ }).click();
      await row.getByRole('button', { name: /^Revoke/ }).click();
      await keys.getByText('Nobody has a key yet.').waitFor();
      await until(async () => (await subject()) === 401, 'a call with the revoked key being refused');
    }),

  switches: () =>
    visit({}, async (page) => {
      await page.goto(`${root}/schemas/${encodeURIComponent(service + '/GetShelf')}`);
      await page.locator('a.btn', { hasText: 'Switch' }).click();
      equal(await page.getByLabel(/^Methods:/).inputValue(), `${service}/GetShelf`, 'what is to be switched');
      await page.getByLabel(/^Why/).fill('moved to v2');
      await page.getByRole('button', { name: 'Switch off' }).click();
      await page.getByRole('button', { name: 'Sure: one method' }).click();
      await page.locator('tbody tr', { hasText: `${service}/GetShelf` }).locator('.tag', { hasText: 'off' }).waitFor();
      await shot(page, 'switches-light');
      const status = () => fetch(`http://${world.gateway}/v1/shelves/classics`).then((r) => r.status);
      equal(await status(), 503, 'what clients get of an API that is off');
      await page.locator('.nav a', { hasText: 'Overview' }).click();
      await page.locator('.notice', { hasText: 'is switched off: moved to v2' }).locator('a').click();
      await page.getByRole('button', { name: `Undo the switch of ${service}/GetShelf` }).click();
      await page.locator('.empty', { hasText: 'Nothing is switched' }).waitFor();
      equal(await status(), 200, 'what clients get of an API that is on again');
      // Its calls go elsewhere.
      await page.getByLabel(/^Methods:/).fill(service);
      await page.getByRole('button', { name: 'To backend' }).click();
      await page.getByLabel('Backend', { exact: true }).selectOption('archive');
      await page.getByRole('button', { name: 'Send there' }).click();
      await page.getByRole('button', { name: /^Sure/ }).click();
      await page.locator('tbody tr .tag', { hasText: 'to archive' }).waitFor();
      await call('/v1/shelves');
      await until(async () => (await admin('/api/v1/traffic?limit=50')).calls.some((c) => c.backend === 'archive'), 'a call that went to the other backend');
      await page.getByRole('button', { name: /^Undo/ }).click();
      await page.locator('.empty', { hasText: 'Nothing is switched' }).waitFor();
    }),

  configuration: () =>
    visit({}, async (page) => {
      const text = readFileSync(world.config, 'utf8');
      await page.goto(root + '/config?q=GetShelf');
      await live(page);
      await page.goto(root + '/config?q=methods[0]');
      const timeout = page.locator('tbody tr', { hasText: 'policy.timeout' });
      await timeout.locator('td', { hasText: '2s' }).waitFor();
      writeFileSync(world.config, text.replace('policy: {timeout: 2s', 'policy: {timeout: 3s'));
      await timeout.locator('td', { hasText: '3s' }).waitFor();
      writeFileSync(world.config, text.replace('policy: {timeout: 2s', 'policy: {timeuot: 2s'));
      await tab(page, 'Parts of the configuration', 'Reloads').click();
      await page.locator('.reloads .notice.err', { hasText: 'timeuot' }).waitFor();
      await tab(page, 'Parts of the configuration', 'Validate').click();
      await page.getByLabel('Configuration, as YAML').fill(text.replace('limit: 5000/s', 'limit: lots'));
      await page.getByRole('button', { name: 'Validate' }).click();
      await page.locator('.notice.err', { hasText: 'lots' }).waitFor();
      await page.getByLabel('Configuration, as YAML').fill(text);
      await page.getByRole('button', { name: 'Validate' }).click();
      await page.locator('.notice.ok', { hasText: 'It would be put in force' }).waitFor();
      writeFileSync(world.config, text);
      await tab(page, 'Parts of the configuration', 'Effective').click();
      await timeout.locator('td', { hasText: '2s' }).waitFor();
    }),

  certificate: () =>
    visit({}, async (page) => {
      await page.goto(root + '/tls');
      await live(page);
      const row = page.locator('section.panel', { hasText: 'Shown' }).locator('tbody tr', { hasText: 'listeners[1].tls' });
      const print = row.locator('.print');
      const is = (pem) => `SHA-256 ${new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()}`;
      await row.locator('.tag', { hasText: /^(89|90) days/ }).waitFor();
      ok((await print.getAttribute('title')).endsWith(is(readFileSync(world.shown.cert))), `the certificate is ${await print.getAttribute('title')}`);
      await page.evaluate(() => (globalThis.still = true));
      const replace = (by) => ['key', 'cert'].forEach((file) => writeFileSync(world.shown[file], readFileSync(by[file])));
      // One that ends with the other and has its serial number is another all the same.
      replace(world.twin);
      await row.locator(`.print[title$="${is(readFileSync(world.twin.cert))}"]`).waitFor();
      replace(world.renewed);
      await row.locator('.tag', { hasText: /^(199|200) days/ }).waitFor();
      ok((await print.getAttribute('title')).endsWith(is(readFileSync(world.renewed.cert))), `the renewed certificate is ${await print.getAttribute('title')}`);
      ok(await page.evaluate(() => globalThis.still), 'the page was loaded again');
    }),

  upload: () =>
    visit({}, async (page) => {
      const text = readFileSync(world.config, 'utf8');
      await page.goto(root + '/schemas?part=sources');
      await live(page);
      const panel = page.locator('.panel', { has: page.getByRole('group', { name: 'Upload for garden' }) });
      const choose = (name) => panel.locator('input[type=file]').setInputFiles({ name: name + '.binpb', mimeType: 'application/octet-stream', buffer: Buffer.from(world.uploads[name], 'base64') });
      const services = async () => (await admin('/api/v1/schemas/services?match=garden.v1')).services?.map((s) => s.name) ?? [];
      const both = ['garden.v1.PruneService', 'garden.v1.WaterService'];
      const told = (what) => panel.locator('.notice', { hasText: what }).waitFor();
      await panel.waitFor();
      equal(await page.locator('input[type=file]').count(), 1, 'sources that take files');
      // First it says what would change; then that is in force.
      await choose('whole');
      await told('whole.binpb would be put in force');
      await panel.locator('tr', { hasText: 'garden.v1.WaterService' }).first().waitFor();
      equal(await services(), [], 'what is in force while one only looks');
      await panel.getByRole('button', { name: 'Put it in force' }).click();
      await told('whole.binpb is in force');
      equal(await services(), both, 'what is in force');
      await panel.locator('.figures > div', { hasText: 'Methods' }).locator('dd', { hasText: '2' }).waitFor();
      // What is wrong is refused, with each reason.
      await choose('broken');
      await told('broken.binpb would be refused');
      for (const reason of ['Rain', 'Shears']) await told('garden.v1.' + reason);
      equal(await panel.locator('button').count(), 0, 'buttons for a file that cannot be served');
      // What breaks clients is told, and refused where the configuration says so, unless somebody takes it upon himself.
      await choose('less');
      await told('1 of which break clients');
      await panel.locator('tr', { hasText: 'garden.v1.PruneService' }).locator('.tag', { hasText: 'breaking' }).first().waitFor();
      await shot(page, 'upload-light');
      writeFileSync(world.config, text.replace('schemas:\n', 'schemas:\n  breaking_changes: reject\n'));
      await until(async () => (await admin('/api/v1/config')).settings.some((s) => s.path === 'schemas.breaking_changes' && s.value.includes('reject')), 'a configuration that rejects what breaks clients');
      await panel.getByRole('button', { name: 'Put it in force' }).click();
      await panel.getByRole('button', { name: 'Sure: clients may break' }).click();
      await told('less.binpb is refused');
      equal(await services(), both, 'what is in force after what was refused');
      await panel.getByRole('button', { name: 'Put it in force all the same' }).click();
      await panel.getByRole('button', { name: 'Sure: clients may break' }).click();
      await told('less.binpb is in force');
      equal(await services(), ['garden.v1.WaterService'], 'what is in force after what breaks clients');
      writeFileSync(world.config, text);
    }),
};
