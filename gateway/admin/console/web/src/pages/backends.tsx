// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The backends: what their sources say, what each endpoint does and why, and who gets how many calls. Endpoints can be taken out and put back.

import { useMemo, useState } from 'preact/hooks';

import { ApiError, post } from '../api/client';
import { useResource } from '../api/resource';
import type { Backend, Endpoint, EndpointState, ListBackendsResponse, ListEndpointSeriesResponse, Transition } from '../api/types';
import { args, href, to } from '../router';
import { backends, connection, now, rates, status, windowSeconds, type Sample } from '../live';
import { ago, cause, clock, count, many, ms, percent, rate, seconds } from '../format';
import { Chart, Legend, type Series } from '../ui/chart';
import { Icon } from '../ui/icons';
import { Bar, Dot, Empty, KV, Notice, Panel, Scroll, Tag, type Tone } from '../ui/parts';

const states: Record<EndpointState, { text: string; tone: Tone }> = {
  ENDPOINT_STATE_UNSPECIFIED: { text: 'unknown', tone: '' },
  ENDPOINT_STATE_IDLE: { text: 'idle', tone: '' },
  ENDPOINT_STATE_CONNECTING: { text: 'connecting', tone: 'warn' },
  ENDPOINT_STATE_READY: { text: 'ready', tone: 'ok' },
  ENDPOINT_STATE_FAILING: { text: 'failing', tone: 'err' },
  ENDPOINT_STATE_DRAINING: { text: 'draining', tone: 'accent' },
  ENDPOINT_STATE_UNHEALTHY: { text: 'unhealthy', tone: 'err' },
  ENDPOINT_STATE_EJECTED: { text: 'ejected', tone: 'err' },
};

export function stateOf(s: EndpointState | undefined) {
  return states[s ?? 'ENDPOINT_STATE_UNSPECIFIED'] ?? states.ENDPOINT_STATE_UNSPECIFIED;
}

export function BackendsPage() {
  const first = useResource<ListBackendsResponse>('/api/v1/backends');
  const all = backends.value ?? first.data?.backends;
  const name = args.value[0];
  // What was before the stream, and while it was lost.
  const past = useResource<ListEndpointSeriesResponse>('/api/v1/metrics/endpoints', { backend: name || undefined }, connection.value === 'lost');
  if (!all) return first.error ? <Notice tone="err">{first.error.message}</Notice> : <Empty>Loading</Empty>;
  if (!all.length) return <Empty>No backend is configured.</Empty>;
  const shown = name ? all.filter((b) => b.name === name) : all;
  return (
    <>
      {name && (
        <p>
          <a href={href('/backends')}>All backends</a>
        </p>
      )}
      {name && !shown.length && <Notice tone="warn">There is no backend {name}.</Notice>}
      {shown.map((b) => (
        <One key={b.name} backend={b} past={past.data} alone={!!name || all.length === 1} />
      ))}
    </>
  );
}

function One({ backend: b, past, alone }: { backend: Backend; past?: ListEndpointSeriesResponse; alone: boolean }) {
  const [problem, setProblem] = useState('');
  const endpoints = b.endpoints ?? [];
  const ready = endpoints.filter((e) => e.state === 'ENDPOINT_STATE_READY').length;
  const act = (verb: string, body: object) => {
    setProblem('');
    post(`/api/v1/backends/${encodeURIComponent(b.name!)}:${verb}`, body).then(
      (answer) => {
        const backend = (answer as { backend?: Backend }).backend;
        if (backend) backends.value = (backends.value ?? []).map((o) => (o.name === backend.name ? backend : o));
      },
      (e: ApiError) => setProblem(e.message),
    );
  };
  return (
    <Panel
      label={'Backend ' + b.name}
      flush
      title={
        <span class="row">
          <Dot tone={b.ready ? 'ok' : 'err'} />
          {alone ? b.name : <a href={href(to(['backends', b.name!]))}>{b.name}</a>}
        </span>
      }
      note={`${b.policy}, ${ready} of ${endpoints.length} ready${b.tls ? ', TLS' : ''}`}
      actions={
        <a class="nowrap" href={href(to(['routes'], { q: b.name }))}>
          {many(b.routes, 'route')}
        </a>
      }
    >
      {problem && (
        <div class="pad">
          <Notice tone="err">{problem}</Notice>
        </div>
      )}
      {b.source?.error && (
        <div class="pad">
          <Notice tone="warn">
            {b.source.name} fails since {clock(b.source.since)}: {b.source.error}. The endpoints are those of its last good answer.
          </Notice>
        </div>
      )}
      <Endpoints backend={b} act={act} />
      <div class="pad cols wide-left ruled">
        <Picks backend={b} past={past} />
        <Numbers backend={b} />
      </div>
      {alone && <Log transitions={b.transitions ?? []} />}
    </Panel>
  );
}

