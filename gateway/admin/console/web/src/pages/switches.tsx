// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What is switched: APIs that are off, and calls that go to another backend than the configuration says. It is in force at once, and for calls that
// begin from then on.

import { useState } from 'preact/hooks';

import { del, put, type ApiError } from '../api/client';
import { useResource, type Resource } from '../api/resource';
import type { ListServicesResponse, ListSwitchesResponse, Reload, SetSwitchResponse, Switch } from '../api/types';
import { backends, now, status } from '../live';
import { href, query, setQuery, to } from '../router';
import { ago, day } from '../format';
import { Choice, Empty, Notice, Panel, Scroll, Sure, Tag } from '../ui/parts';
import { reloadText } from './overview';

/** useSwitches returns what is switched; a switch is a reload, so it is asked for again by itself. */
export function useSwitches(): Resource<ListSwitchesResponse> {
  return useResource<ListSwitchesResponse>('/api/v1/switches');
}

/** covers tells whether a glob is for a method or a service: * is one part of a name, ** any. */
export function covers(match: string, name: string): boolean {
  const form = match
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^./]*' : part.replace(/[.+?^$()|[\]\\{}]/g, '\\$&')))
    .join('');
  return new RegExp(`^${form}$`).test(name) || (!match.includes('/') && new RegExp(`^${form}$`).test(name.split('/')[0]));
}

/** SwitchTag says what a switch does. */
export function SwitchTag({ one }: { one: Switch }) {
  return one.off ? <Tag tone="err">off</Tag> : <Tag tone="warn">to {one.backend}</Tag>;
}

/** SwitchNotes tell of the switches that are for a method or a service. */
export function SwitchNotes({ name }: { name: string }) {
  const all = (useSwitches().data?.switches ?? []).filter((s) => covers(s.match ?? '', name));
  const one = all[0]; // the most specific is in force
  if (!one) return null;
  return (
    <Notice tone={one.off ? 'err' : 'warn'} actions={<a href={switchPlace(one.match!)}>Change</a>}>
      {one.off ? 'It is switched off' : `Its calls go to ${one.backend}`}
      {one.match !== name && (
        <>
          {' '}
          by the switch <code>{one.match}</code>
        </>
      )}
      {one.note && `: ${one.note}`}
      <div class="dim">
        {one.who && `${one.who}, `}
        {ago(one.time, now.value)}
      </div>
    </Notice>
  );
}

/** switchPlace is where a switch for some methods can be set. */
export function switchPlace(match: string): string {
  return href(to(['schemas'], { part: 'switches', match }));
}

