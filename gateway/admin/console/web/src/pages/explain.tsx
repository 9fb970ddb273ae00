// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What a request would meet, step by step, without sending it: which route and why no other, what each field gets, the policy, who may call, and
// where the call would go.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { ApiError, post } from '../api/client';
import type { ExplainRequest, ExplainResponse, ExplainRoute } from '../api/types';
import { generation } from '../live';
import { href, to } from '../router';
import { Breakable, Dot, Notice, Tag, type Tone } from '../ui/parts';

const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

export function Explain({ verb, path }: { verb: string; path: string }) {
  const [ask, setAsk] = useState({ verb: verb === '*' ? 'POST' : verb, path, headers: '', body: '' });
  const [state, set] = useState<{ answer?: ExplainResponse; error?: string }>({});
  const run = async () => {
    const headers = ask.headers
      .split('\n')
      .filter((line) => line.trim())
      .map((line) => ({ name: line.slice(0, line.indexOf(':')), value: line.slice(line.indexOf(':') + 1).trim() }));
    try {
      set({ answer: await post<ExplainResponse>('/api/v1/explain', { verb: ask.verb, path: ask.path, headers, body: ask.body } satisfies ExplainRequest) });
    } catch (e) {
      set({ error: (e as ApiError).message });
    }
  };
  useEffect(() => void run(), [generation.value]);
  return (
    <div class="col">
      <form
        class="col narrow"
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <div class="row">
          <select class="field" aria-label="Method of HTTP" value={ask.verb} onChange={(e) => setAsk({ ...ask, verb: e.currentTarget.value })}>
            {[...new Set([...verbs, ask.verb])].map((v) => (
              <option key={v}>{v}</option>
            ))}
          </select>
          <input class="field mono grow" aria-label="Path, with the query" value={ask.path} spellcheck={false} onInput={(e) => setAsk({ ...ask, path: e.currentTarget.value })} />
          <button type="submit" class="btn">
            Explain
          </button>
        </div>
        <details>
          <summary class="dim">Header fields and body</summary>
          <div class="col narrow">
            <textarea class="field mono" rows={2} aria-label="Header fields, one a line" placeholder="authorization: Bearer …" spellcheck={false} value={ask.headers} onInput={(e) => setAsk({ ...ask, headers: e.currentTarget.value })} />
            <textarea class="field mono" rows={3} aria-label="Body" placeholder="{}" spellcheck={false} value={ask.body} onInput={(e) => setAsk({ ...ask, body: e.currentTarget.value })} />
          </div>
        </details>
      </form>
      {state.error && <Notice tone="err">{state.error}</Notice>}
      {state.answer && <Steps e={state.answer} />}
    </div>
  );
}

function Step({ tone, title, note, children }: { tone: Tone; title: ComponentChildren; note?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <li>
      <Dot tone={tone} />
      <div>
        <div class="break">{title}</div>
        {children}
      </div>
      <span class="dim">{note}</span>
    </li>
  );
}

