// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The theme: the system's, unless one was chosen. theme.js, which runs first, reads the same entry.

import { computed, signal } from '@preact/signals';

import { read, write } from './storage';

export type Theme = 'system' | 'light' | 'dark';

const key = 'theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(system.matches);
system.addEventListener('change', (e) => {
  systemDark.value = e.matches;
});

/** theme is what was chosen. */
export const theme = signal<Theme>(read<Theme>(key, 'system'));

/** dark says whether the page is dark now. */
export const dark = computed(() => (theme.value === 'system' ? systemDark.value : theme.value === 'dark'));

export function choose(t: Theme): void {
  write(key, t, true);
  if (t === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
  theme.value = t; // last: what is drawn anew by it asks for colours
}

/** colour is what a token is in the theme that shows, for what is drawn and not styled; share makes it see-through. */
export function colour(token: string, share = 1): string {
  const probe = document.createElement('i');
  probe.style.color = `color-mix(in srgb, var(--${token}) ${share * 100}%, transparent)`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
