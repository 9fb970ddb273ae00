// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// One call of the API from this page, in one of four protocols, with all that was said in it.

import { signal, type Signal } from '@preact/signals';

import { headers as adminHeaders, token } from '../api/client';
import type { Method, MethodRoute } from '../api/types';
import { build, shown } from './rest';
import type { Json, Types } from './schema';
import { codeName, envelope, readFrames, readLines } from './wire';

export type Protocol = 'rest' | 'connect' | 'grpcweb' | 'websocket';
export const protocolNames: Record<Protocol, string> = { rest: 'REST', connect: 'Connect', grpcweb: 'gRPC-Web', websocket: 'WebSocket' };

/** root is the path by which the admin listener lets pages into the gateway. */
const root = '/try';

export interface Entry {
  at: number;
  kind: 'out' | 'in' | 'note';
  text: string;
}

export interface Outcome {
  code: string;
  message: string;
  details?: Json[];
  http?: number;
}

export interface Plan {
  protocol: Protocol;
  method: Method;
  route?: MethodRoute;
  types: Types;
  headers: [string, string][];
  /** deadline in milliseconds; 0 leaves it to the gateway. */
  deadline: number;
  authority?: string;
}

export interface Session {
  plan: Plan;
  started: number;
  entries: Signal<Entry[]>;
  /** raw is the exchange as it went over the wire, as far as pages know. */
  raw: Signal<string>;
  state: Signal<'open' | 'half-closed' | 'done'>;
  outcome: Signal<Outcome | undefined>;
  answer: Signal<{ status: string; headers: [string, string][]; trailers: [string, string][] }>;
  took: Signal<number>;
  /** live says that messages go as they are sent; otherwise they wait for the end of the request, since browsers cannot stream one. */
  live: boolean;
  send: (message: string) => void;
  halfClose: () => void;
  cancel: () => void;
}

const mostEntries = 1000;
const mostRaw = 400_000; // characters
/** ours are fields that the console's way adds to answers. */
const ours = ['content-security-policy', 'x-content-type-options'];

export function streamsRequests(m: Method): boolean {
  return m.kind === 'client_stream' || m.kind === 'bidi_stream';
}

export function streamsAnswers(m: Method): boolean {
  return m.kind === 'server_stream' || m.kind === 'bidi_stream';
}

/** open begins a call. */
export function open(plan: Plan): Session {
  const started = performance.now();
  const s: Session = {
    plan,
    started,
    entries: signal<Entry[]>([]),
    raw: signal(''),
    state: signal<'open' | 'half-closed' | 'done'>('open'),
    outcome: signal<Outcome | undefined>(undefined),
    answer: signal({ status: '', headers: [] as [string, string][], trailers: [] as [string, string][] }),
    took: signal(0),
    live: plan.protocol === 'websocket',
    send: () => {},
    halfClose: () => {},
    cancel: () => {},
  };
  if (plan.protocol === 'websocket') socket(s);
  else queued(s);
  return s;
}

function note(s: Session, kind: Entry['kind'], text: string): void {
  s.entries.value = [...s.entries.value.slice(-(mostEntries - 1)), { at: performance.now() - s.started, kind, text }];
}

function rawLine(s: Session, text: string): void {
  if (s.raw.value.length < mostRaw) s.raw.value += text + '\n';
}

function finish(s: Session, outcome: Outcome): void {
  if (s.state.value === 'done') return;
  s.took.value = performance.now() - s.started;
  s.outcome.value = outcome;
  s.state.value = 'done';
}

/** queued is a call by fetch: all messages of the request go at once. */
function queued(s: Session): void {
  const messages: string[] = [];
  const stop = new AbortController();
  s.send = (m) => {
    if (s.state.value !== 'open') return;
    messages.push(m);
    note(s, 'out', m);
  };
  s.halfClose = () => {
    if (s.state.value !== 'open') return;
    s.state.value = 'half-closed';
    void run(s, messages, stop.signal).catch((e: Error) => finish(s, { code: stop.signal.aborted ? 'CANCELLED' : 'UNKNOWN', message: stop.signal.aborted ? 'by this page' : e.message }));
  };
  s.cancel = () => {
    stop.abort();
    finish(s, { code: 'CANCELLED', message: 'by this page' });
  };
}

async function run(s: Session, messages: string[], stop: AbortSignal): Promise<void> {
  switch (s.plan.protocol) {
    case 'rest':
      return rest(s, messages, stop);
    case 'connect':
      return connect(s, messages, stop);
    default:
      return grpcweb(s, messages, stop);
  }
}

