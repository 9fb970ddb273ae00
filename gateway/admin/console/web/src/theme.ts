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
  theme.value = t;
  write(key, t, true);
  if (t === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
}

/** colour is the value of a token in the theme that shows. */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + token).trim();
}