function Steps({ e }: { e: ExplainResponse }) {
  const set = (e.fields ?? []).filter((f) => f.from || f.note);
  const unset = (e.fields ?? []).filter((f) => !f.from && !f.note);
  return (
    <>
      {!e.ok && (
        <Notice tone="err">
          {e.status} {e.reason}: {e.message} {e.allow?.length ? `The path takes ${e.allow.join(', ')}.` : ''} {e.location && `The client is sent to ${e.location}.`}
        </Notice>
      )}
      <ol class="steps">
        <Step
          tone={e.route || e.method ? 'ok' : 'err'}
          note={e.protocol}
          title={
            e.route ? (
              <>
                Route <code>{e.route.rule}</code>
              </>
            ) : e.method ? (
              'The path names the method'
            ) : (
              'No route'
            )
          }
        >
          {e.method && (
            <a class="mono break" href={href(to(['schemas', e.method]))}>
              {e.method}
            </a>
          )}
          {(e.others ?? []).length > 0 && (
            <details>
              <summary class="dim">Why not {e.others!.length === 1 && !e.moreOthers ? 'another' : 'others'}</summary>
              {e.others!.map((r) => (
                <Other key={r.rule} route={r} />
              ))}
              {e.moreOthers ? <p class="dim">and {e.moreOthers} more</p> : null}
            </details>
          )}
        </Step>
        {e.method && (
          <Step tone={e.auth?.any?.length && !e.auth.everybody && !e.auth.providers?.some((p) => p.shown) ? 'warn' : 'ok'} title={e.auth?.any?.length ? `Who may call: ${e.auth.any.join(' or ')}${e.auth.everybody ? ', or everybody' : ''}` : 'Everybody may call'}>
            {(e.auth?.providers ?? []).map((p) => (
              <div key={p.name} class="ink2">
                {p.name}: {p.kind} {p.field && <code>{p.field}</code>} <Tag tone={p.shown ? 'ok' : ''}>{p.shown ? 'shown' : 'not shown'}</Tag>
              </div>
            ))}
            {(e.authorization ?? []).map((r, i) => (
              <div key={i} class="ink2 break">
                {r.name} <code>{r.allow}</code> {r.dryRun && <Tag>dry run</Tag>} <span class="dim">{r.place}</span>
              </div>
            ))}
          </Step>
        )}
        {(e.limits ?? []).length > 0 && (
          <Step tone="ok" title="Limits">
            {e.limits!.map((l) => (
              <div key={l.name} class="ink2">
                <b>{l.name}</b> {l.limit} {l.maxInFlight ? `${l.maxInFlight} at a time` : ''} {l.key && <code>{l.key}</code>}
                {l.weight && l.weight > 1 ? `, counts as ${l.weight}` : ''} <span class="dim">{l.place}</span>
              </div>
            ))}
          </Step>
        )}
        {e.input && (
          <Step
            tone={e.ok ? 'ok' : ''}
            title={
              <>
                Message <code>{e.input}</code>
              </>
            }
          >
            <table class="tight">
              <tbody>
                {set.map((f, i) => (
                  <tr key={i}>
                    <td class="mono">{f.path || <span class="dim">none</span>}</td>
                    <td class="dim nowrap">
                      {f.from} {f.name !== f.path && f.name}
                    </td>
                    <td class="mono break">
                      {f.value} <span class="dim">{f.note}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {unset.length > 0 && (
              <p class="dim break">
                Not set: <span class="mono">{unset.map((f) => f.path).join(', ')}</span>
              </p>
            )}
          </Step>
        )}
        {(e.policy ?? []).length > 0 && (
          <Step tone="ok" title="Policy">
            <table class="tight">
              <tbody>
                {e.policy!.map((p) => (
                  <tr key={p.name}>
                    <td class="mono">{p.name}</td>
                    <td class="mono break">{p.value}</td>
                    <td class="dim break" title={p.place}>
                      <Breakable text={p.origin || 'built in'} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Step>
        )}
        {e.cache && (
          <Step tone={e.cache.stores ? 'ok' : ''} title={e.cache.stores ? `Answers are stored${e.cache.ttl ? ` for ${e.cache.ttl}` : ''}${e.cache.shared ? ', the same for all who may call' : ''}` : 'Answers are not stored'}>
            {e.cache.why && <div class="ink2">{e.cache.why}</div>}
            {(e.cache.staleWhileRevalidate || e.cache.staleIfError) && (
              <div class="ink2">
                {e.cache.staleWhileRevalidate && `${e.cache.staleWhileRevalidate} more while a new one is fetched`}
                {e.cache.staleWhileRevalidate && e.cache.staleIfError && ', '}
                {e.cache.staleIfError && `${e.cache.staleIfError} more when the backend fails`}
              </div>
            )}
            {e.cache.key?.length ? <div class="ink2 break">Stored under: {e.cache.key.join(', ')}</div> : null}
            {(e.cache.notes ?? []).map((n, i) => (
              <div key={i} class="ink2 break">
                {n}
              </div>
            ))}
            {e.cache.origin && <div class="dim break">{e.cache.place || e.cache.origin}</div>}
          </Step>
        )}
        {e.traffic && (
          <Step
            tone={e.traffic.backend ? 'ok' : ''}
            title={
              e.traffic.backend ? (
                <>
                  To <a href={href(to(['backends', e.traffic.backend]))}>{e.traffic.backend}</a>
                </>
              ) : (
                'Chance decides where it goes'
              )
            }
            note={e.traffic.entry}
          >
            {(e.traffic.steps ?? []).map((s, i) => (
              <div key={i} class="ink2">
                {s.rule} → {s.backend} {s.percent ? `${s.percent} %` : ''} {s.takes && <Tag tone="ok">takes it</Tag>}
              </div>
            ))}
            {(e.endpoints ?? []).map((p, i) => (
              <div key={i} class="ink2">
                {p.state}
              </div>
            ))}
            {e.traffic.mirror && <div class="ink2">A copy goes to {e.traffic.mirror}</div>}
          </Step>
        )}
      </ol>
    </>
  );
}

function Other({ route: r }: { route: ExplainRoute }) {
  return (
    <div>
      <code class={r.matches ? '' : 'ink2'}>{r.rule}</code> <span class="dim">{r.reason}</span>
    </div>
  );
}