async function exchange(s: Session, verb: string, path: string, own: Record<string, string>, body: BodyInit | undefined, shown: string, stop: AbortSignal): Promise<Response> {
  const sent: [string, string][] = [...Object.entries(own), ...s.plan.headers];
  rawLine(s, `> ${verb} ${path}`);
  for (const [k, v] of sent) rawLine(s, `> ${k}: ${v}`);
  rawLine(s, '>');
  if (shown) shown.split('\n').forEach((line) => rawLine(s, '> ' + line));
  const h = new Headers(adminHeaders());
  for (const [k, v] of sent) h.append(k, v);
  if (s.plan.authority) h.set('x-dragoman-try-authority', s.plan.authority);
  const r = await fetch(root + path, { method: verb, headers: h, body, signal: stop, cache: 'no-store', redirect: 'manual', credentials: 'omit' });
  const list = [...r.headers].filter(([k]) => !ours.includes(k));
  const status = `HTTP ${r.status} ${r.statusText}`.trim();
  s.answer.value = { status, headers: list, trailers: [] };
  rawLine(s, '');
  rawLine(s, '< ' + status);
  for (const [k, v] of list) rawLine(s, `< ${k}: ${v}`);
  rawLine(s, '<');
  return r;
}

function received(s: Session, text: string, raw = text): void {
  rawLine(s, '< ' + raw);
  note(s, 'in', text);
}

/** statusOf reads a google.rpc.Status. */
function statusOf(text: string, http: number): Outcome {
  try {
    const st = JSON.parse(text) as { code?: number; message?: string; details?: Json[]; error?: { code?: number; message?: string; details?: Json[] } };
    const e = st.error ?? st;
    return { code: codeName(e.code ?? 2), message: e.message ?? '', details: e.details, http };
  } catch {
    return { code: `HTTP ${http}`, message: text.slice(0, 500), http };
  }
}

async function rest(s: Session, messages: string[], stop: AbortSignal): Promise<void> {
  const { method, route, types, deadline } = s.plan;
  if (!route) throw new Error('the method has no route of REST');
  const streams = streamsRequests(method);
  const request = build(route, messages.map((m) => JSON.parse(m) as Json), method.requestType!, types, streams);
  if (request.problems.length) return finish(s, { code: 'INVALID_ARGUMENT', message: 'not sent: ' + request.problems.join('; ') });
  const own: Record<string, string> = { accept: streamsAnswers(method) ? 'application/x-ndjson' : 'application/json' };
  if (request.body !== undefined) own['content-type'] = request.type!;
  if (deadline) own['x-server-timeout'] = String(deadline / 1000);
  const r = await exchange(s, request.verb, request.path, own, request.body, shown(request), stop);
  if (!r.ok) {
    const text = await r.text();
    received(s, text);
    return finish(s, statusOf(text, r.status));
  }
  let bad: Outcome | undefined;
  const type = r.headers.get('content-type') ?? '';
  const text = /json|text/.test(type) || !type;
  if (streamsAnswers(method) && r.body && text) {
    await readLines(r.body, (line) => {
      received(s, line);
      if (line.startsWith('{"error":')) bad = statusOf(line, r.status);
    });
  } else {
    if (text) received(s, await r.text());
    else received(s, `(${(await r.blob()).size} bytes of ${type})`);
  }
  finish(s, bad ?? { code: 'OK', message: '', http: r.status });
}

interface ConnectError {
  code?: string;
  message?: string;
  details?: Json[];
}

function connectOutcome(e: ConnectError | undefined, http: number): Outcome {
  if (!e) return { code: 'OK', message: '', http };
  return { code: (e.code ?? 'unknown').toUpperCase().replace('CANCELED', 'CANCELLED'), message: e.message ?? '', details: e.details, http };
}

async function connect(s: Session, messages: string[], stop: AbortSignal): Promise<void> {
  const { method, deadline } = s.plan;
  const path = '/' + method.fullName;
  const own: Record<string, string> = { 'connect-protocol-version': '1' };
  if (deadline) own['connect-timeout-ms'] = String(deadline);
  if (method.kind === 'unary' || !method.kind) {
    const r = await exchange(s, 'POST', path, { 'content-type': 'application/json', ...own }, messages[0], messages[0], stop);
    const text = await r.text();
    received(s, text);
    return finish(s, r.ok ? { code: 'OK', message: '', http: r.status } : connectOutcome(parse<ConnectError>(text), r.status));
  }
  const shown = messages.map((m) => framed(0, m)).join('\n');
  const r = await exchange(s, 'POST', path, { 'content-type': 'application/connect+json', ...own }, envelope(messages), shown, stop);
  if (!r.ok || !r.body) {
    const text = await r.text();
    received(s, text);
    return finish(s, connectOutcome(parse<ConnectError>(text) ?? { message: text }, r.status));
  }
  let end: { error?: ConnectError; metadata?: Record<string, string[]> } | undefined;
  await readFrames(r.body, (f) => {
    if (f.flags & 2) {
      end = parse(f.text) ?? {};
      rawLine(s, '< ' + framed(f.flags, f.text));
      s.answer.value = { ...s.answer.value, trailers: Object.entries(end?.metadata ?? {}).flatMap(([k, vs]) => vs.map((v): [string, string] => [k, v])) };
    } else received(s, f.text, framed(f.flags, f.text));
  });
  finish(s, end ? connectOutcome(end.error, r.status) : { code: 'UNAVAILABLE', message: 'the answer broke off', http: r.status });
}

