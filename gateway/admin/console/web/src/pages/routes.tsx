// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The routes of REST: the table of `dragoman routes`, and of each what it is made of and how it was called.

import { useMemo } from 'preact/hooks';

import type { CallStats, ListRoutesResponse, Route } from '../api/types';
import { useResource } from '../api/resource';
import { beats, now } from '../live';
import { href, query, setQuery, to } from '../router';
import { ago, count, ms, percent, reflow, seconds } from '../format';
import { HeatStrip } from '../ui/heat';
import { Icon } from '../ui/icons';
import { Breakable, Choice, Empty, Figure, KV, Notice, Panel, Path, Scroll, Search, Tabs, Tag, Verb } from '../ui/parts';
import { place } from '../ui/problem';
import { Explain } from './explain';
import { Declared } from './source';
import { SwitchNotes } from './switches';

type Sort = 'path' | 'calls' | 'errors' | 'p99';

const kinds = {
  unary: '',
  server_stream: 'server stream',
  client_stream: 'client stream',
  bidi_stream: 'bidi stream',
} as Record<string, string>;

export function kindName(kind: string | undefined): string {
  return kinds[kind ?? ''] ?? kind ?? '';
}

export function routeKey(r: Route): string {
  return `${r.verb} ${r.path}`;
}

export function RoutesPage() {
  const q = query.value;
  const filter = q.get('q') ?? '';
  const sort = (q.get('sort') ?? 'path') as Sort;
  const open = q.get('open') ?? '';
  const list = useResource<ListRoutesResponse>('/api/v1/routes', { policies: true }, beats.value);
  const routes = useMemo(() => arrange(list.data?.routes ?? [], filter, sort), [list.data, filter, sort]);
  const opened = open ? list.data?.routes?.find((r) => routeKey(r) === open) : undefined;
  return (
    <>
      <div class="toolbar">
        <Search label="Filter by path, method or backend" value={filter} onInput={(v) => setQuery({ q: v })} />
        <Choice
          label="Order"
          value={sort}
          onChange={(v) => setQuery({ sort: v === 'path' ? '' : v })}
          options={[
            { value: 'path', text: 'Path' },
            { value: 'calls', text: 'Calls' },
            { value: 'errors', text: 'Errors' },
            { value: 'p99', text: 'p99' },
          ]}
        />
        <span class="dim" aria-live="polite">
          {routes.length} of {list.data?.routes?.length ?? 0}
        </span>
      </div>
      {list.error && <Notice tone="err">{list.error.message}</Notice>}
      <div class="split" data-open={!!opened}>
        <Panel flush label="Routes">
          {routes.length === 0 ? (
            <Empty>{list.data ? <p>No route has that in its name. Methods without a route are called by their name: see Services & schemas.</p> : 'Loading'}</Empty>
          ) : (
            <Scroll label="Table of routes">
              <table>
                <thead>
                  <tr>
                    <th>Route</th>
                    {!opened && <th class="c2">Method</th>}
                    {!opened && <th class="c3">Backend</th>}
                    {!opened && <th class="c3">Who may call</th>}
                    <th class="num">Calls</th>
                    {!opened && <th class="num c2">Errors</th>}
                    {!opened && <th class="num c2">p99</th>}
                    {!opened && <th class="num c3">Last called</th>}
                  </tr>
                </thead>
                <tbody>
                  {routes.map((r) => (
                    <Row key={routeKey(r)} route={r} narrow={!!opened} selected={r === opened} />
                  ))}
                </tbody>
              </table>
            </Scroll>
          )}
        </Panel>
        {opened && <Detail key={open} route={opened} />}
      </div>
    </>
  );
}

function arrange(all: Route[], filter: string, sort: Sort): Route[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((r) => {
    const text = [r.verb, r.path, r.method, ...(r.backends ?? [])].join(' ').toLowerCase();
    return words.every((w) => text.includes(w));
  });
  const by: Record<Sort, (r: Route) => number> = {
    path: () => 0,
    calls: (r) => Number(r.stats?.calls ?? 0),
    errors: (r) => Number(r.stats?.errors ?? 0),
    p99: (r) => seconds(r.stats?.latency?.p99),
  };
  return sort === 'path' ? found : [...found].sort((a, b) => by[sort](b) - by[sort](a));
}

