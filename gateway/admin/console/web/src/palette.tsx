// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The search that / opens: pages, routes, methods, messages and backends by any part of their name.

import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { ListRoutesResponse, ListServicesResponse } from './api/types';
import { useResource } from './api/resource';
import { views } from './app';
import { backends } from './live';
import { go, to } from './router';
import { short } from './format';

export const paletteOpen = signal(false);

interface Hit {
  kind: string;
  name: string;
  more?: string;
  place: string;
}

const most = 40;

export function Palette() {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const routes = useResource<ListRoutesResponse>('/api/v1/routes');
  const services = useResource<ListServicesResponse>('/api/v1/schemas/services');
  const input = useRef<HTMLInputElement>(null);
  const before = useRef(document.activeElement as HTMLElement | null);
  // Before the next key comes: what is typed at once is not lost.
  useLayoutEffect(() => {
    input.current!.focus();
    return () => before.current?.focus?.();
  }, []);

  const all: Hit[] = views.map((v) => ({ kind: 'Page', name: v.title, more: 'g ' + v.key, place: '/' + v.name }));
  for (const b of backends.value ?? []) all.push({ kind: 'Backend', name: b.name!, place: to(['backends', b.name!]) });
  for (const r of routes.data?.routes ?? []) all.push({ kind: 'Route', name: `${r.verb} ${r.path}`, more: short(r.method ?? ''), place: to(['routes'], { open: `${r.verb} ${r.path}` }) });
  const types = new Set<string>();
  for (const s of services.data?.services ?? []) {
    all.push({ kind: 'Service', name: s.name!, place: to(['schemas', s.name!]) });
    for (const m of s.methods ?? []) {
      all.push({ kind: 'Method', name: m.fullName!, place: to(['schemas', m.fullName!]) });
      types.add(m.requestType!).add(m.responseType!);
    }
  }
  for (const t of types) all.push({ kind: 'Message', name: t, place: to(['schemas', t]) });

  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text: string) => words.every((w) => text.toLowerCase().includes(w));
  const found = all.filter((h) => has(`${h.kind} ${h.name} ${h.more ?? ''}`));
  // What has the words in its own name comes first.
  const hits = [...found.filter((h) => has(h.name)), ...found.filter((h) => !has(h.name))].slice(0, most);
  const selected = Math.min(at, hits.length - 1);

  const close = () => {
    paletteOpen.value = false;
  };
  const choose = (h: Hit | undefined) => {
    if (!h) return;
    close();
    go(h.place);
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === 'Escape') close();
    else if (e.key === 'ArrowDown') setAt(Math.min(selected + 1, hits.length - 1));
    else if (e.key === 'ArrowUp') setAt(Math.max(selected - 1, 0));
    else if (e.key === 'Enter') choose(hits[selected]);
    else if (e.key !== 'Tab') return; // the search keeps the focus
    e.preventDefault();
  };
  useEffect(() => {
    document.getElementById('hit-' + selected)?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  return (
    <div class="veil" onClick={(e) => e.target === e.currentTarget && close()}>
      <div class="palette" role="dialog" aria-modal="true" aria-label="Search" onKeyDown={onKey}>
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label="Search pages, routes, methods, messages and backends"
          aria-expanded="true"
          aria-controls="hits"
          aria-activedescendant={hits.length ? 'hit-' + selected : undefined}
          placeholder="Pages, routes, methods, messages, backends"
          value={text}
          spellcheck={false}
          onInput={(e) => {
            setText(e.currentTarget.value);
            setAt(0);
          }}
        />
        <ul id="hits" role="listbox" aria-label="Found">
          {hits.map((h, i) => (
            <li key={h.kind + h.name} id={'hit-' + i} role="option" aria-selected={i === selected} onMouseMove={() => setAt(i)} onClick={() => choose(h)}>
              <span class="kind">{h.kind}</span>
              <span class={h.kind === 'Page' ? '' : 'mono clip name'}>{h.name}</span>
              {h.more && <span class="dim clip mono">{h.more}</span>}
            </li>
          ))}
        </ul>
        <footer aria-live="polite">
          {hits.length ? `${hits.length === most ? most + ' and more' : hits.length} found` : 'Nothing has that name'}
        </footer>
      </div>
    </div>
  );
}
