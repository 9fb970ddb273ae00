// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// A browser that looks at the console, and what it says of what pages do.

import { launch } from '../chromium.js';
import { world } from '../runner.js';

export const root = `http://${world.admin}/console`;
export const service = 'bookstore.v1.BookstoreService';

export const browser = await launch();
/** strangers are what was asked of other origins, complaints what the console of the browser says. */
export const strangers = new Set();
export const complaints = [];

/** idle are pages that no case uses, by what they were opened with: to open one costs more than most cases do. */
const idle = new Map();

/** open opens a page in a context of its own. */
async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** watch notes what a page does. quiet is for pages that are to complain. */
function watch(page, quiet) {
  page.on('request', (r) => {
    const url = new URL(r.url());
    if (url.host !== world.admin && url.host !== world.guarded && url.protocol !== 'blob:') strangers.add(r.url());
  });
  page.on('websocket', (s) => {
    if (new URL(s.url()).host !== world.admin) strangers.add(s.url());
  });
  page.on('pageerror', (e) => complaints.push(e.stack ?? String(e)));
  page.on('console', (m) => {
    // What the API answers with an error is said there too, though the page expects it.
    if (!quiet && m.type() === 'error' && !m.location().url.includes('/try/')) complaints.push(`${m.text()} ${m.location().url}`);
  });
}

/** leave makes a page what it was when it was new: nothing of it runs, and nothing is kept of what the case before had stored. */
async function leave(page) {
  await page.evaluate(() => {
    localStorage.clear();
    sessionStorage.clear();
  });
  await page.goto('about:blank');
  page.removeAllListeners();
}

/** visit has a page for a case, with these options, and watches what it does. A page of a case that failed is for no other. */
export async function visit(options, run, quiet = false) {
  const key = JSON.stringify(options);
  if (!idle.has(key)) idle.set(key, []);
  const page = idle.get(key).pop() ?? (await open(options));
  watch(page, quiet);
  try {
    const result = await run(page);
    await leave(page);
    idle.get(key).push(page);
    return result;
  } catch (error) {
    await page.context().close();
    throw error;
  }
}

export const live = (page) => page.locator('.live', { hasText: 'Live' }).waitFor({ state: 'attached' });

/** call calls the API as its clients do. */
export async function call(path, n = 1, options = {}) {
  for (let i = 0; i < n; i++) await fetch(`http://${world.gateway}${path}`, options).then((r) => r.text());
}

/** admin asks the admin API. */
export const admin = (path, options) => fetch(`http://${world.admin}${path}`, options).then((r) => r.json());

/** until asks again and again, until what it asks for is so. */
export async function until(so, what) {
  for (let i = 0; i < 200; i++) {
    if (await so()) return;
    await new Promise((r) => setTimeout(r, 50));
  }
  throw new Error(`${what} did not come to be`);
}

export const tab = (page, list, name) => page.locator(`[role=tablist][aria-label="${list}"] [role=tab]`, { hasText: name }).first();

export async function shot(page, name) {
  if (world.screenshots) await page.screenshot({ path: `${world.screenshots}/${name}.png` });
}
