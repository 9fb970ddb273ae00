// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Who may call, how often, and what is answered from memory: the policies, and how they fare.

import { useResource } from '../api/resource';
import type { AuthorizationRule, AuthProvider, HotKey, ListPoliciesResponse, RateLimit } from '../api/types';
import { beats, now } from '../live';
import { href, to } from '../router';
import { ago, clock, count, ms, percent, rate, seconds } from '../format';
import { Bar, Breakable, Empty, Notice, Panel, Scroll, Tag } from '../ui/parts';
import { Caches } from './caches';
import { Keys } from './keys';

export function PoliciesPage() {
  const p = useResource<ListPoliciesResponse>('/api/v1/policies', {}, beats.value);
  if (p.error && !p.data) return <Notice tone="err">{p.error.message}</Notice>;
  if (!p.data) return <Empty>Loading</Empty>;
  const withKeys = (p.data.authProviders ?? []).filter((a) => a.kind === 'api_key');
  return (
    <>
      <Providers all={p.data.authProviders ?? []} />
      {withKeys.length > 0 && <Keys of={withKeys} />}
      {(p.data.authorizationRules ?? []).length > 0 && <Rules all={p.data.authorizationRules!} />}
      <Limits all={p.data.rateLimits ?? []} data={p.data} />
      <div class="cols">
        <Caches all={p.data.caches ?? []} refresh={p.refresh} />
        <Breakers data={p.data} />
      </div>
    </>
  );
}

