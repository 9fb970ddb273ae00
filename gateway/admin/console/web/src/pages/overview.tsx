// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// How the gateway fares now: what is doubtful first, then calls, latency and what is open, then the services.

import type { ComponentChildren } from 'preact';

import type { Diagnostic, ListServiceSeriesResponse, Point, Reload, ServiceSeries } from '../api/types';
import { useResource } from '../api/resource';
import { backends, beats, now, points, reloads, seconds, status } from '../live';
import { href, to } from '../router';
import { ago, clock, count, many, ms, percent, rate, seconds as secondsOf, span } from '../format';
import { Chart, Legend, Spark, type Series } from '../ui/chart';
import { Dot, Empty, Figure, Notice, Panel, Scroll, Tag } from '../ui/parts';
import { Problem } from '../ui/problem';
import { switchPlace, useSwitches } from './switches';

const callSeries: Series[] = [
  { name: 'calls/s', token: 'data-1', fill: true },
  { name: 'refused/s', token: 'warn' },
  { name: 'errors/s', token: 'err' },
];
const latencySeries: Series[] = [
  { name: 'p99', token: 'data-4' },
  { name: 'p95', token: 'data-2' },
  { name: 'p50', token: 'data-1' },
];
const overheadSeries: Series[] = [
  { name: 'p99', token: 'data-4' },
  { name: 'p50', token: 'data-1' },
];
const openSeries: Series[] = [
  { name: 'connections', token: 'data-3', fill: true },
  { name: 'calls', token: 'data-1' },
  { name: 'streams', token: 'data-5' },
];

/** recent is how many seconds figures are taken of. */
const recent = 10;

export function Overview() {
  const ps = points.value;
  const x = seconds.value;
  const sum = recentOf(ps);
  const ys = (f: (p: Point) => number | null) => ps.map(f);
  const last = ps[ps.length - 1];
  return (
    <>
      <Warnings />
      <dl class="figures" aria-label={`Of the last ${recent} seconds`}>
        <Figure name="Calls" value={rate(sum.calls / recent)} unit="/s" />
        <Figure name="Errors" value={percent(sum.errors, sum.calls)} tone={sum.errors * 100 >= sum.calls && sum.errors ? 'err' : sum.errors ? 'warn' : ''} title="Calls that failed, for which the gateway or a backend is to blame" />
        <Figure name="p50" value={ms(sum.p50)} />
        <Figure name="p95" value={ms(sum.p95)} />
        <Figure name="p99" value={ms(sum.p99)} />
        <Figure name="Overhead" value={ms(sum.overhead)} title="How much of the time of a call is the gateway's own: the median" />
        <Figure name="Open streams" value={count(last?.streams)} />
        <Figure name="Connections" value={count(last && connectionsOf(last))} title={connections(last)} />
      </dl>
      <div class="cols">
        <Panel title="Calls" actions={<Legend series={callSeries} />}>
          <Chart label="Calls per second over the last 15 minutes" x={x} ys={[ys((p) => Number(p.calls ?? 0)), ys((p) => Number(p.refused ?? 0)), ys((p) => Number(p.errors ?? 0))]} series={callSeries} format={rate} />
        </Panel>
        <Panel title="Latency" actions={<Legend series={latencySeries} />}>
          <Chart
            label="Quantiles of latency over the last 15 minutes"
            x={x}
            ys={[ys((p) => quantile(p.latency?.p99)), ys((p) => quantile(p.latency?.p95)), ys((p) => quantile(p.latency?.p50))]}
            series={latencySeries}
            format={ms}
            log
          />
        </Panel>
        <Panel title="Gateway overhead" actions={<Legend series={overheadSeries} />}>
          <Chart label="Quantiles of the gateway's own time over the last 15 minutes" x={x} ys={[ys((p) => quantile(p.overhead?.p99)), ys((p) => quantile(p.overhead?.p50))]} series={overheadSeries} format={ms} height={128} log />
        </Panel>
        <Panel title="Open" actions={<Legend series={openSeries} />}>
          <Chart label="Connections, calls and streams that were open over the last 15 minutes" x={x} ys={[ys(connectionsOf), ys((p) => Number(p.inFlight ?? 0)), ys((p) => Number(p.streams ?? 0))]} series={openSeries} format={count} height={128} />
        </Panel>
      </div>
      <div class="cols wide-left">
        <Services />
        <div class="col">
          <Gateway last={last} />
          <Reloads />
        </div>
      </div>
    </>
  );
}

function quantile(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1000;
}