function Endpoints({ backend: b, act }: { backend: Backend; act: (verb: string, body: object) => void }) {
  const endpoints = b.endpoints ?? [];
  const zones = endpoints.some((e) => e.zone);
  const certificates = endpoints.some((e) => e.certificate);
  const readOnly = status.value?.readOnly ?? false;
  if (!endpoints.length) return <Empty>{b.policy === 'xds' ? 'A control plane has the endpoints.' : 'There is no endpoint.'}</Empty>;
  return (
    <Scroll label={'Endpoints of ' + b.name}>
      <table>
        <thead>
          <tr>
            <th>Endpoint</th>
            <th>State</th>
            <th class="num c2">Weight</th>
            {zones && <th class="c3">Zone</th>}
            <th class="num">Calls/s</th>
            <th class="num c2">In flight</th>
            <th class="num c2">p50</th>
            <th class="num c2">p99</th>
            <th class="c3">Success</th>
            {certificates && <th class="c3">Certificate</th>}
            {!readOnly && <th class="num">Actions</th>}
          </tr>
        </thead>
        <tbody>
          {endpoints.map((e) => (
            <Row key={e.address} endpoint={e} zones={zones} certificates={certificates} readOnly={readOnly} act={act} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Row({ endpoint: e, zones, certificates, readOnly, act }: { endpoint: Endpoint; zones: boolean; certificates: boolean; readOnly: boolean; act: (verb: string, body: object) => void }) {
  const s = stateOf(e.state);
  const draining = e.state === 'ENDPOINT_STATE_DRAINING';
  const why = cause(e.error || e.reason);
  return (
    <tr>
      <td>
        <span class="mono">{e.address}</span>
        {e.labels?.length ? <div class="dim clip">{e.labels.join(', ')}</div> : null}
      </td>
      <td class="state">
        <span class="row wrap">
          <Tag tone={s.tone}>{s.text}</Tag>
          <span class="dim nowrap" title={e.since}>
            {ago(e.since, now.value)}
          </span>
        </span>
        {why && (
          <div class="why ink2">
            {why}
            {e.tries ? `, ${e.tries} tries` : ''}
            {e.nextTry && Date.parse(e.nextTry) > now.value ? `, next in ${Math.ceil((Date.parse(e.nextTry) - now.value) / 1000)} s` : ''}
          </div>
        )}
      </td>
      <td class="num c2">{readOnly ? (e.weight ?? 0) : <Weight endpoint={e} act={act} />}</td>
      {zones && <td class="c3">{e.zone}</td>}
      <td class="num">{rate(e.callsPerSecond ?? 0)}</td>
      <td class="num c2">{count(e.inFlight)}</td>
      <td class="num c2">
        <Took d={e.latencies?.p50} />
      </td>
      <td class="num c2">
        <Took d={e.latencies?.p99} />
      </td>
      <td class="c3">
        <Success endpoint={e} />
      </td>
      {certificates && <td class="c3 break">{e.certificate}</td>}
      {!readOnly && (
        <td class="num">
          <button type="button" class="btn small" onClick={() => act(draining ? 'undrain' : 'drain', { address: e.address })} aria-label={`${draining ? 'Undrain' : 'Drain'} ${e.address}`}>
            {draining ? 'Undrain' : 'Drain'}
          </button>
        </td>
      )}
    </tr>
  );
}

/** Took is a quantile of the last minute or two. */
function Took({ d }: { d?: string }) {
  return d ? <>{ms(seconds(d) * 1000)}</> : <span class="dim">–</span>;
}

function Success({ endpoint: e }: { endpoint: Endpoint }) {
  const done = Number(e.succeeded ?? 0) + Number(e.failed ?? 0);
  if (!done) return <span class="dim">no calls</span>;
  const share = e.success ?? 0;
  return (
    <div class="row" title={`${count(e.succeeded)} succeeded, ${count(e.failed)} failed`}>
      <Bar share={share} tone={share < 0.9 ? 'err' : share < 0.99 ? 'warn' : ''} />
      <span class="nowrap">{percent(share)}</span>
    </div>
  );
}

function Weight({ endpoint: e, act }: { endpoint: Endpoint; act: (verb: string, body: object) => void }) {
  const [text, set] = useState<string | undefined>(undefined);
  const send = () => {
    if (text !== undefined && /^\d+$/.test(text) && Number(text) !== e.weight) act('weight', { address: e.address, weight: Number(text) });
    set(undefined);
  };
  return (
    <input
      class="field weight"
      inputMode="numeric"
      aria-label={'Weight of ' + e.address + '; 0 is that of its source'}
      value={text ?? String(e.weight ?? 0)}
      onInput={(ev) => set(ev.currentTarget.value)}
      onBlur={send}
      onKeyDown={(ev) => {
        if (ev.key === 'Enter') ev.currentTarget.blur();
        if (ev.key === 'Escape') {
          set(undefined);
          ev.stopPropagation();
        }
      }}
    />
  );
}

const tokens = ['data-1', 'data-4', 'data-5', 'data-6', 'data-2', 'data-3'];

/** samplesOf are what the gateway remembers of a backend, a sample a second. */
function samplesOf(past: ListEndpointSeriesResponse | undefined, backend: string): Sample[] {
  const all = (past?.endpoints ?? []).filter((e) => e.backend === backend);
  const n = all[0]?.callsPerSecond?.length ?? 0;
  const last = Date.parse(past?.time ?? '');
  return Array.from({ length: n }, (_, i) => ({ at: last - (n - 1 - i) * 1000, by: new Map(all.map((e) => [e.address ?? '', e.callsPerSecond?.[i] ?? 0])) }));
}

/** joined are samples, one for each second; what was told as it happened goes before what is remembered. */
function joined(before: Sample[], live: Sample[]): Sample[] {
  const by = new Map([...before, ...live].map((s) => [Math.round(s.at / 1000), s]));
  const from = Math.max(...by.keys()) - windowSeconds;
  return [...by].filter(([second]) => second > from).sort(([a], [b]) => a - b).map(([, s]) => s);
}

/** Picks shows who gets the calls, for as many endpoints as there are colours; the rest is one more. */
function Picks({ backend: b, past }: { backend: Backend; past?: ListEndpointSeriesResponse }) {
  const before = useMemo(() => samplesOf(past, b.name ?? ''), [past, b.name]);
  const samples = joined(before, rates.value.get(b.name ?? '') ?? []);
  const addresses = (b.endpoints ?? []).map((e) => e.address ?? '');
  const named = addresses.length > tokens.length ? addresses.slice(0, tokens.length - 1) : addresses;
  const series: Series[] = named.map((name, i) => ({ name, token: tokens[i] }));
  const x = samples.map((s) => Math.round(s.at / 1000));
  const ys: number[][] = named.map((a) => samples.map((s) => s.by.get(a) ?? 0));
  if (named.length < addresses.length) {
    series.push({ name: `${addresses.length - named.length} others`, token: tokens[tokens.length - 1] });
    ys.push(samples.map((s) => [...s.by].reduce((n, [a, v]) => (named.includes(a) ? n : n + v), 0)));
  }
  return (
    <div>
      <div class="row wrap headed">
        <h3 class="grow">Calls per second by endpoint</h3>
        <Legend series={series} />
      </div>
      <Chart label={'Calls per second by endpoint of ' + b.name} x={x} ys={ys} series={series} format={rate} stacked height={190} seconds={windowSeconds} />
    </div>
  );
}

function Numbers({ backend: b }: { backend: Backend }) {
  const c = b.calls ?? {};
  const s = b.source ?? {};
  return (
    <div>
      <h3>Calls and source</h3>
      <KV
        rows={[
          ['Under way', `${many(c.inFlight, 'call')}, ${many(c.streams, 'stream')}${c.queued ? `, ${count(c.queued)} waiting` : ''}`],
          ['Limit', c.limit ? count(c.limit) : <span class="dim">none</span>],
          ['Refused', count(c.refused)],
          ['Retries', `${count(c.retries)}${Number(c.retriesOverBudget ?? 0) ? `, ${count(c.retriesOverBudget)} over budget` : ''}`],
          ['Hedges', Number(c.hedges ?? 0) ? `${count(c.hedges)}, ${count(c.hedgesWon)} won` : '0'],
          ['Breaker', <Tag tone={c.circuit === 'open' ? 'err' : c.circuit?.startsWith('half') ? 'warn' : ''}>{c.circuit || 'closed'}</Tag>],
          ['Source', s.name ? <span class="mono">{s.name}</span> : 'a list in the configuration'],
          ...(s.answered ? [['Answered', `${ago(s.answered, now.value)}, ${many(s.endpoints, 'endpoint')}`] as [string, string]] : []),
        ]}
      />
    </div>
  );
}

function Log({ transitions }: { transitions: Transition[] }) {
  const all = [...transitions].reverse();
  return (
    <div class="pad ruled">
      <h3>What became of the endpoints</h3>
      {all.length === 0 ? (
        <p class="dim">Nothing has changed since the gateway began to look.</p>
      ) : (
        <Scroll label="Changes of the endpoints">
          <table class="tight">
            <tbody>
              {all.map((t, i) => (
                <tr key={i}>
                  <td class="dim nowrap" title={t.time}>
                    {clock(t.time)}
                  </td>
                  <td class="mono">{t.address}</td>
                  <td>
                    <span class="row">
                      <span class="dim">{t.from && t.from !== 'ENDPOINT_STATE_UNSPECIFIED' ? stateOf(t.from).text : 'new'}</span>
                      <Icon name="chevron" size={10} />
                      <Tag tone={stateOf(t.to).tone}>{t.to && t.to !== 'ENDPOINT_STATE_UNSPECIFIED' ? stateOf(t.to).text : 'gone'}</Tag>
                    </span>
                  </td>
                  <td class="ink2 break">{cause(t.reason)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </div>
  );
}
