// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What Try it keeps in this browser: the calls that were made, and for each environment the header fields and the token that calls carry.

import { computed, signal } from '@preact/signals';

import { read, write } from '../storage';
import type { Protocol } from './session';

export interface Environment {
  name: string;
  token: string;
  headers: [string, string][];
  authority: string;
}

export interface Made {
  at: number;
  method: string;
  protocol: Protocol;
  route: string;
  messages: string[];
  deadline: number;
  code: string;
  took: number;
}

const mostMade = 60;
/** A message that is larger is not kept. */
const mostText = 20_000;

const first: Environment = { name: 'default', token: '', headers: [], authority: '' };

export const environments = signal<Environment[]>(read<Environment[]>('environments', [first]));
export const current = signal(read<{ name: string }>('environment', { name: first.name }).name);
export const environment = computed(() => environments.value.find((e) => e.name === current.value) ?? environments.value[0] ?? first);

export function save(e: Environment): void {
  environments.value = environments.value.some((o) => o.name === e.name) ? environments.value.map((o) => (o.name === e.name ? e : o)) : [...environments.value, e];
  write('environments', environments.value);
}

export function remove(name: string): void {
  environments.value = environments.value.filter((e) => e.name !== name);
  if (!environments.value.length) environments.value = [first];
  write('environments', environments.value);
  choose(environments.value[0].name);
}

export function choose(name: string): void {
  current.value = name;
  write('environment', { name });
}

/** fields are the header fields that calls carry. */
export function fields(e: Environment, more: [string, string][]): [string, string][] {
  const all: [string, string][] = e.token ? [['authorization', 'Bearer ' + e.token]] : [];
  return [...all, ...e.headers, ...more].filter(([k]) => k.trim());
}

/** script are the messages of a call of the history that streamed its request: they can be sent again, all of them. */
export const script = signal<string[]>([]);

export const made = signal<Made[]>(read<Made[]>('history', []));

export function remember(m: Made): void {
  if (m.messages.reduce((n, t) => n + t.length, 0) > mostText) m = { ...m, messages: [] };
  made.value = [m, ...made.value].slice(0, mostMade);
  write('history', made.value);
}

export function forget(): void {
  made.value = [];
  write('history', []);
}
