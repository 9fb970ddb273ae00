// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Reads code in the languages of phones, of which no compiler is needed, by their grammars.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { Language, Parser } from 'web-tree-sitter';

await Parser.init();
const { resolve } = createRequire(import.meta.url);
const languages = {};
for (const name of ['kotlin', 'swift', 'dart']) {
  languages[name] = await Language.load(resolve(`tree-sitter-wasms/out/tree-sitter-${name}.wasm`));
}

// around is what has to stand around statements; the others take them anywhere.
const around = { dart: ['main() async {', '}'] };

// faults are the places of a code that its language does not have, each with what is there.
export function faults(language, code) {
  const [before, after] = around[language] ?? ['', ''];
  const parser = new Parser();
  parser.setLanguage(languages[language]);
  const tree = parser.parse(`${before}\n${code}\n${after}`);
  const all = [];
  (function look(node) {
    if (!node.hasError) return;
    const { row, column } = node.startPosition;
    if (node.isMissing) all.push(`${row}:${column + 1}: ${node.type} is missing`);
    else if (node.isError) all.push(`${row}:${column + 1}: ${node.text}`);
    else node.children.forEach(look);
  })(tree.rootNode);
  if (tree.rootNode.hasError && all.length === 0) all.push('somewhere');
  tree.delete();
  parser.delete();
  return all;
}

// faultsAlone are the same, found in a process of its own: the grammar of Swift reads one string with #"…"# well, and then no other one.
export function faultsAlone(language, code) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), language], { input: code, encoding: 'utf8' });
  if (status !== 0) throw new Error(`reading ${language} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(faults(process.argv[2], await text(process.stdin))));
