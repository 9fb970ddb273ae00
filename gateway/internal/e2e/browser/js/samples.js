// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Runs the samples of the guide: those of pages in the browser, those of Node in a Node of their own.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

import { build } from 'esbuild';

import { launch } from './chromium.js';
import { end, runCase, world } from './runner.js';

let changes = 0;
const browser = await launch();
for (const sample of world.samples) {
  await runCase(sample.name, () => (sample.where === 'node' ? inNode(sample) : inPage(sample)));
}
await browser.close();
end();

// inPage runs a sample in a page of its origin, and changes a book again and again until it has shown enough.
async function inPage({ where, code, shows }) {
  const page = await browser.newPage();
  const shown = [];
  const failed = new Promise((_, reject) => {
    page.on('pageerror', reject);
    page.exposeFunction('tell', (what, text) => (what === 'show' ? shown.push(text) : reject(new Error(`it failed: ${text}`))));
  });
  await page.addInitScript(() => {
    const text = (value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v));
    globalThis.show = (value) => globalThis.tell('show', text(value));
    globalThis.fail = (value) => globalThis.tell('fail', text(value));
  });
  // Any answer of the gateway will do as the page: both hosts are the gateway's, and what the page calls is one of them.
  await page.goto(`${where}/v1/shelves`);
  const script = await page.addScriptTag({ type: 'module', content: await bundle(code) });
  while (shown.length < shows.length) {
    await Promise.race([failed, change()]);
  }
  await script.dispose();
  await page.close();
  return compare(shown, shows);
}

// change changes a book, by Node.
async function change() {
  const book = (await fetchJSON('GET', '/v1/books?page_size=1')).books[0];
  await fetchJSON('PATCH', `/v1/${book.name}`, { title: `changed ${++changes}` });
}

async function fetchJSON(method, path, body) {
  const answer = await fetch(world.plain + path, {
    method, body: body && JSON.stringify(body), headers: body ? { 'content-type': 'application/json' } : {},
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}

// bundle makes one script of a sample and what it imports. Generated code is made here, of the descriptors.
async function bundle(code) {
  const generated = {
    name: 'generated',
    setup(b) {
      b.onResolve({ filter: /^\.\/gen\/bookstore\/v1\/bookstore_pb\.js$/ }, ({ path }) => ({ path, namespace: 'generated' }));
      b.onLoad({ filter: /.*/, namespace: 'generated' }, () => ({ contents: services('bookstore.binpb'), resolveDir: '.' }));
    },
  };
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: '.' }, bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'silent', plugins: [generated],
  });
  return outputFiles[0].text;
}

// services is a module with the services of a file of descriptors, as generated code has them.
function services(file) {
  return `
    import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
    import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
    const bytes = Uint8Array.from(atob('${readFileSync(file, 'base64')}'), (c) => c.charCodeAt(0));
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
    export const BookstoreService = registry.getService('bookstore.v1.BookstoreService');
  `;
}

// inNode runs a sample in a Node of its own; only the address of the gateway is another.
async function inNode({ code, shows }) {
  const api = 'api.example.com:443';
  if (!code.includes(api)) return `it does not call ${api}`;
  const prelude = `
    const show = (value) => console.log(JSON.stringify(value));
    const fail = (error) => { throw error; };
  `;
  writeFileSync('sample.js', code.replace(api, world.node) + prelude);
  const child = spawn(process.execPath, ['sample.js'], { env: { ...process.env, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: world.authority } });
  const printed = { stdout: '', stderr: '' };
  for (const name of Object.keys(printed)) child[name].on('data', (data) => { printed[name] += data; });
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) return `it ended with ${status}:\n${printed.stderr}`;
  return compare(printed.stdout.trim().split('\n'), shows);
}

function compare(shown, shows) {
  for (const [i, wanted] of shows.entries()) {
    if (!shown[i]?.includes(wanted)) return `it shows ${shown[i]}; want something with ${wanted}`;
  }
}
