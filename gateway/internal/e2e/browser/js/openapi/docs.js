// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What the page of the documentation does in a browser.

import { launch } from '../chromium.js';
import { world } from '../runner.js';

// docsCases opens the page once, and notes what it asks for and complains of.
export async function docsCases() {
  const browser = await launch();
  const page = await browser.newPage();
  const asked = [];
  const complaints = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => complaints.push(`error: ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.type()}: ${message.text()}`);
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => globalThis.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  const cases = {
    'docs: operations are shown': async () => {
      await page.goto(world.gateway + '/docs');
      await page.waitForSelector('.opblock-summary');
      const title = await page.textContent('.info .title');
      const operations = await page.locator('.opblock').count();
      if (!title?.includes('Bookstore') || operations < 15) return `${title}, with ${operations} operations`;
      const colour = await page.evaluate(() => getComputedStyle(document.querySelector('.opblock-get .opblock-summary-method')).backgroundColor);
      if (colour === 'rgba(0, 0, 0, 0)') return 'the page has no styles';
    },
    'docs: a call is tried': async () => {
      const block = page.locator('.opblock', { hasText: 'ListShelves' }).first();
      await block.locator('.opblock-summary').click();
      await block.getByRole('button', { name: 'Try it out' }).click();
      await block.getByRole('button', { name: 'Execute' }).click();
      await page.waitForSelector('.live-responses-table .response-col_status');
      const status = await block.locator('.live-responses-table tr.response td.response-col_status').first().textContent();
      const body = await block.locator('.live-responses-table .highlight-code').first().textContent();
      if (!status?.includes('200') || !body?.includes('shelves/classics')) return `${status} ${body}`;
    },
    'docs: one service': async () => {
      await page.goto(world.gateway + '/docs?service=bookstore.v1.CoverService');
      await page.waitForSelector('.opblock-summary');
      const operations = await page.locator('.opblock').count();
      if (operations < 1 || operations > 10) return `${operations} operations`;
    },
    'docs: nobody else is asked': async () => {
      const others = asked.filter((url) => !url.startsWith(world.gateway + '/') && !url.startsWith('data:'));
      if (others.length > 0 || asked.length < 5) return `asked for ${JSON.stringify(asked)}`;
    },
    'docs: the policy holds and the page does not complain': async () => {
      const violations = await page.evaluate(() => globalThis.violations);
      if (complaints.length + violations.length > 0) return JSON.stringify([complaints, violations], null, 1);
    },
  };
  return { cases, close: () => browser.close() };
}
