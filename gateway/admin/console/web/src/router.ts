// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Where the console is: the path below /console, and its query. Each view has an address that can be passed on.

import { computed, signal } from '@preact/signals';

const root = '/console';

const location = signal(current());

function current(): string {
  return window.location.pathname.slice(root.length) + window.location.search;
}

/** path is where the console is, "/" first. */
export const path = computed(() => location.value.split('?')[0] || '/');

/** query are the parameters of the address. */
export const query = computed(() => new URLSearchParams(location.value.split('?')[1] ?? ''));

/** page is the first part of the path, args what follows, decoded. */
export const page = computed(() => path.value.split('/')[1] ?? '');
export const args = computed(() => path.value.split('/').slice(2).filter(Boolean).map(decode));

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // "%" that encodes nothing stands for itself
  }
}

/** href is the address of a place in the console. */
export function href(to: string): string {
  return root + to;
}

/** to makes a place of parts and parameters. */
export function to(parts: string[], params: Record<string, string | undefined> = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v) q.set(k, v);
  const text = q.toString();
  return '/' + parts.map(encodeURIComponent).join('/') + (text ? '?' + text : '');
}

/** go goes to a place. With replace the way back leads to where one came from. */
export function go(place: string, replace = false): void {
  if (place === location.value) return;
  const samePage = place.split(/[/?]/)[1] === page.value;
  history[replace ? 'replaceState' : 'pushState'](null, '', href(place));
  location.value = place;
  if (!samePage) window.scrollTo(0, 0);
}

/** setQuery changes parameters of the address in place: filters are part of the view. */
export function setQuery(params: Record<string, string>): void {
  const q = new URLSearchParams(query.value);
  for (const [k, v] of Object.entries(params)) v ? q.set(k, v) : q.delete(k);
  const text = q.toString();
  go(path.value + (text ? '?' + text : ''), true);
}

window.addEventListener('popstate', () => {
  location.value = current();
});

/** follow makes links of the console change the place without loading anything. */
export function follow(e: MouseEvent): void {
  const a = (e.target as Element).closest?.('a');
  if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  if (a.target || a.hasAttribute('download') || a.origin !== window.location.origin || !a.pathname.startsWith(root)) return;
  e.preventDefault();
  go(a.pathname.slice(root.length) + a.search || '/');
}
