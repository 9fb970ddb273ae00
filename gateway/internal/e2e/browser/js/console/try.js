// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Try it: calls in every protocol and of every kind of stream, as somebody makes them who learns an API.

import { equal, ok } from '../expect.js';
import { faultsAlone } from '../grammar.js';
import { world } from '../runner.js';
import { root, service, shot, tab, visit } from './visit.js';

export async function tryPage(page, method, protocol) {
  await page.goto(`${root}/try/${encodeURIComponent(method.includes('/') ? method : service + '/' + method)}`);
  await page.locator('.form, .editor').first().waitFor();
  if (protocol) await page.locator('[aria-label=Protocol] button', { hasText: protocol }).click();
}

export async function write(page, message) {
  await tab(page, 'Parts of the request', 'JSON').click();
  await page.locator('.editor textarea').fill(JSON.stringify(message));
}

export const answerCode = (page, code) => page.locator('section[aria-label=Answer] [role=status] .tag', { hasText: code }).waitFor();

export const tries = {
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
      await shot(page, 'chat-light');
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
        ['buf curl', ['buf curl --protocol grpc', `http://${world.gateway}/${service}/GetShelf`]],
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
      // What phones are told is of their languages: for every kind of stream, and with signs that mean something in one of them.
      const signs = `"#1" \\#(x) \\(x) $name \${name} 'a' """ \r\n`;
      for (const [method, message] of [
        ['GetShelf', { name: signs }],
        ['WatchBooks', { genre: signs }],
        ['Chat', { text: signs }],
        ['bookstore.v1.CoverService/UploadCover', { name: signs }],
      ]) {
        await tryPage(page, method);
        await write(page, message);
        await tab(page, 'Parts of the request', 'Environment').click();
        await page.getByLabel('Bearer token').fill('t0ken$name');
        await tab(page, 'Parts of the answer', 'Copy as').click();
        for (const [language, has] of [
          ['Swift', '##"{'],
          ['Kotlin', "${'$'}name ${'$'}{name}"],
          ['Dart', '\\$name \\${name}'],
        ]) {
          await page.locator('[aria-label=Language] button', { hasText: new RegExp(`^${language}$`) }).click();
          const text = await page.locator(`[aria-label="The call as ${language}"]`).innerText();
          ok(text.includes(has), `${method} as ${language} is ${text}; want ${has} in it`);
          equal(faultsAlone(language.toLowerCase(), text), [], `what is wrong with ${method} as ${language}, ${text}`);
        }
      }
    }),

  'try: upload': () =>
    visit({}, async (page) => {
      const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
      const book = (await fetch(`http://${world.gateway}/v1/shelves/classics/books`).then((r) => r.json())).books[0].name;
      for (const protocol of ['REST', 'Connect', 'WebSocket']) {
        await tryPage(page, 'bookstore.v1.CoverService/UploadCover', protocol);
        await write(page, { name: book, cover: { contentType: 'image/png' } });
        // A field of bytes is filled from a file.
        await tab(page, 'Parts of the request', 'Form').click();
        await page.getByLabel('File for data').setInputFiles({ name: 'cover.png', mimeType: 'image/png', buffer: picture });
        await page.waitForFunction((want) => document.querySelector('.form')?.textContent && [...document.querySelectorAll('.form input')].some((i) => i.value === want), picture.toString('base64'));
        await page.getByRole('button', { name: 'Send message' }).click();
        await page.getByRole('button', { name: /alf-close$/ }).click();
        await answerCode(page, 'OK');
        await page.locator('.said.in', { hasText: '"sizeBytes"' }).waitFor();
        ok((await page.locator('.said.in').innerText()).includes(`"${picture.length}"`), `the answer by ${protocol}`);
      }
    }),

  'try: deadline': () =>
    visit({}, async (page) => {
      await tryPage(page, 'WatchBooks', 'Connect');
      await write(page, {});
      await page.getByLabel('deadline').fill('200');
      await page.getByRole('button', { name: 'Send' }).click();
      await answerCode(page, 'DEADLINE_EXCEEDED');
    }),

  'try: again': () =>
    visit({}, async (page) => {
      await tryPage(page, 'Chat', 'WebSocket');
      for (const text of ['sailor', 'computer']) {
        await write(page, { text });
        await page.getByRole('button', { name: 'Send message' }).click();
      }
      await page.locator('.said.in').nth(1).waitFor();
      await page.getByRole('button', { name: 'Half-close' }).click();
      await answerCode(page, 'OK');
      await tab(page, 'What to choose from', 'History').click();
      await page.locator('.history li', { hasText: 'Chat' }).first().locator('button').click();
      await page.getByRole('button', { name: 'Send all 2' }).click();
      await answerCode(page, 'OK');
      equal(await page.locator('.said.out').count(), 2, 'the messages that were sent again');
      equal(await page.locator('.said.in').count(), 2, 'the answers to them');
    }),
};
