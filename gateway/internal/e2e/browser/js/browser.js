// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Opens each page in a browser and runs the cases of its group there.

import { launch } from './chromium.js';
import { runCase, world } from './runner.js';

const browser = await launch();
try {
  const spoken = new Map(); // versions of HTTP by which the gateway answered, with a URL for each
  for (const { origin, group } of world.pages) {
    const page = await browser.newPage();
    await watch(page, spoken);
    await page.addInitScript((w) => { globalThis.world = w; }, { gateway: world.gateway, group });
    await page.goto(origin + '/');
    await page.waitForFunction(() => globalThis.caseNames);
    for (const name of await page.evaluate(() => globalThis.caseNames)) {
      await runCase(name, () => page.evaluate((n) => globalThis.runCase(n), name));
    }
    await page.close();
  }
  await runCase('version of HTTP', async () => {
    const others = [...spoken].filter(([version]) => version !== world.version);
    if (!spoken.has(world.version) || others.length > 0) return `the gateway answered by ${JSON.stringify([...spoken])}; want ${world.version}`;
  });
} finally {
  await browser.close();
}

// watch passes on what a page complains of, and notes by which version of HTTP the gateway answers it.
async function watch(page, spoken) {
  page.on('pageerror', (error) => console.error(`the page: ${error.stack}`));
  const session = await page.context().newCDPSession(page);
  session.on('Network.responseReceived', ({ response }) => {
    if (response.url.startsWith(world.gateway) && response.protocol) spoken.set(response.protocol, response.url);
  });
  await session.send('Network.enable');
}
