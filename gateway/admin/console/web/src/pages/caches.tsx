// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What is answered from memory: how often, what is stored, and how to have it forgotten.

import { useState } from 'preact/hooks';

import { post, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { Cache, ListCachedResponse, ListServicesResponse, PurgeCacheRequest, PurgeCacheResponse } from '../api/types';
import { status } from '../live';
import { bytes, count, many, percent } from '../format';
import { Bar, Choice, Empty, Notice, Panel, Scroll, Tag } from '../ui/parts';

/** mostAnswers is how many stored answers the page lists. */
const mostAnswers = 50;

export function Caches({ all, refresh }: { all: Cache[]; refresh: () => void }) {
  const [told, setTold] = useState<{ text: string; bad: boolean } | undefined>();
  const [listed, setListed] = useState(false);
  const [times, setTimes] = useState(0);
  const purge = (what: PurgeCacheRequest) =>
    post<PurgeCacheResponse>('/api/v1/policies/caches:purge', what).then(
      (r) => {
        setTold({ text: `${many(r.purged, 'answer')} forgotten`, bad: false });
        setTimes(times + 1);
        refresh();
      },
      (err: ApiError) => setTold({ text: err.message, bad: true }),
    );
  const readOnly = status.value?.readOnly ?? false;
  return (
    <Panel
      title="Caches"
      flush={!all.length}
      actions={
        all.length > 0 && (
          <button type="button" class="btn small" aria-expanded={listed} onClick={() => setListed(!listed)}>
            {listed ? 'Hide answers' : 'Show answers'}
          </button>
        )
      }
    >
      {!all.length ? (
        <Empty>No answer is stored: no policy says cache.</Empty>
      ) : (
        <div class="col">
          {all.map((c) => (
            <One key={c.name} cache={c} />
          ))}
          {!readOnly && <Purge purge={purge} />}
          {told && <Notice tone={told.bad ? 'err' : 'ok'}>{told.text}</Notice>}
          {listed && <Answers purge={readOnly ? undefined : purge} beat={times} />}
        </div>
      )}
    </Panel>
  );
}

function One({ cache: c }: { cache: Cache }) {
  const hits = Number(c.hits ?? 0);
  const asked = hits + Number(c.misses ?? 0);
  const facts = [
    `${count(c.hits)} hits${Number(c.stale ?? 0) ? `, ${count(c.stale)} of them stale` : ''}`,
    `${count(c.misses)} misses`,
    Number(c.bypassed ?? 0) && `${count(c.bypassed)} not asked`,
    `${count(c.stored)} stored`,
    `${count(c.evicted)} given up for others`,
    Number(c.purged ?? 0) && `${count(c.purged)} purged`,
    Number(c.sharedHits ?? 0) && `${count(c.sharedHits)} from what gateways share`,
  ].filter(Boolean);
  return (
    <div class="col narrow">
      <div class="row">
        <b class="grow">{c.name}</b>
        <span>{asked ? `${percent(hits, asked)} hits` : 'not asked yet'}</span>
      </div>
      <Bar share={asked ? hits / asked : 0} />
      <span class="dim">
        {many(c.entries, 'answer')}, {bytes(c.bytes)} of {bytes(c.maxBytes)}
      </span>
      <span class="dim">{facts.join(', ')}</span>
      {Number(c.sharedErrors ?? 0) > 0 && <span class="t-err">What gateways share could not be asked {many(c.sharedErrors, 'time')}.</span>}
    </div>
  );
}

type By = 'match' | 'tag' | 'key';

function Purge({ purge }: { purge: (what: PurgeCacheRequest) => void }) {
  const [by, setBy] = useState<By>('match');
  const [text, setText] = useState('**');
  const services = useResource<ListServicesResponse>('/api/v1/schemas/services');
  const names = (services.data?.services ?? []).flatMap((s) => [s.name!, ...(s.methods ?? []).filter((m) => m.noSideEffects).map((m) => m.fullName!)]);
  return (
    <form
      class="row wrap"
      onSubmit={(e) => {
        e.preventDefault();
        purge({ [by]: text });
      }}
    >
      <Choice
        label="What is forgotten"
        value={by}
        onChange={(v) => {
          setBy(v);
          setText(v === 'match' ? '**' : '');
        }}
        options={[
          { value: 'match', text: 'Methods' },
          { value: 'tag', text: 'Tag' },
          { value: 'key', text: 'Key' },
        ]}
      />
      <input
        class="field mono grow"
        aria-label={by === 'match' ? 'Methods whose answers are forgotten, as a glob' : by === 'tag' ? 'Tag whose answers are forgotten' : 'Key of the answer that is forgotten'}
        list={by === 'match' ? 'cached' : undefined}
        value={text}
        onInput={(e) => setText(e.currentTarget.value)}
        spellcheck={false}
      />
      <datalist id="cached">
        {['**', ...names].map((n) => (
          <option key={n} value={n} />
        ))}
      </datalist>
      <button class="btn" type="submit" disabled={!text}>
        Purge
      </button>
    </form>
  );
}

/** Answers lists what is stored: what it is of, and not what it says. */
function Answers({ purge, beat }: { purge?: (what: PurgeCacheRequest) => void; beat: number }) {
  const list = useResource<ListCachedResponse>('/api/v1/policies/caches/answers', { limit: mostAnswers }, beat);
  const all = list.data?.answers ?? [];
  if (list.error) return <Notice tone="err">{list.error.message}</Notice>;
  if (!all.length) return <Empty>{list.data ? 'No answer is stored.' : 'Loading'}</Empty>;
  return (
    <Scroll label="Stored answers">
      <table class="tight">
        <tbody>
          {all.map((a) => (
            <tr key={a.key}>
              <td>
                <span class="mono break">{a.method}</span>
                <div class="dim mono clip cachekey" title={a.key}>
                  {a.key}
                </div>
              </td>
              <td class="c2">
                {(a.tags ?? []).map((t) => (
                  <Tag key={t}>{t}</Tag>
                ))}
              </td>
              <td class="num dim">{bytes(a.bytes)}</td>
              {purge && (
                <td class="num">
                  <button type="button" class="btn small" aria-label={`Purge the answer ${a.key}`} onClick={() => purge({ key: a.key })}>
                    Purge
                  </button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {list.data?.more && <p class="dim">There are more.</p>}
    </Scroll>
  );
}
