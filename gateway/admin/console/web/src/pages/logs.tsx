// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The gateway's own log, as it is written, and the level from which on it is.

import { useEffect, useState } from 'preact/hooks';

import { get, put, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { GetLogLevelResponse, ListLogsResponse, LogLine } from '../api/types';
import { lines, status } from '../live';
import { query, setQuery } from '../router';
import { clock } from '../format';
import { Choice, Copy, Empty, Notice, Panel, Search, Tag, type Tone } from '../ui/parts';

type Level = 'debug' | 'info' | 'warn' | 'error';
const levels: Level[] = ['debug', 'info', 'warn', 'error'];
const tones: Record<string, Tone> = { error: 'err', warn: 'warn', info: '', debug: '' };

export function LogsPage() {
  const q = query.value;
  const text = q.get('q') ?? '';
  const least = (q.get('level') ?? 'debug') as Level;
  const level = useResource<GetLogLevelResponse>('/api/v1/logs/level');
  const [problem, setProblem] = useState('');
  useEffect(() => {
    get<ListLogsResponse>('/api/v1/logs', { limit: 1000 }).then(
      (r) => {
        const had = lines.peek();
        const first = had.length ? Date.parse(had[0].time ?? '') : Infinity;
        lines.value = [...(r.lines ?? []).filter((l) => Date.parse(l.time ?? '') < first), ...had];
      },
      (e: ApiError) => setProblem(e.message),
    );
  }, []);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = lines.value
    .filter((l) => levels.indexOf(l.level as Level) >= levels.indexOf(least))
    .filter((l) => {
      const t = (l.message + ' ' + Object.entries(l.fields ?? {}).join(' ')).toLowerCase();
      return words.every((w) => t.includes(w));
    })
    .slice(-500)
    .reverse();
  const change = (l: Level) => {
    setProblem('');
    put('/api/v1/logs/level', { level: l }).then(level.refresh, (e: ApiError) => setProblem(e.message));
  };
  return (
    <>
      <div class="toolbar">
        <Search label="Filter lines" value={text} onInput={(v) => setQuery({ q: v })} />
        <label class="row">
          <span class="dim">show from</span>
          <select class="field" value={least} onChange={(e) => setQuery({ level: e.currentTarget.value === 'debug' ? '' : e.currentTarget.value })}>
            {levels.map((l) => (
              <option key={l}>{l}</option>
            ))}
          </select>
        </label>
        <span class="row">
          <span class="dim">gateway writes from</span>
          {status.value?.readOnly ? (
            <Tag>{level.data?.level ?? '–'}</Tag>
          ) : (
            <Choice label="Level that the gateway writes from" value={(level.data?.level ?? '') as Level} onChange={change} options={levels.map((l) => ({ value: l, text: l }))} />
          )}
        </span>
        <Copy small={false} label="Copy lines" text={() => shown.map((l) => JSON.stringify({ time: l.time, level: l.level, msg: l.message, ...l.fields })).join('\n')} />
      </div>
      {problem && <Notice tone="err">{problem}</Notice>}
      <Panel flush label="Lines, the newest first">
        {shown.length === 0 ? (
          <Empty>{lines.value.length ? 'No line passes the filter.' : 'Nothing was written yet.'}</Empty>
        ) : (
          <ol class="log">
            {shown.map((l, i) => (
              <Line key={(l.time ?? '') + (shown.length - i)} line={l} />
            ))}
          </ol>
        )}
      </Panel>
    </>
  );
}

function Line({ line: l }: { line: LogLine }) {
  const fields = Object.entries(l.fields ?? {});
  return (
    <li>
      <time class="mono dim" dateTime={l.time}>
        {clock(l.time, true)}
      </time>
      <span class="level">
        <Tag tone={tones[l.level ?? ''] ?? ''}>{l.level}</Tag>
      </span>
      <div class="break">
        {l.message}
        {fields.length > 0 && (
          <span class="fields mono">
            {fields.map(([k, v]) => (
              <span key={k}>
                <span class="dim">{k}=</span>
                {v}
              </span>
            ))}
          </span>
        )}
      </div>
    </li>
  );
}
