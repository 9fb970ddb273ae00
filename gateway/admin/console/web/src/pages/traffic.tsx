// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Calls as they end, and one of them opened: its stops, its headers and messages where they are kept, and ways to make it again.

import type { ComponentChildren } from 'preact';
import { signal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { get, post, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { CallSummary, CapturedCall, GetCallResponse, ListCallsResponse, ReplayCallResponse, Stop } from '../api/types';
import { calls, missedCalls, status } from '../live';
import { href, query, setQuery, to } from '../router';
import { bytes, clock, count, many, ms, seconds, short } from '../format';
import { Code } from '../ui/code';
import { HeaderRows } from '../try/environments';
import { Icon } from '../ui/icons';
import { Copy, Empty, KV, Notice, Panel, Scroll, Search, Tabs, Tag, Verb, type Tone } from '../ui/parts';
import { Captures } from './capture';

/** more are header fields that replayed calls carry: credentials are not kept. */
const more = signal<[string, string][]>([]);

const paused = signal<CallSummary[] | undefined>(undefined);

/** page is how many calls show at first, and how many more when one asks for more. */
const page = 80;

export function codeTone(code: string | undefined): Tone {
  if (!code || code === 'OK') return 'ok';
  return ['INTERNAL', 'UNAVAILABLE', 'UNKNOWN', 'DATA_LOSS', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED'].includes(code) ? 'err' : 'warn';
}

const protocols: Record<string, string> = { rest: 'REST', grpc: 'gRPC', grpcweb: 'gRPC-Web', 'grpc-web': 'gRPC-Web', connect: 'Connect', websocket: 'WebSocket' };

export function TrafficPage() {
  const q = query.value;
  const filter = { route: q.get('route') ?? '', code: q.get('code') ?? '', reason: q.get('reason') ?? '', subject: q.get('subject') ?? '', slower: q.get('slower') ?? '', errors: q.get('errors') ?? '' };
  const open = q.get('id') ?? '';
  const [room, setRoom] = useState(page);
  useEffect(() => {
    // What ended before the page opened.
    get<ListCallsResponse>('/api/v1/traffic', { limit: 200 }).then(
      (r) => {
        const known = new Set(calls.peek().map((c) => c.id));
        calls.value = [...calls.peek(), ...(r.calls ?? []).filter((c) => !known.has(c.id))].sort((a, b) => Date.parse(b.time ?? '') - Date.parse(a.time ?? ''));
      },
      () => {},
    );
    return () => {
      paused.value = undefined;
    };
  }, []);
  const all = paused.value ?? calls.value;
  const shown = useMemo(() => all.filter((c) => passes(c, filter)), [all, JSON.stringify(filter)]);
  const options = (f: (c: CallSummary) => string | undefined) => [...new Set(calls.value.map(f).filter(Boolean))].sort() as string[];
  const select = (name: keyof typeof filter, label: string, values: string[]) => (
    <select class="field" aria-label={label} value={filter[name]} onChange={(e) => setQuery({ [name]: e.currentTarget.value })}>
      <option value="">{label}</option>
      {[...new Set([...values, ...(filter[name] ? [filter[name]] : [])])].map((v) => (
        <option key={v} value={v}>
          {v}
        </option>
      ))}
    </select>
  );
  const behind = paused.value ? calls.value.length && calls.value.findIndex((c) => c.id === paused.value![0]?.id) : 0;
  return (
    <>
      <div class="toolbar">
        <Search label="Route, path or method" value={filter.route} onInput={(v) => setQuery({ route: v })} />
        {select('code', 'Any code', options((c) => c.code))}
        {select('reason', 'Any reason', options((c) => c.reason))}
        {select('subject', 'Any subject', options((c) => c.subject))}
        <label class="row">
          <span class="dim nowrap">slower than</span>
          <input class="field slower" inputMode="numeric" placeholder="ms" value={filter.slower} onInput={(e) => setQuery({ slower: e.currentTarget.value.replace(/\D/g, '') })} />
        </label>
        <label class="row check">
          <input type="checkbox" checked={!!filter.errors} onChange={(e) => setQuery({ errors: e.currentTarget.checked ? '1' : '' })} />
          failed only
        </label>
        <button type="button" class="btn" aria-pressed={!!paused.value} onClick={() => (paused.value = paused.value ? undefined : calls.value)}>
          <Icon name={paused.value ? 'try' : 'pause'} size={13} />
          {paused.value ? `Go on${behind > 0 ? ` (${behind} new)` : ''}` : 'Pause'}
        </button>
        {missedCalls.value > 0 && <span class="dim">{count(missedCalls.value)} were left out, for there were too many</span>}
      </div>
      <Captures />
      <div class="split" data-open={!!open}>
        <Panel flush label="Calls">
          {shown.length === 0 ? (
            <Empty>
              <p>{all.length ? 'No call passes the filter.' : 'Waiting for calls.'}</p>
              {!all.length && status.value?.listeners?.[0] && (
                <p class="mono">
                  curl {status.value.listeners[0].tls ? 'https' : 'http'}://{status.value.listeners[0].address}
                </p>
              )}
            </Empty>
          ) : (
            <Scroll label="Table of calls">
              <table class="traffic">
                <thead>
                  <tr>
                    <th class="c2">Time</th>
                    <th>Call</th>
                    <th class="c2">Code</th>
                    {!open && <th class="c3">Reason</th>}
                    {!open && <th class="c3">Endpoint</th>}
                    {!open && <th class="c3">Subject</th>}
                    <th class="num">Took</th>
                    {!open && <th class="num c2">Gateway</th>}
                  </tr>
                </thead>
                <tbody>
                  {shown.slice(0, room).map((c) => (
                    <Row key={c.id} call={c} open={open} />
                  ))}
                </tbody>
              </table>
              {shown.length > room && (
                <p class="pad">
                  <button type="button" class="btn small" onClick={() => setRoom(room + page)}>
                    Show more
                  </button>{' '}
                  <span class="dim">{count(shown.length - room)} are older</span>
                </p>
              )}
            </Scroll>
          )}
        </Panel>
        {open && <Opened key={open} id={open} />}
      </div>
    </>
  );
}

function passes(c: CallSummary, f: Record<string, string>): boolean {
  const text = `${c.verb} ${c.path} ${c.route} ${c.method}`.toLowerCase();
  if (f.route && !f.route.toLowerCase().split(/\s+/).every((w) => text.includes(w))) return false;
  if (f.code && c.code !== f.code) return false;
  if (f.reason && c.reason !== f.reason) return false;
  if (f.subject && c.subject !== f.subject) return false;
  if (f.slower && seconds(c.duration) * 1000 < Number(f.slower)) return false;
  return !f.errors || c.code !== 'OK';
}

function Row({ call: c, open }: { call: CallSummary; open: string }) {
  const rest = c.protocol === 'rest' || c.protocol === 'websocket';
  const place = to(['traffic'], { ...Object.fromEntries(query.value), id: c.id });
  return (
    <tr class="link" aria-selected={c.id === open} onClick={(e) => (e.target as Element).closest('a') || setQuery({ id: c.id === open ? '' : c.id! })}>
      <td class="mono dim fit c2">{clock(c.time, true)}</td>
      <td class="grown">
        <div class="row call">
          {rest ? <Verb verb={c.protocol === 'websocket' ? 'WS' : (c.verb ?? '')} /> : <span class="verb dim">{protocols[c.protocol ?? ''] ?? c.protocol}</span>}
          <a class="plain path clip" href={href(place)} title={rest ? c.path : c.method}>
            {rest ? c.path : c.method ? short(c.method) : c.path}
          </a>
        </div>
        <div class="phone">
          <Tag tone={codeTone(c.code)}>{c.code}</Tag> <span class="dim mono">{clock(c.time, true)}</span>
        </div>
      </td>
      <td class="fit c2">
        <Tag tone={codeTone(c.code)}>{c.code}</Tag>
      </td>
      {!open && <td class="c3 fit ink2">{c.reason === 'ok' ? <span class="dim">–</span> : c.reason}</td>}
      {!open && <td class="c3 mono ink2 fit">{c.endpoint || <span class="dim">–</span>}</td>}
      {!open && <td class="c3 subject clip" title={c.subject}>{c.subject || <span class="dim">–</span>}</td>}
      <td class="num fit">{ms(seconds(c.duration) * 1000)}</td>
      {!open && <td class="num c2 ink2 fit">{ms(seconds(c.gateway) * 1000)}</td>}
    </tr>
  );
}

type Part = 'timeline' | 'headers' | 'messages' | 'again';

function Opened({ id }: { id: string }) {
  const found = useResource<GetCallResponse>('/api/v1/traffic/' + encodeURIComponent(id));
  const [replayed, setReplayed] = useState<ReplayCallResponse | undefined>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const [part, setPart] = useState<Part>('timeline');
  const call: CapturedCall = found.data?.call ?? { summary: calls.value.find((c) => c.id === id) };
  const s = call.summary;
  const replay = () => {
    setProblem('');
    setBusy(true);
    const headers = more.value.filter(([k]) => k.trim()).map(([name, value]) => ({ name: name.trim(), value }));
    post<ReplayCallResponse>(`/api/v1/traffic/${encodeURIComponent(id)}:replay`, { headers })
      .then(setReplayed, (e: ApiError) => setProblem(e.message))
      .finally(() => setBusy(false));
  };
  return (
    <Panel
      class="detail"
      flush
      label={'Call ' + id}
      title={s ? <span class="path">{s.protocol === 'rest' ? `${s.verb} ${s.path}` : s.method || s.path}</span> : 'Call'}
      actions={
        <span class="row">
          {!status.value?.readOnly && (
            <button type="button" class="btn small" disabled={busy || !call.replayable} title={call.replayable ? 'Sends it again, through all policies' : 'Not all of its messages were kept'} onClick={replay}>
              <Icon name="refresh" size={12} />
              Replay
            </button>
          )}
          <button type="button" class="btn quiet icon small" aria-label="Close" onClick={() => setQuery({ id: '' })}>
            <Icon name="close" size={14} />
          </button>
        </span>
      }
    >
      <Tabs
        label="Parts of the call"
        value={part}
        onChange={setPart}
        tabs={[
          { value: 'timeline', text: 'Timeline' },
          { value: 'headers', text: 'Headers' },
          { value: 'messages', text: 'Messages' },
          { value: 'again', text: 'Call again' },
        ]}
      />
      <div class="pad col">
        {found.error && !s && <Notice tone="warn">{found.error.message}</Notice>}
        {problem && <Notice tone="err">{problem}</Notice>}
        {replayed?.call?.summary && <Replayed answer={replayed} before={call} />}
        {s && part === 'timeline' && <Timeline call={call} />}
        {part === 'headers' && <Headers call={call} />}
        {part === 'messages' && <Messages call={call} />}
        {part === 'again' && <Again call={call} />}
      </div>
    </Panel>
  );
}

/** Replayed is how a call ended that was sent again, beside how it had ended. */
function Replayed({ answer, before }: { answer: ReplayCallResponse; before: CapturedCall }) {
  const s = answer.call!.summary!;
  const same = JSON.stringify(answer.call!.responseMessages ?? []) === JSON.stringify(before.responseMessages ?? []);
  return (
    <Notice tone={codeTone(s.code) === 'ok' ? 'ok' : 'warn'} actions={<a href={href(to(['traffic'], { id: s.id }))}>Open</a>}>
      <div>
        Sent again: <b>{s.code}</b> after {ms(seconds(s.duration) * 1000)}
        {s.endpoint && `, from ${s.endpoint}`}
        {before.responseMessages?.length ? (same ? '; the answer is the same' : '; the answer is another one') : ''}
      </div>
      {s.message && <div class="ink2">{s.message}</div>}
      {(answer.notes ?? []).map((n, i) => (
        <div key={i} class="ink2">
          {n}
        </div>
      ))}
      {!same && (answer.call!.responseMessages ?? []).slice(0, 3).map((m, i) => <Code key={i} text={pretty(m)} language="json" label={`Message ${i + 1} of the new answer`} />)}
    </Notice>
  );
}

function Timeline({ call }: { call: CapturedCall }) {
  const s = call.summary!;
  const total = seconds(s.duration) * 1000 || 1;
  const stops = call.timeline ?? [];
  return (
    <>
      {stops.length > 0 ? (
        <div class="waterfall" role="group" aria-label="Stops of the call">
          {stops.map((stop, i) => (
            <Bar key={i} stop={stop} total={total} />
          ))}
        </div>
      ) : (
        <Split gateway={seconds(s.gateway) * 1000} backend={seconds(s.backendTime) * 1000} total={total} />
      )}
      <KV
        rows={[
          [
            'Ended',
            <span class="row wrap">
              <Tag tone={codeTone(s.code)}>{s.code}</Tag>
              {s.httpStatus ? <span>HTTP {s.httpStatus}</span> : null}
              <span class="dim">{s.reason}</span>
            </span>,
          ],
          ...(s.message ? [['Client was told', s.message] as [string, string]] : []),
          ...(call.detail ? [['Cause', call.detail] as [string, string]] : []),
          ['Took', `${ms(total)}, of which ${ms(seconds(s.gateway) * 1000)} in the gateway; first byte after ${ms(seconds(s.ttfb) * 1000)}`],
          ['Method', s.method ? <a class="mono" href={href(to(['schemas', s.method]))}>{s.method}</a> : '–'],
          ...(s.route ? [['Route', <a class="mono" href={href(to(['routes'], { open: s.route }))}>{s.route}</a>] as [string, ComponentChildren]] : []),
          ['Backend', s.backend ? <span><a href={href(to(['backends', s.backend]))}>{s.backend}</a> <span class="mono">{s.endpoint}</span>{(s.attempts ?? 0) > 1 ? `, ${s.attempts} attempts` : ''}</span> : 'none'],
          ['Client', <span class="mono break">{s.client} <span class="dim">{s.userAgent}</span></span>],
          ...(s.subject ? [['Subject', s.subject] as [string, string]] : []),
          ...(s.rule ? [['Limit', s.rule] as [string, string]] : []),
          ...(s.cache ? [['Cache', s.cache] as [string, string]] : []),
          ['In', `${many(s.messagesIn, 'message')}, ${bytes(s.bytesIn)}`],
          ['Out', `${many(s.messagesOut, 'message')}, ${bytes(s.bytesOut)}`],
          ['Request id', <span class="mono break">{s.id}</span>],
          ...(s.traceId ? [['Trace', <Trace call={s} />] as [string, ComponentChildren]] : []),
        ]}
      />
    </>
  );
}

/** Trace is the id of a trace, with the page where it can be looked at, if the configuration names one. */
function Trace({ call: s }: { call: CallSummary }) {
  const link = status.value?.traceLink;
  const id = s.traceId!;
  return (
    <span class="row wrap">
      {link ? (
        <a class="mono break" href={link.replace('{trace_id}', encodeURIComponent(id))} target="_blank" rel="noopener noreferrer" title="Opens the trace in a new tab">
          {id}
        </a>
      ) : (
        <span class="mono break">{id}</span>
      )}
      <Copy text={() => id} />
      {link && !s.traceSampled && <span class="dim">not recorded by the gateway</span>}
    </span>
  );
}

function Bar({ stop, total }: { stop: Stop; total: number }) {
  const from = (seconds(stop.offset) * 1000) / total;
  const width = (seconds(stop.took) * 1000) / total;
  const attempt = stop.name === 'attempt';
  const failed = attempt && /[A-Z_]{5,}/.test(stop.detail ?? '') && !/\bOK\b/.test(stop.detail ?? '');
  return (
    <>
      <span title={stop.detail}>{stop.name}</span>
      <div class="track">
        <i class={failed ? 'failed' : attempt ? 'backend' : ''} style={{ left: Math.min(99, from * 100) + '%', width: Math.min(100 - from * 100, width * 100) + '%' }} />
      </div>
      <span class="num">{ms(seconds(stop.took) * 1000)}</span>
      {stop.detail && <span class="stopdetail dim">{stop.detail}</span>}
    </>
  );
}

/** Split shows the time of a call of which only the two parts are known. */
function Split({ gateway, backend, total }: { gateway: number; backend: number; total: number }) {
  return (
    <div class="waterfall" role="img" aria-label={`gateway ${ms(gateway)}, backend ${ms(backend)}`}>
      <span>gateway</span>
      <div class="track">
        <i style={{ left: '0', width: Math.min(100, (100 * gateway) / total) + '%' }} />
      </div>
      <span class="num">{ms(gateway)}</span>
      <span>backend</span>
      <div class="track">
        <i class="backend" style={{ left: Math.max(0, 100 - (100 * backend) / total) + '%', width: Math.min(100, (100 * backend) / total) + '%' }} />
      </div>
      <span class="num">{ms(backend)}</span>
    </div>
  );
}

function Headers({ call }: { call: CapturedCall }) {
  const table = (name: string, fields: { name?: string; value?: string }[] | undefined) => (
    <div>
      <h3>{name}</h3>
      {fields?.length ? (
        <table class="tight">
          <tbody>
            {fields.map((f, i) => (
              <tr key={i}>
                <td class="mono ink2 nowrap top">{f.name}</td>
                <td class="mono break">{f.value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p class="dim">None are kept.</p>
      )}
    </div>
  );
  return (
    <>
      {table('Of the request', call.requestHeaders)}
      {table('Of the answer', call.responseHeaders)}
      {call.responseTrailers?.length ? table('Trailers', call.responseTrailers) : null}
    </>
  );
}

function Messages({ call }: { call: CapturedCall }) {
  const list = (name: string, messages: string[] | undefined, leftOut: number | undefined) => (
    <div class="col narrow">
      <h3>{name}</h3>
      {leftOut ? <p class="dim">{many(leftOut, 'more message')} did not fit.</p> : null}
      {messages?.length ? messages.map((m, i) => <Code key={i} text={pretty(m)} language="json" label={`${name}, ${i + 1}`} />) : <p class="dim">None are kept.</p>}
    </div>
  );
  return (
    <>
      {!call.requestMessages?.length && !call.responseMessages?.length && (
        <Notice>
          Messages are kept where the configuration says <code>{'admin: {capture: {…}}'}</code>, while captures are on.
        </Notice>
      )}
      {call.redacted && <p class="dim">Fields that may be secret were taken out.</p>}
      {list('Of the request', call.requestMessages, call.requestLeftOut)}
      {list('Of the answer', call.responseMessages, call.responseLeftOut)}
    </>
  );
}

export function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

function Again({ call }: { call: CapturedCall }) {
  const s = call.summary;
  return (
    <>
      {call.command ? (
        <div>
          <div class="row">
            <h3 class="grow">As a test</h3>
            <Copy text={() => call.command!} />
          </div>
          <Code wrap text={call.command} label="Command that makes the call again" />
        </div>
      ) : (
        <p class="dim">Its message was not kept, so there is no command that makes it again.</p>
      )}
      {call.replayable && !status.value?.readOnly && (
        <div class="col narrow">
          <h3>Header fields that Replay adds</h3>
          <p class="dim">Credentials are not kept: a call that needs them is refused without.</p>
          <HeaderRows value={more.value} onChange={(v) => (more.value = v)} />
        </div>
      )}
      {s?.method && (
        <p>
          <a href={href(to(['try', s.method], { route: s.route }))}>Open it in Try it</a>
        </p>
      )}
    </>
  );
}