function Providers({ all }: { all: AuthProvider[] }) {
  return (
    <Panel title="Authentication" note={all.length ? `${all.length} providers` : undefined} flush>
      {!all.length ? (
        <Empty>Nobody is asked who calls: no provider is configured.</Empty>
      ) : (
        <Scroll label="Providers of authentication">
          <table>
            <thead>
              <tr>
                <th>Provider</th>
                <th class="num">Methods</th>
                <th class="num">Let in</th>
                <th>Refused</th>
                <th class="c3">Remembers</th>
                <th class="c2">Keys that it trusts</th>
              </tr>
            </thead>
            <tbody class="tops">
              {all.map((a) => {
                const refused = Object.entries(a.refused ?? {}).sort((x, y) => Number(y[1]) - Number(x[1]));
                return (
                  <tr key={a.name}>
                    <td>
                      <span class="row wrap">
                        <b>{a.name}</b>
                        <Tag>{a.kind}</Tag>
                      </span>
                      {a.location && <div class="dim mono break">{a.location}</div>}
                    </td>
                    <td class="num">{count(a.methods)}</td>
                    <td class="num">{count(a.accepted)}</td>
                    <td>
                      {refused.length ? (
                        refused.map(([cause, n]) => (
                          <div key={cause}>
                            {count(n)} <span class="dim">{cause}</span>
                          </div>
                        ))
                      ) : (
                        <span class="dim">nobody</span>
                      )}
                    </td>
                    <td class="c3">
                      <Remembers provider={a} />
                    </td>
                    <td class="c2">
                      {a.keysError && <div class="t-err break">{a.keysError}</div>}
                      {(a.keys ?? []).map((k) => (
                        <div key={k.id} class="mono">
                          {k.id} <span class="dim">{k.algorithm}</span>
                        </div>
                      ))}
                      {a.keysRefreshed && <div class="dim">read {ago(a.keysRefreshed, now.value)}</div>}
                      {!a.keys?.length && !a.keysError && <span class="dim">–</span>}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

/** Remembers is how often a provider knew a credential from before. */
function Remembers({ provider: a }: { provider: AuthProvider }) {
  const asked = Number(a.cacheHits ?? 0) + Number(a.cacheMisses ?? 0);
  if (!asked) return <span class="dim">–</span>;
  return (
    <div title={`${count(a.cacheHits)} of ${count(asked)} credentials were known from before`}>
      {percent(Number(a.cacheHits ?? 0), asked)} <span class="dim">of {count(asked)}</span>
      <div class="dim">{count(a.cacheEntries)} now</div>
    </div>
  );
}

function Limits({ all, data }: { all: RateLimit[]; data: ListPoliciesResponse }) {
  const store = data.limitStore;
  return (
    <Panel
      title="Limits"
      flush
      actions={
        store?.kind && (
          <span class="row">
            <span class="dim">
              shared by {store.kind} at {store.location}
            </span>
            {Number(store.failed ?? 0) > 0 && (
              <span class="dim">
                {count(store.failed)} of {count(store.asked)} failed
              </span>
            )}
            <Tag tone={store.ok ? 'ok' : 'err'} title={store.since && `${store.ok ? 'answers' : 'does not answer'} since ${clock(store.since)}`}>
              {!store.ok ? 'away' : store.latency ? ms(seconds(store.latency) * 1000) : 'ok'}
            </Tag>
          </span>
        )
      }
    >
      {store && (store.error || store.fallingBack) && (
        <div class="pad">
          <Notice tone="err">
            {store.error || `${store.kind} does not answer`}
            {store.since && <span class="dim"> since {clock(store.since)}</span>}
            {store.fallingBack && <div>Until it answers, calls are decided as on_error of their rules says.</div>}
          </Notice>
        </div>
      )}
      {!all.length ? (
        <Empty>There is no limit on calls.</Empty>
      ) : (
        <Scroll label="Limits">
          <table>
            <thead>
              <tr>
                <th>Rule</th>
                <th class="c2">Counts by</th>
                <th class="num">Allows</th>
                <th class="num c2">Admitted</th>
                <th class="num">Refused</th>
                <th class="c3 num">Keys</th>
              </tr>
            </thead>
            <tbody class="tops">
              {all.map((l) => (
                <tr key={l.origin ?? l.name}>
                  <td>
                    <span class="row wrap">
                      <b>{l.name}</b>
                      {l.shared && <Tag title={`counted by all gateways together; while the store is away: ${l.onError}`}>shared</Tag>}
                    </span>
                    <div class="dim mono break" title={l.origin}>
                      <Breakable text={l.match ?? ''} />
                    </div>
                    <Hottest keys={l.hottest ?? []} />
                  </td>
                  <td class="c2 mono">{l.key || <span class="dim">one for all</span>}</td>
                  <td class="num mono nowrap">{l.limit}</td>
                  <td class="num c2">
                    {count(l.admitted)}
                    <div class="dim nowrap">{rate(l.admittedPerSecond ?? 0)}/s</div>
                  </td>
                  <td class="num">
                    <span class={Number(l.refused ?? 0) ? 't-warn' : 'dim'}>{count(l.refused)}</span>
                    <div class={'nowrap ' + (l.refusedPerSecond ? 't-err' : 'dim')}>{rate(l.refusedPerSecond ?? 0)}/s</div>
                    {Number(l.withoutStore ?? 0) > 0 && <div class="dim">{count(l.withoutStore)} without the store</div>}
                  </td>
                  <td class="c3 num">{count(l.keys)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

/** Hottest are the keys that were refused most, lately. */
function Hottest({ keys }: { keys: HotKey[] }) {
  const most = Math.max(1, ...keys.map((k) => Number(k.refused ?? 0)));
  if (!keys.length) return null;
  return (
    <ul class="hottest" aria-label="Keys that were refused most">
      {keys.slice(0, 5).map((k) => (
        <li key={k.key} title={k.key}>
          <span class="mono clip">{k.key}</span>
          <Bar share={Number(k.refused ?? 0) / most} tone="warn" />
          <span class="dim">{count(k.refused)}</span>
        </li>
      ))}
    </ul>
  );
}

function Rules({ all }: { all: AuthorizationRule[] }) {
  return (
    <Panel title="Authorisation" note="rules, and whom they refused" flush>
      <Scroll label="Rules of authorisation">
        <table>
          <thead>
            <tr>
              <th>Rule</th>
              <th class="num">Refused</th>
              <th class="num c2">Undecided</th>
            </tr>
          </thead>
          <tbody>
            {all.map((r) => (
              <tr key={r.name}>
                <td>
                  <span class="row wrap">
                    <b class="break">{r.name}</b>
                    {r.dryRun && <Tag title="It refuses nothing; what it would refuse is counted">on trial</Tag>}
                  </span>
                </td>
                <td class={'num ' + (Number(r.refused ?? 0) ? (r.dryRun ? 't-warn' : 't-err') : 'dim')}>{count(r.refused)}</td>
                <td class={'num c2 ' + (Number(r.unknown ?? 0) ? 't-warn' : 'dim')} title="Calls for which its expression could not be evaluated">
                  {count(r.unknown)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function Breakers({ data }: { data: ListPoliciesResponse }) {
  const all = (data.circuitBreakers ?? []).filter((b) => b.configured || b.state !== 'closed');
  return (
    <Panel title="Circuit breakers" flush>
      {!all.length ? (
        <Empty>No backend has one.</Empty>
      ) : (
        <Scroll label="Circuit breakers">
          <table>
            <tbody>
              {all.map((b) => (
                <tr key={b.backend}>
                  <td>
                    <a href={href(to(['backends', b.backend!]))}>{b.backend}</a>
                  </td>
                  <td>
                    <Tag tone={b.state === 'open' ? 'err' : b.state?.startsWith('half') ? 'warn' : 'ok'}>{b.state || 'closed'}</Tag>
                    {b.reason && <div class="why ink2">{b.reason}</div>}
                  </td>
                  <td class="dim">
                    {b.since && `since ${clock(b.since)}`}
                    {b.until && Date.parse(b.until) > now.value && `, tried again in ${Math.ceil((Date.parse(b.until) - now.value) / 1000)} s`}
                  </td>
                  <td class="num">{count(b.refused)} refused</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}
