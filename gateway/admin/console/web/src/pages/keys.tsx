// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The API keys: who has one, a new one, and taking one back. The gateway keeps digests; a key is told once, when it is made.

import { useState } from 'preact/hooks';

import { del, post, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { ApiKey, AuthProvider, CreateKeyResponse, ListKeysResponse } from '../api/types';
import { now } from '../live';
import { day, span } from '../format';
import { Icon } from '../ui/icons';
import { Copy, Empty, Notice, Panel, Scroll, Search, Sure, Tag, type Tone } from '../ui/parts';

/** Days before its end from which on a key is worth a look. */
const soon = 14;
const dayMillis = 86_400_000;
/** mostShown is how many keys a page shows; a filter finds the others. */
const mostShown = 100;

/** Keys lists the keys of all providers. New ones are made, and old ones taken back, of those whose file the gateway can write. */
export function Keys({ of }: { of: AuthProvider[] }) {
  const providers = of.map((p) => p.name!);
  const writable = of.filter((p) => p.keysWritable).map((p) => p.name!);
  const reasons = [...new Set(of.filter((p) => !p.keysWritable).map((p) => (writable.length ? `${p.name}: ` : '') + (p.keysNotWritable || 'not told')))];
  const list = useResource<ListKeysResponse>('/api/v1/keys');
  const [text, setText] = useState('');
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<CreateKeyResponse | undefined>();
  const [told, setTold] = useState<{ text: string; bad: boolean } | undefined>();
  const all = list.data?.keys ?? [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((k) => words.every((w) => [k.id, k.subject, k.tenant, k.provider, ...(k.scopes ?? [])].join(' ').toLowerCase().includes(w)));
  const failed = (e: ApiError) => setTold({ text: e.message, bad: true });
  const revoke = (k: ApiKey) => {
    setTold(undefined);
    del(`/api/v1/keys/${encodeURIComponent(k.provider!)}/${encodeURIComponent(k.id!)}`).then(() => {
      setTold({ text: `The key ${k.id} of ${k.subject} is revoked.`, bad: false });
      list.refresh();
    }, failed);
  };
  return (
    <Panel
      title="API keys"
      note={list.data && `${all.length} ${all.length === 1 ? 'key' : 'keys'}`}
      flush
      actions={
        writable.length > 0 && (
          <button type="button" class="btn small" aria-expanded={making} onClick={() => setMaking(!making)}>
            <Icon name={making ? 'close' : 'plus'} size={12} />
            {making ? 'Close' : 'New key'}
          </button>
        )
      }
    >
      {(made || told || list.error || reasons.length > 0) && (
        <div class="pad notices">
          {list.error && <Notice tone="err">{list.error.message}</Notice>}
          {reasons.map((r) => (
            <Notice key={r}>
              Keys cannot be made or revoked here: <span class="break">{r}</span>
            </Notice>
          ))}
          {told && <Notice tone={told.bad ? 'err' : 'ok'}>{told.text}</Notice>}
          {made && (
            <Notice tone="ok" actions={<Copy label="Copy key" text={() => made.secret ?? ''} />}>
              The key {made.key?.id} of {made.key?.subject}. It is shown this once, and kept nowhere.
              <div>
                <code class="secret">{made.secret}</code>
              </div>
            </Notice>
          )}
        </div>
      )}
      {making && writable.length > 0 && (
        <NewKey
          providers={writable}
          failed={failed}
          done={(r) => {
            setMade(r);
            setTold(undefined);
            setMaking(false);
            list.refresh();
          }}
        />
      )}
      {all.length > 10 && (
        <div class="pad ruled">
          <Search label="Filter keys" value={text} onInput={setText} />
        </div>
      )}
      {!found.length ? (
        <Empty>{!list.data ? (list.error ? 'They cannot be read.' : 'Loading') : all.length ? 'No key has that in it.' : 'Nobody has a key yet.'}</Empty>
      ) : (
        <Scroll label="API keys">
          <table>
            <thead>
              <tr>
                <th>Subject</th>
                <th class="c2">Id</th>
                {providers.length > 1 && <th class="c3">Provider</th>}
                <th class="c3">May</th>
                <th>Ends</th>
                {writable.length > 0 && <th class="num">Actions</th>}
              </tr>
            </thead>
            <tbody>
              {found.slice(0, mostShown).map((k) => (
                <tr key={k.provider + '/' + k.id}>
                  <td>
                    <b class="break">{k.subject}</b>
                    {k.tenant && <div class="dim break">{k.tenant}</div>}
                  </td>
                  <td class="c2 mono ink2">{k.id}</td>
                  {providers.length > 1 && <td class="c3">{k.provider}</td>}
                  <td class="c3">{k.scopes?.length ? k.scopes.map((s) => <Tag key={s}>{s}</Tag>) : <span class="dim">what its subject may</span>}</td>
                  <td>
                    <Ends at={k.expireTime} />
                  </td>
                  {writable.length > 0 && (
                    <td class="num">
                      {writable.includes(k.provider!) && (
                        <Sure small label="Revoke" ask={`Revoke ${k.id}`} name={`Revoke the key ${k.id} of ${k.subject}`} onSure={() => revoke(k)} />
                      )}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
          {found.length > mostShown && <p class="pad dim">{found.length - mostShown} more: filter for them.</p>}
        </Scroll>
      )}
    </Panel>
  );
}

function Ends({ at }: { at?: string }) {
  if (!at) return <span class="dim">never</span>;
  const left = Date.parse(at) - now.value;
  const tone: Tone = left < 0 ? 'err' : left < soon * dayMillis ? 'warn' : '';
  return (
    <span title={day(at)}>
      <Tag tone={tone}>{left < 0 ? 'ended' : `in ${left > 3 * dayMillis ? Math.floor(left / dayMillis) + ' days' : span(left / 1000)}`}</Tag>
    </span>
  );
}

const lives = [
  { value: '', text: 'never' },
  { value: '30', text: 'in 30 days' },
  { value: '90', text: 'in 90 days' },
  { value: '365', text: 'in a year' },
];

function NewKey({ providers, done, failed }: { providers: string[]; done: (r: CreateKeyResponse) => void; failed: (e: ApiError) => void }) {
  const [provider, setProvider] = useState(providers[0] ?? '');
  const [subject, setSubject] = useState('');
  const [tenant, setTenant] = useState('');
  const [life, setLife] = useState('90');
  const make = (e: Event) => {
    e.preventDefault();
    const expireTime = life ? new Date(Date.now() + Number(life) * dayMillis).toISOString() : undefined;
    post<CreateKeyResponse>('/api/v1/keys', { provider, subject: subject.trim(), tenant: tenant.trim(), expireTime }).then(done, failed);
  };
  return (
    <form class="pad fields" onSubmit={make}>
      {providers.length > 1 && (
        <label class="stack">
          <span>Provider</span>
          <select class="field" value={provider} onChange={(e) => setProvider(e.currentTarget.value)}>
            {providers.map((p) => (
              <option key={p}>{p}</option>
            ))}
          </select>
        </label>
      )}
      <label class="stack">
        <span>Subject, who calls with it</span>
        <input class="field" value={subject} placeholder="acme" spellcheck={false} onInput={(e) => setSubject(e.currentTarget.value)} />
      </label>
      <label class="stack">
        <span>Tenant, if there is one</span>
        <input class="field" value={tenant} spellcheck={false} onInput={(e) => setTenant(e.currentTarget.value)} />
      </label>
      <label class="stack">
        <span>It ends</span>
        <select class="field" value={life} onChange={(e) => setLife(e.currentTarget.value)}>
          {lives.map((l) => (
            <option key={l.value} value={l.value}>
              {l.text}
            </option>
          ))}
        </select>
      </label>
      <div class="row">
        <button class="btn primary" type="submit" disabled={!subject.trim()}>
          Make the key
        </button>
      </div>
    </form>
  );
}