async function grpcweb(s: Session, messages: string[], stop: AbortSignal): Promise<void> {
  const { method, deadline } = s.plan;
  const own: Record<string, string> = { 'content-type': 'application/grpc-web+json', 'x-grpc-web': '1' };
  if (deadline) own['grpc-timeout'] = deadline + 'm';
  const shown = messages.map((m) => framed(0, m)).join('\n');
  const r = await exchange(s, 'POST', '/' + method.fullName, own, envelope(messages), shown, stop);
  let trailers = new Map<string, string>();
  if (r.ok && r.body) {
    await readFrames(r.body, (f) => {
      if (f.flags & 0x80) {
        trailers = new Map(
          f.text
            .split('\r\n')
            .filter(Boolean)
            .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
        );
        s.answer.value = { ...s.answer.value, trailers: [...trailers] };
        rawLine(s, `< [flags 0x80, ${f.size} bytes]`);
        f.text.split('\r\n').filter(Boolean).forEach((line) => rawLine(s, '<   ' + line));
      } else received(s, f.text, framed(f.flags, f.text));
    });
  }
  const get = (name: string) => trailers.get(name) ?? r.headers.get(name);
  const code = get('grpc-status');
  if (code === null) return finish(s, { code: r.ok ? 'UNAVAILABLE' : `HTTP ${r.status}`, message: r.ok ? 'the answer broke off' : '', http: r.status });
  finish(s, { code: codeName(Number(code)), message: decode(get('grpc-message') ?? ''), http: r.status });
}

function framed(flags: number, text: string): string {
  return `[flags 0x${flags.toString(16).padStart(2, '0')}, ${new TextEncoder().encode(text).length} bytes] ${text}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** socket is a call by WebSocket, the only way by which a page can stream what it sends. It goes by the method's own name: each frame is a message. */
function socket(s: Session): void {
  const { method, headers } = s.plan;
  const path = '/' + method.fullName;
  const bearer = headers.find(([k, v]) => k.toLowerCase() === 'authorization' && /^bearer /i.test(v))?.[1].slice(7);
  const subprotocols = ['dragoman.json', ...(bearer ? ['bearer.' + bearer] : [])];
  rawLine(s, `> GET ${path}`);
  rawLine(s, '> upgrade: websocket');
  rawLine(s, `> sec-websocket-protocol: ${subprotocols.join(', ')}`);
  rawLine(s, '>');
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const ws = new WebSocket(`${scheme}//${location.host}${root}${path}`, [...subprotocols, ...(token.value ? ['dragoman.admin.' + encoded(token.value)] : [])]);
  const waiting: string[] = [];
  let opened = false;
  const put = (m: string) => {
    rawLine(s, '> ' + (m || '(empty: the end of the request)'));
    ws.send(m);
  };
  const give = (m: string) => (opened ? put(m) : waiting.push(m));
  ws.onopen = () => {
    opened = true;
    s.answer.value = { status: 'HTTP 101 Switching Protocols', headers: [['sec-websocket-protocol', ws.protocol]], trailers: [] };
    rawLine(s, '\n< HTTP 101 Switching Protocols\n<');
    waiting.splice(0).forEach(put);
  };
  ws.onmessage = (e) => received(s, String(e.data));
  ws.onclose = (e) => {
    rawLine(s, `< (closed ${e.code}${e.reason ? ' ' + e.reason : ''})`);
    if (e.code === 1000) finish(s, { code: 'OK', message: '' });
    else if (e.code >= 4000 && e.code < 4020) finish(s, { code: codeName(e.code - 4000), message: e.reason });
    else finish(s, { code: 'UNAVAILABLE', message: opened ? `the connection was closed with ${e.code} ${e.reason}` : 'the WebSocket was refused; another protocol shows why' });
  };
  s.send = (m) => {
    if (s.state.value !== 'open') return;
    note(s, 'out', m);
    give(m);
  };
  s.halfClose = () => {
    if (s.state.value !== 'open') return;
    s.state.value = 'half-closed';
    if (streamsRequests(method)) give('');
  };
  s.cancel = () => {
    ws.close(1000);
    finish(s, { code: 'CANCELLED', message: 'by this page' });
  };
}

/** encoded is a token as a subprotocol may have it: base64url. */
function encoded(text: string): string {
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