function Row({ route: r, narrow, selected }: { route: Route; narrow: boolean; selected: boolean }) {
  const s = r.stats ?? {};
  const place = to(['routes'], { ...Object.fromEntries(query.value), open: routeKey(r) });
  return (
    <tr class="link" aria-selected={selected} onClick={(e) => (e.target as Element).closest('a') || setQuery({ open: selected ? '' : routeKey(r) })}>
      <td>
        <span class="row routename">
          <Verb verb={r.verb ?? ''} />
          <span class="grow">
            <a class="plain" href={href(place)}>
              <Path path={r.path ?? ''} />
            </a>{' '}
            {r.kind !== 'unary' && !narrow && <Tag>{kindName(r.kind)}</Tag>} {r.deprecated && <Tag tone="warn">deprecated</Tag>} {r.switchedOff && <Tag tone="err">off</Tag>}
          </span>
        </span>
      </td>
      {!narrow && (
        <td class="c2 mono ink2" title={r.method}>
          <div class="methodname clip">{(r.method ?? '').slice((r.service ?? '').length + 1)}</div>
        </td>
      )}
      {!narrow && (
        <td class="c3 nowrap">
          {(r.backends ?? []).map((b, i) => (
            <>
              {i > 0 && ', '}
              <a href={href(to(['backends', b]))}>{b}</a>
            </>
          ))}
        </td>
      )}
      {!narrow && (
        <td class="c3">
          <Callers auth={r.auth} />
        </td>
      )}
      <td class="num">{Number(s.calls ?? 0) ? count(s.calls) : <span class="dim">0</span>}</td>
      {!narrow && <td class={'num c2 ' + (Number(s.errors ?? 0) ? 't-err' : 'dim')}>{Number(s.calls ?? 0) ? percent(Number(s.errors ?? 0), Number(s.calls)) : '–'}</td>}
      {!narrow && <td class="num c2">{s.latency?.p99 ? ms(seconds(s.latency.p99) * 1000) : <span class="dim">–</span>}</td>}
      {!narrow && <td class="num c3 ink2">{s.lastCall ? ago(s.lastCall, now.value) : <span class="dim">never</span>}</td>}
    </tr>
  );
}

/** Callers says who may call: the providers, of which one has to know the caller. */
function Callers({ auth }: { auth?: string[] }) {
  if (!auth?.length || (auth.length === 1 && auth[0] === 'none')) return <span class="dim">everybody</span>;
  const text = auth.map((a) => (a === 'none' ? 'everybody' : a)).join(', ');
  return (
    <div class="callers clip" title={`one of ${text}`}>
      {text}
    </div>
  );
}

type Part = 'binding' | 'policy' | 'calls' | 'explain';

function Detail({ route: r }: { route: Route }) {
  const part = (query.value.get('part') ?? 'binding') as Part;
  return (
    <Panel
      class="detail"
      label={'Route ' + routeKey(r)}
      flush
      title={
        <span class="row wrap">
          <Verb verb={r.verb ?? ''} />
          <Path path={r.path ?? ''} />
        </span>
      }
      actions={
        <span class="row">
          <a class="btn small" href={href(to(['try', r.method ?? ''], { route: routeKey(r) }))}>
            <Icon name="try" size={12} />
            Try
          </a>
          <button type="button" class="btn quiet icon small" aria-label="Close" onClick={() => setQuery({ open: '', part: '' })}>
            <Icon name="close" size={14} />
          </button>
        </span>
      }
    >
      <Tabs
        label="Parts of the route"
        value={part}
        onChange={(v) => setQuery({ part: v === 'binding' ? '' : v })}
        tabs={[
          { value: 'binding', text: 'Binding' },
          { value: 'policy', text: 'Policy', n: r.policy?.length },
          { value: 'calls', text: 'Calls' },
          { value: 'explain', text: 'Explain' },
        ]}
      />
      <div class="pad col">
        {part === 'binding' && <Binding route={r} />}
        {part === 'policy' && <Policy route={r} />}
        {part === 'calls' && <Calls route={r} />}
        {part === 'explain' && <Explain verb={r.verb ?? 'GET'} path={sample(r.path ?? '')} />}
      </div>
    </Panel>
  );
}

/** sample is a path that a template takes: its variables are replaced by something that looks like them. */
export function sample(template: string): string {
  return template.replace(/\{([^}=]*)(?:=([^}]*))?\}/g, (_m, _name: string, pattern: string | undefined) => (pattern ?? '*').replace(/\*\*|\*/g, 'x'));
}