function recentOf(ps: Point[]) {
  const of = ps.slice(-recent);
  const add = (f: (p: Point) => string | undefined) => of.reduce((n, p) => n + Number(f(p) ?? 0), 0);
  // Quantiles of seconds cannot be added up; the mean, weighed by calls, is near enough to be read at a glance.
  const mean = (f: (p: Point) => number | undefined) => {
    let weight = 0;
    let total = 0;
    for (const p of of) {
      const v = f(p);
      if (v === undefined) continue;
      weight += Number(p.calls ?? 0) || 1;
      total += v * 1000 * (Number(p.calls ?? 0) || 1);
    }
    return weight ? total / weight : undefined;
  };
  const worst = (f: (p: Point) => number | undefined) => {
    const vs = of.map(f).filter((v) => v !== undefined);
    return vs.length ? Math.max(...vs) * 1000 : undefined;
  };
  return {
    calls: add((p) => p.calls),
    errors: add((p) => p.errors),
    p50: mean((p) => p.latency?.p50),
    p95: worst((p) => p.latency?.p95),
    p99: worst((p) => p.latency?.p99),
    overhead: mean((p) => p.overhead?.p50),
  };
}

function Warnings() {
  const s = status.value;
  const switched = useSwitches().data?.switches ?? [];
  if (!s) return null;
  const last = s.lastReload;
  const failing = (s.checks ?? []).filter((c) => !c.ok);
  const down = (backends.value ?? []).filter((b) => !b.ready);
  const restart = s.needsRestart ?? [];
  const others = (s.warnings ?? []).filter((w) => !down.some((b) => w.message?.includes(`"${b.name}"`)));
  if (!failing.length && !down.length && !restart.length && !others.length && !switched.length && last?.result !== 'RELOAD_RESULT_REFUSED') return null;
  return (
    <section class="notices" aria-label="Warnings">
      {failing.map((c) => (
        <Notice key={c.name} tone="err">
          Not ready: {c.name}
          {c.message && `, ${c.message}`}
        </Notice>
      ))}
      {last?.result === 'RELOAD_RESULT_REFUSED' && (
        <Notice tone="err" actions={<a href={href('/config')}>See why</a>}>
          The reload of {clock(last.time)} was refused; what was loaded before still serves. {last.problems?.[0]?.message}
        </Notice>
      )}
      {down.map((b) => (
        <Notice key={b.name} tone="warn" actions={<a href={href(to(['backends', b.name!]))}>Open</a>}>
          Backend <b>{b.name}</b> has no ready endpoint; {many(b.routes, 'route')} {b.routes === 1 ? 'leads' : 'lead'} to it
        </Notice>
      ))}
      {switched.map((w) => (
        <Notice key={w.match} tone={w.off ? 'warn' : ''} actions={<a href={switchPlace(w.match!)}>Change</a>}>
          <code>{w.match}</code> {w.off ? 'is switched off' : `goes to ${w.backend}`}
          {w.note && `: ${w.note}`} <span class="dim">{ago(w.time, now.value)}</span>
        </Notice>
      ))}
      {restart.map((c) => (
        <Notice key={c.path} tone="warn">
          <code>{c.path}</code> changed in the file and waits for a restart
        </Notice>
      ))}
      <Folded all={others} />
    </section>
  );
}

/** Folded shows the first of many warnings; the rest is folded away. */
function Folded({ all }: { all: Diagnostic[] }) {
  const shown = all.slice(0, 3);
  const rest = all.slice(3);
  return (
    <>
      {shown.map((d, i) => (
        <Problem key={i} problem={d} brief />
      ))}
      {rest.length > 0 && (
        <details>
          <summary class="dim">{rest.length} more</summary>
          <div class="notices">
            {rest.map((d, i) => (
              <Problem key={i} problem={d} brief />
            ))}
          </div>
        </details>
      )}
    </>
  );
}

