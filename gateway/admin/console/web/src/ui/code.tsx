// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Code and data, coloured.

import { type ComponentChildren } from 'preact';

type Language = 'json' | 'proto' | 'text' | 'yaml';

const tokens: Record<Exclude<Language, 'text'>, RegExp> = {
  json: /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/g,
  proto: /(\/\/[^\n]*)|("(?:[^"\\]|\\.)*")|\b(\d+|true|false)\b|\b(syntax|package|import|service|rpc|returns|stream|message|enum|oneof|option|repeated|optional|map|reserved|edition|extend|extensions)\b/g,
  yaml: /(#[^\n]*)|^(\s*(?:- )?[\w.-]+)(?=:)|("(?:[^"\\]|\\.)*")|(?<=:\s)(-?\d[\w.]*|true|false|null)\b/gm,
};

/** paint returns a text in its colours. */
export function paint(text: string, language: Language): ComponentChildren {
  if (language === 'text' || text.length > 200_000) return text;
  const out: ComponentChildren[] = [];
  let at = 0;
  const put = (kind: string, from: number, to: number) => {
    out.push(<span class={kind}>{text.slice(from, to)}</span>);
    at = to;
  };
  for (const m of text.matchAll(tokens[language])) {
    const i = m.index;
    if (i > at) out.push(text.slice(at, i));
    at = i;
    if (language === 'json') {
      if (m[1] !== undefined) put(m[2] ? 'k' : 's', i, i + m[1].length);
      else put('n', i, i + m[0].length);
    } else if (m[1] !== undefined) put('d', i, i + m[0].length);
    else if (language === 'yaml') put(m[2] !== undefined ? 'k' : m[3] !== undefined ? 's' : 'n', i, i + m[0].length);
    else put(m[2] !== undefined ? 's' : m[3] !== undefined ? 'n' : 'k', i, i + m[0].length);
  }
  out.push(text.slice(at));
  return out;
}

export function Code({ text, language = 'text', wrap, label }: { text: string; language?: Language; wrap?: boolean; label: string }) {
  return (
    <pre class={'code' + (wrap ? ' wrap' : '')} tabIndex={0} role="region" aria-label={label}>
      {paint(text, language)}
    </pre>
  );
}

/** Source is a part of a file with the numbers of its lines; those from hit on, as many as there are hits, are set off. */
export function Source({ text, first = 1, hit, hits = 1, language = 'proto', label }: { text: string; first?: number; hit?: number; hits?: number; language?: Language; label: string }) {
  return (
    <pre class="code" tabIndex={0} role="region" aria-label={label}>
      <div class="source">
        {text.replace(/\n$/, '').split('\n').map((line, i) => {
          const n = first + i;
          const set = hit !== undefined && n >= hit && n < hit + hits;
          return (
            <>
              <span class="ln">{n}</span>
              <span class={set ? 'hit' : ''}>{paint(line || ' ', language)}</span>
            </>
          );
        })}
      </div>
    </pre>
  );
}