export function Switches() {
  const list = useSwitches();
  const all = list.data?.switches ?? [];
  const [told, setTold] = useState<{ reload?: Reload; text: string; bad: boolean } | undefined>();
  const readOnly = status.value?.readOnly ?? false;
  const done = (text: string, reload?: Reload) => {
    setTold({ text, reload, bad: reload?.result === 'RELOAD_RESULT_REFUSED' });
    list.refresh();
  };
  const failed = (e: ApiError) => setTold({ text: e.message, bad: true });
  const remove = (match: string) => del<{ reload?: Reload }>('/api/v1/switches', { match }).then((r) => done(`${match}: what the configuration says is in force again`, r.reload), failed);
  return (
    <>
      {list.error && <Notice tone="err">{list.error.message}</Notice>}
      {told && (
        <Notice tone={told.bad ? 'err' : 'ok'}>
          {told.text}
          {told.reload && <div class="dim">{reloadText(told.reload)}</div>}
        </Notice>
      )}
      {!readOnly && <SetSwitch done={done} failed={failed} />}
      <Panel title="In force" note={list.data && (list.data.file ? `kept in ${list.data.file}` : 'kept until the gateway ends: admin.data_dir keeps them longer')} flush>
        {!list.data ? (
          <Empty>Loading</Empty>
        ) : !all.length ? (
          <Empty>Nothing is switched: all APIs are as the configuration says.</Empty>
        ) : (
          <Scroll label="Switches">
            <table>
              <thead>
                <tr>
                  <th>Methods</th>
                  <th>State</th>
                  <th class="c2">Why</th>
                  <th class="c3">Set by</th>
                  <th class="num c2">Since</th>
                  {!readOnly && <th class="num">Actions</th>}
                </tr>
              </thead>
              <tbody>
                {all.map((s) => (
                  <tr key={s.match}>
                    <td>
                      <code class="break">{s.match}</code>
                      <div class="dim">{s.methods === 1 ? 'one method' : `${s.methods ?? 0} methods`}</div>
                    </td>
                    <td>
                      <SwitchTag one={s} />
                    </td>
                    <td class="c2 break">{s.note || <span class="dim">–</span>}</td>
                    <td class="c3 mono ink2">{s.who}</td>
                    <td class="num c2 ink2" title={day(s.time)}>
                      {ago(s.time, now.value)}
                    </td>
                    {!readOnly && (
                      <td class="num">
                        <button type="button" class="btn small" aria-label={`Undo the switch of ${s.match}`} onClick={() => void remove(s.match!)}>
                          Undo
                        </button>
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </Panel>
    </>
  );
}

type Act = 'off' | 'backend';

function SetSwitch({ done, failed }: { done: (text: string, r?: Reload) => void; failed: (e: ApiError) => void }) {
  const services = useResource<ListServicesResponse>('/api/v1/schemas/services');
  const match = query.value.get('match') ?? '';
  const [act, setAct] = useState<Act>('off');
  const [backend, setBackend] = useState('');
  const [note, setNote] = useState('');
  const names = (services.data?.services ?? []).flatMap((s) => [s.name!, ...(s.methods ?? []).map((m) => m.fullName!)]);
  const hit = match ? (services.data?.services ?? []).flatMap((s) => s.methods ?? []).filter((m) => covers(match, m.fullName!)).length : 0;
  const known = (backends.value ?? []).map((b) => b.name!);
  const target = backend || known[0] || '';
  const send = () =>
    put<SetSwitchResponse>('/api/v1/switches', { match, off: act === 'off', backend: act === 'backend' ? target : '', note }).then((r) => {
      const refused = r.reload?.result === 'RELOAD_RESULT_REFUSED';
      done(refused ? `${match} stays as it was` : act === 'off' ? `${match} is off` : `Calls of ${match} go to ${target}`, r.reload);
      if (!refused) {
        setNote('');
        setQuery({ match: '' });
      }
    }, failed);
  return (
    <Panel title="Switch" note="in force at once, without a restart; calls under way go on as they began">
      <form class="fields two" onSubmit={(e) => e.preventDefault()}>
        <label class="stack">
          <span>Methods: a service, a method, or a glob such as acme.**</span>
          <input class="field mono" list="switchable" value={match} spellcheck={false} placeholder="acme.orders.v1.OrderService/Create" onInput={(e) => setQuery({ match: e.currentTarget.value.trim() })} />
          <datalist id="switchable">
            {names.map((n) => (
              <option key={n} value={n} />
            ))}
          </datalist>
        </label>
        <div class="stack">
          <span>What happens to their calls</span>
          <div class="row wrap">
            <Choice
              label="What happens to their calls"
              value={act}
              onChange={setAct}
              options={[
                { value: 'off', text: 'Off' },
                { value: 'backend', text: 'To backend' },
              ]}
            />
            {act === 'backend' && (
              <select class="field" aria-label="Backend" value={target} onChange={(e) => setBackend(e.currentTarget.value)}>
                {known.map((b) => (
                  <option key={b}>{b}</option>
                ))}
              </select>
            )}
          </div>
        </div>
        <label class="stack">
          <span>Why{act === 'off' && ', which clients are told'}</span>
          <input class="field" value={note} placeholder="moved to v2, until Monday" onInput={(e) => setNote(e.currentTarget.value)} />
        </label>
        <div class="row">
          <Sure label={act === 'off' ? 'Switch off' : 'Send there'} ask={`Sure: ${hit === 1 ? 'one method' : `${hit} methods`}`} tone={act === 'off' ? 'danger' : 'primary'} disabled={!match || !services.data} onSure={() => void send()} />
          <span class="dim nowrap" aria-live="polite">
            {match && (hit === 1 ? 'one method' : `${hit} methods`)}
          </span>
        </div>
      </form>
    </Panel>
  );
}
