// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What differs between two schemas.

import type { SchemaChange } from '../api/types';
import { Scroll, Tag } from '../ui/parts';

export function ChangeTable({ all }: { all: SchemaChange[] }) {
  if (!all.length) return null;
  return (
    <Scroll label="Changes of schemas">
      <table>
        <tbody class="tops">
          {all.map((c, i) => (
            <tr key={i}>
              <td class="fit">{c.breaking ? <Tag tone="err">breaking</Tag> : <Tag>compatible</Tag>}</td>
              <td class="mono break">{c.element}</td>
              <td class="break">
                {c.message}
                {c.methods?.length ? <div class="dim mono">{c.methods.join(', ')}</div> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
