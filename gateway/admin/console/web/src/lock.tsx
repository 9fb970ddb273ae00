// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Asks for the token of the admin API.

import { useState } from 'preact/hooks';

import { token, unlock } from './api/client';
import { Notice, Panel } from './ui/parts';

export function Lock() {
  const [value, set] = useState('');
  const wrong = token.value !== '';
  return (
    <div class="lock">
      <Panel title="The admin API wants a token">
        <form
          class="col"
          onSubmit={(e) => {
            e.preventDefault();
            if (value) unlock(value);
          }}
        >
          {wrong && <Notice tone="err">The token was refused.</Notice>}
          <p class="ink2">It is the value of admin.token in the configuration. It is kept until this tab is closed.</p>
          <label class="row">
            <span class="sr">Token</span>
            <input class="field grow" type="password" autocomplete="off" value={value} onInput={(e) => set(e.currentTarget.value)} />
            <button class="btn primary" type="submit">
              Go on
            </button>
          </label>
        </form>
      </Panel>
    </div>
  );
}