function Services() {
  const series = useResource<ListServiceSeriesResponse>('/api/v1/metrics/services', {}, beats.value);
  const all = [...(series.data?.services ?? [])].sort((a, b) => Number(b.totalCalls ?? 0) - Number(a.totalCalls ?? 0));
  return (
    <Panel title="Services" note="the last 15 minutes" flush>
      {all.length === 0 ? (
        <Empty>{series.error ? series.error.message : 'No service was called yet.'}</Empty>
      ) : (
        <Scroll label="Services">
          <table>
            <thead>
              <tr>
                <th>Service</th>
                <th class="c2">Calls</th>
                <th class="num">Total</th>
                <th class="num">Errors</th>
              </tr>
            </thead>
            <tbody>
              {all.map((s) => (
                <tr key={s.service}>
                  <td>
                    <a class="mono" href={href(to(['schemas', s.service!]))}>
                      {s.service}
                    </a>
                  </td>
                  <td class="c2">
                    <Spark width={180} {...spans(s)} label={`Calls of ${s.service}`} />
                  </td>
                  <td class="num">{count(s.totalCalls)}</td>
                  <td class={'num ' + (Number(s.totalErrors ?? 0) ? 't-err' : 'dim')}>{count(s.totalErrors)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

/** spans are the calls of the last quarter of an hour. The span that goes on is left out: it has no more than a part of its calls. */
function spans(s: ServiceSeries): { values: number[]; bad: number[]; spans: number } {
  const length = secondsOf(s.span) || 30;
  const whole = (all: string[] | undefined) => (all ?? []).map(Number).slice(0, -1);
  return { values: whole(s.calls), bad: whole(s.errors), spans: Math.floor(900 / length) };
}

function Gateway({ last }: { last?: Point }) {
  const s = status.value;
  if (!s) return null;
  const t = s.totals ?? {};
  const rows: [string, ComponentChildren][] = [
    ...(s.version ? [['Version', <span class="mono break">{s.version}</span>] as [string, ComponentChildren]] : []),
    ['Up', s.startTime ? <span title={s.startTime}>{span((now.value - Date.parse(s.startTime)) / 1000)}</span> : '–'],
    [
      'API',
      <>
        {count(t.services)} services, {count(t.methods)} methods, {count(t.routes)} routes
      </>,
    ],
    [
      'Backends',
      <a href={href('/backends')}>
        {count(t.backends)} with {count(t.readyEndpoints)} of {count(t.endpoints)} endpoints ready
      </a>,
    ],
    ['Connections', connections(last)],
    ...(s.listeners ?? []).map(
      (l): [string, ComponentChildren] => [
        'Listener ' + l.name,
        <span class="row wrap">
          <span class="mono">{l.address}</span>
          <span class="dim">
            {(l.protocols ?? []).join(', ')}
            {l.tls ? ', TLS' : ''}
          </span>
        </span>,
      ],
    ),
  ];
  return (
    <Panel title="Gateway" actions={<Tag tone={s.ready ? 'ok' : 'err'}>{s.ready ? 'ready' : 'not ready'}</Tag>}>
      <dl class="kv">
        {rows.map(([k, v]) => (
          <>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </>
        ))}
      </dl>
    </Panel>
  );
}

function connectionsOf(p: Point): number {
  return Object.values(p.connections ?? {}).reduce((n, c) => n + Number(c), 0);
}

function connections(p?: Point): string {
  const names: Record<string, string> = { http1: 'HTTP/1.1', http2: 'HTTP/2', h2c: 'HTTP/2', http3: 'HTTP/3', websocket: 'WebSocket' };
  const all = Object.entries(p?.connections ?? {}).filter(([, n]) => Number(n) > 0);
  return all.length ? all.map(([k, n]) => `${count(n)} ${names[k] ?? k}`).join(', ') : 'none';
}

export function reloadTone(r: Reload): 'ok' | 'err' | '' {
  return r.result === 'RELOAD_RESULT_APPLIED' ? 'ok' : r.result === 'RELOAD_RESULT_REFUSED' ? 'err' : '';
}

export function reloadText(r: Reload): string {
  if (r.result === 'RELOAD_RESULT_REFUSED') return 'refused: ' + (r.problems?.[0]?.message ?? 'see why');
  if (r.trigger === 'TRIGGER_START') return 'started';
  if (r.result === 'RELOAD_RESULT_UNCHANGED') return 'nothing was new';
  const parts = [
    r.routesAdded?.length && `+${many(r.routesAdded.length, 'route').replace('one', '1')}`,
    r.routesRemoved?.length && `−${many(r.routesRemoved.length, 'route').replace('one', '1')}`,
    r.routesChanged?.length && `~${many(r.routesChanged.length, 'route').replace('one', '1')}`,
    r.changes?.length && many(r.changes.length, 'setting'),
    r.schemaChanges?.length && `${many(r.schemaChanges.length, 'change')} of schemas`,
  ].filter(Boolean);
  return parts.length ? parts.join(', ') : 'in force';
}

function Reloads() {
  const s = status.value;
  const all = reloads.value.length ? reloads.value.slice(0, 5) : s?.lastReload ? [s.lastReload] : [];
  return (
    <Panel title="Reloads" actions={<a href={href('/config')}>All</a>} flush>
      {all.length === 0 ? (
        <Empty>None yet</Empty>
      ) : (
        <table aria-label="Last reloads">
          <tbody>
            {all.map((r) => (
              <tr key={r.id}>
                <td class="fit">
                  <span class="row">
                    <Dot tone={reloadTone(r)} />
                    <span title={r.time}>{ago(r.time, now.value)}</span>
                  </span>
                </td>
                <td class="break">{reloadText(r)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