function Binding({ route: r }: { route: Route }) {
  return (
    <>
      <SwitchNotes name={r.method ?? ''} />
      {r.comment && <p class="ink2 comment">{reflow(r.comment)}</p>}
      <KV
        rows={[
          [
            'Method',
            <a class="mono" href={href(to(['schemas', r.method ?? '']))}>
              {r.method}
            </a>,
          ],
          ['Kind', kindName(r.kind) || 'unary'],
          ['Path sets', r.variables?.length ? <span class="mono">{r.variables.join(', ')}</span> : <span class="dim">nothing</span>],
          ['Body', r.body === '*' ? 'the whole message' : r.body ? <span class="mono">{r.body}</span> : <span class="dim">none</span>],
          ['Query', r.body === '*' ? <span class="dim">nothing is left for it</span> : 'all other fields'],
          ['Answer', r.responseBody ? <span class="mono">{r.responseBody}</span> : 'the whole message'],
          [
            'Backends',
            (r.backends ?? []).map((b, i) => (
              <>
                {i > 0 && ', '}
                <a href={href(to(['backends', b]))}>{b}</a>
              </>
            )),
          ],
          ['Rule from', r.origin],
          ['Schema', r.source],
        ]}
      />
      <Declared element={r.method} position={r.declared} />
    </>
  );
}

function Policy({ route: r }: { route: Route }) {
  if (!r.policy?.length) return <Empty>Nothing but what is built in.</Empty>;
  return (
    <Scroll label="Policy of the route">
      <table class="tight">
        <thead>
          <tr>
            <th>Setting</th>
            <th>Value</th>
            <th>Set by</th>
          </tr>
        </thead>
        <tbody>
          {r.policy.map((p) => (
            <tr key={p.name}>
              <td class="mono">{p.name}</td>
              <td class="mono break">{p.value}</td>
              <td class={p.origin ? '' : 'dim'} title={place(p.position)}>
                {p.origin ? (
                  <span class="mono break">
                    <Breakable text={p.origin} />
                  </span>
                ) : (
                  'built in'
                )}
                {p.position?.line ? <span class="dim"> line {p.position.line}</span> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Calls({ route: r }: { route: Route }) {
  // How long calls took over time is much, and asked for of the route that is open alone.
  const more = useResource<ListRoutesResponse>('/api/v1/routes', { method: r.method, heat: true }, beats.value);
  const full = more.data?.routes?.find((o) => routeKey(o) === routeKey(r)) ?? r;
  const rest = Number(full.stats?.calls ?? 0) || Number(full.stats?.inFlight ?? 0);
  const rpc = Number(full.rpcStats?.calls ?? 0) || Number(full.rpcStats?.inFlight ?? 0);
  if (!rest && !rpc) return <Empty>It was not called since the gateway began.</Empty>;
  return (
    <>
      {rest ? <Stats stats={full.stats!} /> : <p class="dim">By this route it was not called since the gateway began.</p>}
      {rpc ? (
        <>
          <h3 class="ruledhead">By the name of the method: gRPC, gRPC-Web, Connect</h3>
          <Stats stats={full.rpcStats!} />
        </>
      ) : null}
      <p>
        <a href={href(to(['traffic'], { route: r.path }))}>See its calls</a>
      </p>
    </>
  );
}

function quantile(d: string | undefined): string {
  return d ? ms(seconds(d) * 1000) : '–';
}

function Stats({ stats: s }: { stats: CallStats }) {
  const codes = Object.entries(s.codes ?? {}).sort((a, b) => Number(b[1]) - Number(a[1]));
  const reasons = Object.entries(s.reasons ?? {}).sort((a, b) => Number(b[1]) - Number(a[1]));
  const table = (name: string, rows: [string, string][]) => (
    <div>
      <h3>{name}</h3>
      <table class="tight">
        <tbody>
          {rows.map(([k, n]) => (
            <tr key={k}>
              <td class={'mono ' + (k === 'OK' || k === 'ok' ? 't-ok' : '')}>{k}</td>
              <td class="num">{count(n)}</td>
              <td class="num dim">{percent(Number(n), Number(s.calls))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
  return (
    <>
      <dl class="figures inset">
        <Figure name="Calls" value={count(s.calls)} />
        <Figure name="Errors" value={percent(Number(s.errors ?? 0), Number(s.calls ?? 0))} tone={Number(s.errors ?? 0) ? 'err' : ''} />
        <Figure name="Under way" value={count(s.inFlight)} />
        <Figure name="p50" value={quantile(s.latency?.p50)} />
        <Figure name="p95" value={quantile(s.latency?.p95)} />
        <Figure name="p99" value={quantile(s.latency?.p99)} title="Of the last minute or two" />
      </dl>
      {s.heat && (
        <div>
          <h3>Latency</h3>
          <HeatStrip heat={s.heat} label="How long calls took over the last 15 minutes" />
        </div>
      )}
      <div class="cols tight">
        {table('By code', codes)}
        {table('By reason', reasons)}
      </div>
      <p class="dim">Last called {ago(s.lastCall, now.value)}.</p>
    </>
  );
}
