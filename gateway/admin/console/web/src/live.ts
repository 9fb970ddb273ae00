// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What the gateway tells as it happens, over one stream of events for all pages. Nothing is asked for again and again.

import { batch, computed, effect, signal } from '@preact/signals';

import { check, get, headers, locked, token } from './api/client';
import { readEvents } from './api/sse';
import type { Backend, CallSummary, GetSeriesResponse, GetStatusResponse, LogLine, Point, Reload, WatchEventsResponse } from './api/types';

/** Seconds that charts show. */
export const windowSeconds = 900;
const mostCalls = 500;
const mostLines = 1000;
const mostReloads = 50;

export type Connection = 'connecting' | 'live' | 'lost';

export const connection = signal<Connection>('connecting');
/** lost is why there is no stream. */
export const lost = signal('');
export const status = signal<GetStatusResponse | undefined>(undefined);
export const points = signal<Point[]>([]);
export const backends = signal<Backend[] | undefined>(undefined);
export const calls = signal<CallSummary[]>([]);
export const missedCalls = signal(0);
export const lines = signal<LogLine[]>([]);
export const reloads = signal<Reload[]>([]);
/** generation counts reloads that put something in force: what depends on it is fetched again. */
export const generation = signal(0);
/** beats counts seconds in which calls ended, five at a time: statistics are fetched again by it, and not while nothing happens. */
export const beats = signal(0);
/** Sample is how many calls per second each endpoint of a backend had at one time. */
export interface Sample {
  at: number;
  by: Map<string, number>;
}

/** rates are samples over time, by backend, since the page was opened; the gateway remembers what was before. */
export const rates = signal<Map<string, Sample[]>>(new Map());

const extra = signal<'' | 'TOPIC_CALLS' | 'TOPIC_LOGS'>('');

/** follow adds a topic to the stream, for the page that shows it. */
export function follow(topic: '' | 'TOPIC_CALLS' | 'TOPIC_LOGS'): void {
  extra.value = topic;
}

export const seconds = computed(() => points.value.map((p) => Math.round(Date.parse(p.time ?? '') / 1000)));

let stop: AbortController | undefined;
let retry = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let quiet = 0;

/** connect opens the stream, and opens it again when it breaks or another one is wanted. */
export function connect(): void {
  effect(() => {
    void extra.value;
    void token.value;
    if (locked.value) return;
    open();
  });
}

function open(): void {
  stop?.abort();
  clearTimeout(timer);
  const mine = new AbortController();
  stop = mine;
  void run(mine, ['TOPIC_METRICS', 'TOPIC_BACKENDS', 'TOPIC_RELOADS', 'TOPIC_STATUS', ...(extra.peek() ? [extra.peek()] : [])]).then(
    () => again(mine, 'the stream of events ended'),
    (e: Error) => again(mine, e.message),
  );
}

function again(mine: AbortController, why: string): void {
  if (mine.signal.aborted) return;
  connection.value = 'lost';
  lost.value = why;
  retry = Math.min(10_000, retry ? retry * 2 : 500);
  timer = setTimeout(open, retry);
}

async function run(mine: AbortController, topics: string[]): Promise<void> {
  const q = topics.map((t) => 'topics=' + t).join('&');
  const answer = await fetch('/events?' + q, { headers: { ...headers(), accept: 'text/event-stream' }, signal: mine.signal, cache: 'no-store' });
  await check(answer);
  await fill().catch(() => {}); // what was before is missing then, and comes second by second
  if (mine.signal.aborted) return;
  batch(() => {
    connection.value = 'live';
    lost.value = '';
  });
  retry = 0;
  await readEvents(answer.body!, (e) => {
    if (mine.signal.aborted || e.event !== 'message') return;
    take(JSON.parse(e.data) as WatchEventsResponse);
  });
}

/** fill gets what was before the stream. */
async function fill(): Promise<void> {
  const have = points.peek();
  const since = have.length ? Date.now() - Date.parse(have[have.length - 1].time ?? '') : Infinity;
  if (since < 3000) return;
  const series = await get<GetSeriesResponse>('/api/v1/metrics/series');
  points.value = series.points ?? [];
}

function take(e: WatchEventsResponse): void {
  if (e.point) {
    const p = e.point;
    // What was asked for while the stream opened may have it already.
    const before = points.value[points.value.length - 1]?.time;
    if (before && Date.parse(p.time ?? '') <= Date.parse(before)) return;
    points.value = [...points.value.slice(-(windowSeconds - 1)), p];
    quiet = Number(p.calls ?? 0) > 0 || Number(p.inFlight ?? 0) > 0 ? quiet + 1 : quiet;
    if (quiet >= 5) {
      quiet = 0;
      beats.value++;
    }
  } else if (e.backends) takeBackends(e.backends.backends ?? [], Date.parse(e.time ?? ''));
  else if (e.reload) takeReload(e.reload);
  else if (e.status) status.value = e.status;
  else if (e.call) {
    calls.value = [e.call, ...calls.value.slice(0, mostCalls - 1)];
    if (e.missed) missedCalls.value += Number(e.missed);
  } else if (e.log) lines.value = [...lines.value.slice(-(mostLines - 1)), e.log];
}

function takeReload(r: Reload): void {
  reloads.value = [r, ...reloads.value.filter((o) => o.id !== r.id).slice(0, mostReloads - 1)];
  if (r.result === 'RELOAD_RESULT_APPLIED' && !r.dryRun) generation.value++;
}

export function takeBackends(bs: Backend[], at: number): void {
  backends.value = bs;
  const next = new Map(rates.value);
  const from = at - windowSeconds * 1000;
  for (const b of bs) {
    const by = new Map((b.endpoints ?? []).map((e) => [e.address ?? '', e.callsPerSecond ?? 0]));
    next.set(b.name ?? '', [...(next.get(b.name ?? '') ?? []).filter((s) => s.at > from && s.at < at), { at, by }]);
  }
  rates.value = next;
}

/** now is the time, told once a second, for ages. */
export const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 1000);
