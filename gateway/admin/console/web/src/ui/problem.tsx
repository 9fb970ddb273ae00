// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// A problem as the gateway tells it: what, where, and what to do.

import type { Diagnostic, Position } from '../api/types';
import { Icon } from './icons';
import { Breakable } from './parts';

export function place(p: Position | undefined): string {
  if (!p?.file) return '';
  return p.file + (p.line ? ':' + p.line + (p.column ? ':' + p.column : '') : '');
}

/** Problem shows all of a problem; brief leaves out the lines of files and what to do. */
export function Problem({ problem: d, brief }: { problem: Diagnostic; brief?: boolean }) {
  const tone = d.level === 'LEVEL_ERROR' ? 'err' : d.level === 'LEVEL_WARNING' ? 'warn' : '';
  return (
    <div class={'notice ' + tone}>
      <Icon name={tone ? 'warn' : 'info'} />
      <div class="grow">
        <span class="break">
          {d.code && <code class="dim">{d.code} </code>}
          {d.path && <code>{d.path}: </code>}
          {d.message}
        </span>
        {brief && d.spans?.[0] && (
          <span class="dim mono where">
            <Breakable text={place(d.spans[0].position)} />
          </span>
        )}
        {(brief ? [] : (d.spans ?? [])).map((s, i) => (
          <div key={i} class="span">
            <div class="dim mono break">{place(s.position)}</div>
            {s.text && (
              <pre class="code wrap">
                {s.text}
                {s.position?.column ? '\n' + ' '.repeat(s.position.column - 1) + '^'.repeat(Math.max(1, (s.endColumn || s.position.column + 1) - s.position.column)) + ' ' + (s.label ?? '') : ''}
              </pre>
            )}
          </div>
        ))}
        {(brief ? [] : [...(d.help ?? []), ...(d.notes ?? [])]).map((line, i) => (
          <div key={i} class="ink2 break">
            {line}
          </div>
        ))}
      </div>
    </div>
  );
}
