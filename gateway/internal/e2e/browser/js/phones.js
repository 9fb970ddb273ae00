// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Reads the samples of the guide in the languages of phones.

import { faults } from './grammar.js';
import { end, runCase, world } from './runner.js';

for (const { name, where, code } of world.samples) {
  await runCase(name, async () => faults(where, code).join('\n'));
  // A reader that takes everything would hold nothing.
  await runCase(`${name} without a sign`, async () => {
    const signs = [...code].flatMap((c, i) => ('(){}"\''.includes(c) ? [i] : []));
    if (signs.length < 10) return `it has ${signs.length} signs`;
    return signs
      .filter((i) => faults(where, code.slice(0, i) + code.slice(i + 1)).length === 0)
      .map((i) => `nobody misses ${code[i]} at ${i}`)
      .join('\n');
  });
}
end();
