// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Runs the cases of clients in Node.

import { connectCases } from './node/connect.js';
import { close, grpcCases } from './node/grpc.js';
import { end, runCase } from './runner.js';

for (const [name, run] of Object.entries({ ...grpcCases, ...connectCases() })) await runCase(name, run);
close();
end();
