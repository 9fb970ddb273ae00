// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Lints the OpenAPI documents of some gateways, makes a client of one of them, and looks at the page that shows it.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { build } from 'esbuild';
import openapiTS, { astToString } from 'openapi-typescript';

import { docsCases } from './openapi/docs.js';
import { end, runCase, world } from './runner.js';

const run = promisify(execFile);
const quiet = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

for (const [name, url] of Object.entries(world.documents)) {
  await runCase(`lint ${name}`, async () => {
    const file = resolve(`openapi/${name}.json`);
    await writeFile(file, await (await fetch(url)).text());
    const linted = await run(process.execPath, [program('@redocly/cli', 'openapi'), 'lint', file, '--config=openapi/redocly.yaml', '--format=json', '--max-problems=1000'], {
      env: quiet, maxBuffer: 64 << 20,
    }).catch((error) => error);
    const begin = linted.stdout?.indexOf('{') ?? -1;
    if (begin < 0) return `the linter printed ${linted.stdout} ${linted.stderr}`;
    const { totals, problems } = JSON.parse(linted.stdout.slice(begin));
    if (totals.errors + totals.warnings > 0) return JSON.stringify(problems.slice(0, 10).map((p) => [p.ruleId, p.message, p.location?.[0]?.pointer]), null, 1);
  });
}

await runCase('types', async () => {
  const types = await openapiTS(new URL(world.documents.bookstore));
  await writeFile('openapi/api.ts', astToString(types));
  const compiled = await run(process.execPath, [program('typescript', 'tsc'), '-p', 'openapi/tsconfig.json'], { env: quiet }).catch((error) => error);
  if (compiled.code) return compiled.stdout;
  await build({ entryPoints: ['openapi/client.ts'], outfile: 'built/client.mjs', bundle: true, format: 'esm', platform: 'node', logLevel: 'warning' });
});
const { clientCases } = await import(pathToFileURL(resolve('built/client.mjs')));
for (const [name, work] of Object.entries(clientCases(world.gateway))) await runCase(name, work);

const { cases, close } = await docsCases();
for (const [name, work] of Object.entries(cases)) await runCase(name, work);
await close();
end();

// program is the file of a program that a package has.
function program(name, bin) {
  const require = createRequire(import.meta.url);
  let folder = dirname(require.resolve(name === 'typescript' ? 'typescript' : `${name}/package.json`));
  if (name === 'typescript') folder = dirname(folder);
  const manifest = require(join(folder, 'package.json'));
  const at = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin] ?? Object.values(manifest.bin)[0];
  return join(folder, at);
}
