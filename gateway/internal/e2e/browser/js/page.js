// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The page: all cases of its group, by name.

import { connectCases } from './page/connect.js';
import { corsCases, strangerCases } from './page/cors.js';
import { eventCases } from './page/events.js';
import { fetchCases } from './page/fetch.js';
import { grpcWebCases } from './page/grpcweb.js';
import { socketCases } from './page/socket.js';

const groups = {
  page: () => ({ ...connectCases(), ...grpcWebCases(), ...fetchCases(), ...eventCases(), ...socketCases(), ...corsCases() }),
  stranger: strangerCases,
};
const cases = groups[globalThis.world.group]();

// runCase returns what went wrong, or ''.
globalThis.runCase = async (name) => {
  try {
    await cases[name]();
    return '';
  } catch (error) {
    return error?.stack ?? String(error);
  }
};
globalThis.caseNames = Object.keys(cases);
