// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What is kept of calls beside a line of the log: for a while, as somebody asked for it here, or as the configuration says.

import { useState } from 'preact/hooks';

import { put, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { Capture, GetCaptureResponse, SetCaptureRequest, SetCaptureResponse } from '../api/types';
import { beats, now, status } from '../live';
import { bytes, clock, count, many } from '../format';
import { Icon } from '../ui/icons';
import { Choice, Notice, Sure, Tag } from '../ui/parts';

const path = '/api/v1/traffic:capture';

type What = 'headers' | 'bodies';

/** Captures is the line above the calls that tells how captures stand, and the form that changes it. */
export function Captures() {
  const asked = useResource<GetCaptureResponse>(path, {}, beats.value);
  const [open, setOpen] = useState(false);
  const [problem, setProblem] = useState('');
  const c = asked.data?.capture;
  if (!c?.permitted) return null;
  const readOnly = status.value?.readOnly ?? false;
  const set = (what: SetCaptureRequest) => {
    setProblem('');
    put<SetCaptureResponse>(path, what).then(
      () => {
        setOpen(false);
        asked.refresh();
      },
      (e: ApiError) => setProblem(e.message),
    );
  };
  return (
    <section class="captures" aria-label="Captures">
      <div class="row wrap">
        <Tag tone={c.on ? 'accent' : ''}>{c.on ? 'capturing' : 'not capturing'}</Tag>
        <span class="grow ink2">
          <State capture={c} />
        </span>
        {!readOnly && c.until && (
          <button type="button" class="btn small" onClick={() => set({ asConfigured: true })}>
            As configured
          </button>
        )}
        {!readOnly && c.on && (
          <button type="button" class="btn small" onClick={() => set({ on: false })}>
            Stop
          </button>
        )}
        {!readOnly && (c.calls ?? 0) > 0 && <Sure small label="Forget" ask="Forget them" name="Forget what is captured" onSure={() => set({ on: c.on, bodies: c.bodies, errors: c.errors, match: c.match, clear: true })} />}
        {!readOnly && (
          <button type="button" class="btn small" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon name={open ? 'close' : 'record'} size={12} />
            {open ? 'Close' : 'Capture'}
          </button>
        )}
      </div>
      {problem && <Notice tone="err">{problem}</Notice>}
      {open && <Start set={set} />}
    </section>
  );
}

function State({ capture: c }: { capture: Capture }) {
  const parts = [
    c.on && (c.bodies ? 'header fields and messages' : 'header fields'),
    c.on && c.errors && 'of calls that fail',
    c.on && c.match?.length ? `of ${c.match.join(', ')}` : '',
    c.on && c.until && `until ${clock(c.until)}${Date.parse(c.until) - now.value < 60_000 ? ', soon' : ''}`,
    `${many(c.calls, 'call')} of ${count(c.maxCalls)}, ${bytes(c.bytes)} of ${bytes(c.maxBytes)}`,
    Number(c.leftOut ?? 0) > 0 && `${many(c.leftOut, 'message')} left out for want of room`,
  ];
  return <>{parts.filter(Boolean).join(', ')}</>;
}

const spans = [
  { value: '60s', text: 'a minute' },
  { value: '600s', text: 'ten minutes' },
  { value: '3600s', text: 'an hour' },
];

function Start({ set }: { set: (what: SetCaptureRequest) => void }) {
  const [what, setWhat] = useState<What>('bodies');
  const [errors, setErrors] = useState(false);
  const [match, setMatch] = useState('');
  const [duration, setDuration] = useState('600s');
  return (
    <form
      class="fields"
      onSubmit={(e) => {
        e.preventDefault();
        set({ on: true, bodies: what === 'bodies', errors, match: match.split(/[\s,]+/).filter(Boolean), duration });
      }}
    >
      <div class="stack">
        <span>What is kept, without what may be secret</span>
        <Choice
          label="What is kept"
          value={what}
          onChange={setWhat}
          options={[
            { value: 'headers', text: 'Headers' },
            { value: 'bodies', text: 'Messages too' },
          ]}
        />
      </div>
      <label class="stack">
        <span>Of which methods; all, if empty</span>
        <input class="field mono" value={match} placeholder="acme.orders.v1.**" spellcheck={false} onInput={(e) => setMatch(e.currentTarget.value)} />
      </label>
      <label class="stack">
        <span>For how long</span>
        <select class="field" value={duration} onChange={(e) => setDuration(e.currentTarget.value)}>
          {spans.map((s) => (
            <option key={s.value} value={s.value}>
              {s.text}
            </option>
          ))}
        </select>
      </label>
      <div class="row">
        <label class="row check grow">
          <input type="checkbox" checked={errors} onChange={(e) => setErrors(e.currentTarget.checked)} />
          failed only
        </label>
        <button class="btn primary" type="submit">
          Begin
        </button>
      </div>
    </form>
  );
}
