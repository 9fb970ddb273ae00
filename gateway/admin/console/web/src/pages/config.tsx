// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What is configured and where each value is from, what differs from the file, how reloads went, and whether another text would do.

import { useState } from 'preact/hooks';

import { post, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { DiffConfigResponse, FieldChange, GetConfigResponse, ListReloadsResponse, Reload, ReloadResponse, Setting, SettingOrigin, ValidateConfigResponse } from '../api/types';
import { now, reloads, status } from '../live';
import { query, setQuery } from '../router';
import { ago, day, ms, seconds } from '../format';
import { Code } from '../ui/code';
import { Icon } from '../ui/icons';
import { Breakable, Choice, Copy, Dot, Empty, Notice, Panel, Scroll, Search, Sure, Tabs, Tag, type Tone } from '../ui/parts';
import { place, Problem } from '../ui/problem';
import { reloadText, reloadTone } from './overview';

type Part = 'effective' | 'diff' | 'reloads' | 'validate';

const origins: Record<SettingOrigin, { text: string; tone: Tone }> = {
  SETTING_ORIGIN_UNSPECIFIED: { text: 'unknown', tone: '' },
  SETTING_ORIGIN_DEFAULT: { text: 'default', tone: '' },
  SETTING_ORIGIN_FILE: { text: 'file', tone: 'accent' },
  SETTING_ORIGIN_ENVIRONMENT: { text: 'environment', tone: 'accent' },
  SETTING_ORIGIN_FLAG: { text: 'flag', tone: 'accent' },
  SETTING_ORIGIN_ADMIN: { text: 'admin API', tone: 'warn' },
};

export const triggers: Record<string, string> = {
  TRIGGER_START: 'start',
  TRIGGER_CONFIG_FILE: 'the configuration file',
  TRIGGER_SCHEMA: 'a source of schemas',
  TRIGGER_SIGNAL: 'SIGHUP',
  TRIGGER_ADMIN: 'the admin API',
  TRIGGER_SWITCH: 'a switch',
};

export function ConfigPage() {
  const part = (query.value.get('part') ?? 'effective') as Part;
  const config = useResource<GetConfigResponse>('/api/v1/config', {}, reloads.value.length);
  const c = config.data;
  return (
    <>
      {config.error && <Notice tone="err">{config.error.message}</Notice>}
      {c?.pending && (
        <Notice tone="warn" actions={<button type="button" class="btn small" onClick={() => setQuery({ part: 'diff' })}>Compare</button>}>
          <code>{c.file}</code> is another one than what is in force.
        </Notice>
      )}
      <Panel flush label="Configuration">
        <div class="row tabbed">
          <Tabs
            label="Parts of the configuration"
            value={part}
            onChange={(v) => setQuery({ part: v === 'effective' ? '' : v })}
            tabs={[
              { value: 'effective', text: 'Effective' },
              { value: 'diff', text: 'File and running' },
              { value: 'reloads', text: 'Reloads' },
              { value: 'validate', text: 'Validate' },
            ]}
          />
          {!status.value?.readOnly && <ReloadButton />}
        </div>
        {part === 'effective' && <Effective config={c} />}
        {part === 'diff' && <Diff config={c} />}
        {part === 'reloads' && <Reloads />}
        {part === 'validate' && <Validate />}
      </Panel>
    </>
  );
}

function ReloadButton() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const [tried, setTried] = useState<Reload | undefined>();
  const run = (dryRun: boolean) => {
    setBusy(true);
    setProblem('');
    setTried(undefined);
    post<ReloadResponse>('/api/v1/reload', { dryRun })
      .then(
        (r) => (dryRun ? setTried(r.reload) : setQuery({ part: 'reloads' })),
        (e: ApiError) => setProblem(e.message),
      )
      .finally(() => setBusy(false));
  };
  return (
    <span class="row">
      {problem && <span class="t-err">{problem}</span>}
      {tried && (
        <span class={'clip ' + (tried.result === 'RELOAD_RESULT_REFUSED' ? 't-err' : 'dim')} role="status" title={reloadText(tried)}>
          {tried.result === 'RELOAD_RESULT_REFUSED' ? 'would be ' : tried.result === 'RELOAD_RESULT_UNCHANGED' ? '' : 'would be in force: '}
          {reloadText(tried)}
        </span>
      )}
      <button type="button" class="btn small" disabled={busy} title="Reads the file and the schemas, and puts nothing in force" onClick={() => run(true)}>
        Try
      </button>
      <button type="button" class="btn small" disabled={busy} onClick={() => run(false)}>
        <Icon name="refresh" size={12} />
        Reload
      </button>
    </span>
  );
}

function Effective({ config: c }: { config?: GetConfigResponse }) {
  const q = query.value;
  const text = q.get('q') ?? '';
  const set = q.get('set') ?? 'all';
  const form = q.get('form') ?? 'table';
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = c?.settings ?? [];
  const shown = all.filter((s) => (set === 'all' || s.origin !== 'SETTING_ORIGIN_DEFAULT') && words.every((w) => `${s.path} ${s.value}`.toLowerCase().includes(w)));
  return (
    <>
      <div class="pad toolbar">
        <Search label="Filter by path or value" value={text} onInput={(v) => setQuery({ q: v })} />
        <Choice
          label="Which"
          value={set}
          onChange={(v) => setQuery({ set: v === 'all' ? '' : v })}
          options={[
            { value: 'all', text: 'All' },
            { value: 'set', text: 'Not defaults' },
          ]}
        />
        <Choice
          label="Form"
          value={form}
          onChange={(v) => setQuery({ form: v === 'table' ? '' : v })}
          options={[
            { value: 'table', text: 'Table' },
            { value: 'yaml', text: 'YAML' },
          ]}
        />
        <span class="dim break">
          {c?.file || 'no file: dev or demo'}
          {c?.loaded && `, read ${ago(c.loaded, now.value)}`}
        </span>
      </div>
      {(c?.warnings ?? []).length > 0 && (
        <div class="pad notices">
          {c!.warnings!.map((w, i) => (
            <Problem key={i} problem={w} />
          ))}
        </div>
      )}
      {form === 'yaml' ? (
        <div class="pad">
          <div class="row">
            <span class="grow dim">Secrets are left out.</span>
            <Copy text={() => c?.yaml ?? ''} />
          </div>
          <Code text={c?.yaml ?? ''} language="yaml" label="The configuration as YAML" />
        </div>
      ) : shown.length === 0 ? (
        <Empty>{!c ? 'Loading' : all.length ? 'No setting has that in its path or value.' : 'There is no file: the gateway runs in dev or demo, with what is built in.'}</Empty>
      ) : (
        <Scroll label="Settings">
          <table class="settings">
            <thead>
              <tr>
                <th>Setting</th>
                <th>Value</th>
                <th>From</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((s) => (
                <SettingRow key={s.path} setting={s} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  );
}

function SettingRow({ setting: s }: { setting: Setting }) {
  const o = origins[s.origin ?? 'SETTING_ORIGIN_UNSPECIFIED'];
  return (
    <tr>
      <td class="mono break">
        <SettingPath path={s.path ?? ''} />
        {s.needsRestart && (
          <span class="dim restart" title="A change takes effect only with a restart">
            restart
          </span>
        )}
      </td>
      <td class={'mono break ' + (s.origin === 'SETTING_ORIGIN_DEFAULT' ? 'ink2' : '')}>{s.value}</td>
      <td class="nowrap">
        <Tag tone={o.tone} title={place(s.position)}>
          {o.text}
        </Tag>{' '}
        {s.position?.line ? <span class="dim">line {s.position.line}</span> : null} {s.written && <code class="dim">{s.written}</code>}
      </td>
    </tr>
  );
}

/** SettingPath is the path of a setting, its own name set off from where it is. */
function SettingPath({ path }: { path: string }) {
  const at = Math.max(path.lastIndexOf('.'), path.endsWith(']') ? path.lastIndexOf('[') - 1 : -1) + 1;
  return (
    <>
      <span class="dim">
        <Breakable text={path.slice(0, at)} />
      </span>
      <Breakable text={path.slice(at)} />
    </>
  );
}

export function Changes({ all, before = 'Running', after = 'File' }: { all: FieldChange[]; before?: string; after?: string }) {
  return (
    <Scroll label="Settings that differ">
      <table>
        <thead>
          <tr>
            <th>Setting</th>
            <th>{before}</th>
            <th>{after}</th>
          </tr>
        </thead>
        <tbody class="tops">
          {all.map((c) => (
            <tr key={c.path}>
              <td class="mono break">
                <SettingPath path={c.path ?? ''} />
                {c.needsRestart && <div class="t-warn">needs a restart</div>}
                {c.effect && <div class="dim">{c.effect}</div>}
              </td>
              <td class="mono break t-err">{c.before || <span class="dim">–</span>}</td>
              <td class="mono break t-ok">{c.after || <span class="dim">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Diff({ config }: { config?: GetConfigResponse }) {
  const [state, set] = useState<{ diff?: DiffConfigResponse; error?: string; asked: boolean }>({ asked: false });
  if (config && !config.file) return <Empty>There is no file to compare with: the gateway runs in dev or demo.</Empty>;
  if (!state.asked && config) {
    set({ asked: true });
    post<DiffConfigResponse>('/api/v1/config:diff', {}).then(
      (diff) => set({ asked: true, diff }),
      (e: ApiError) => set({ asked: true, error: e.message }),
    );
  }
  const changes = state.diff?.changes ?? [];
  return (
    <>
      {state.error && (
        <div class="pad">
          <Notice tone="err">{state.error}</Notice>
        </div>
      )}
      {(state.diff?.problems ?? []).length > 0 && (
        <div class="pad notices">
          {state.diff!.problems!.map((p, i) => (
            <Problem key={i} problem={p} />
          ))}
        </div>
      )}
      {state.diff && !changes.length && !state.diff.problems?.length && <Empty>The file says what is in force.</Empty>}
      {changes.length > 0 && <Changes all={changes} />}
    </>
  );
}

function Reloads() {
  const list = useResource<ListReloadsResponse>('/api/v1/reloads', {}, reloads.value.length);
  const all = list.data?.reloads ?? reloads.value;
  if (!all.length) return <Empty>{list.error?.message ?? 'None yet'}</Empty>;
  return (
    <ul class="reloads">
      {all.map((r) => (
        <OneReload key={r.id} reload={r} />
      ))}
    </ul>
  );
}

function OneReload({ reload: r }: { reload: Reload }) {
  const routes = [...(r.routesAdded ?? []).map((t) => '+ ' + t), ...(r.routesRemoved ?? []).map((t) => '− ' + t), ...(r.routesChanged ?? []).map((t) => '~ ' + t)];
  const more = routes.length || r.changes?.length || r.schemaChanges?.length || r.problems?.length || r.warnings?.length;
  const head = (
    <>
      <Dot tone={reloadTone(r)} />
      <span class="nowrap" title={day(r.time)}>
        {ago(r.time, now.value)}
      </span>
      <span class="grow break">{reloadText(r)}</span>
      <span class="dim">
        by {triggers[r.trigger ?? ''] ?? 'unknown'}
        {r.who && ` from ${r.who}`}, {ms(seconds(r.took) * 1000)}
      </span>
    </>
  );
  if (!more) return <li class="row wrap">{head}</li>;
  return (
    <li>
      <details open={r.result === 'RELOAD_RESULT_REFUSED'}>
        <summary class="row wrap">
          {head}
          <span class="chev">
            <Icon name="chevron" size={12} />
          </span>
        </summary>
        <div class="col">
          {(r.problems ?? []).map((p, i) => (
            <Problem key={'p' + i} problem={p} />
          ))}
          {r.result === 'RELOAD_RESULT_REFUSED' && r.schemaChanges?.some((c) => c.breaking) && !status.value?.readOnly && <AllowBreaking />}
          {routes.length > 0 && <Code text={routes.join('\n')} label="Routes that changed" />}
          {r.changes?.length ? <Changes all={r.changes} before="Before" after="After" /> : null}
          {(r.schemaChanges ?? []).map((c, i) => (
            <div key={'s' + i} class="row wrap">
              {c.breaking && <Tag tone="err">breaking</Tag>}
              <code>{c.element}</code>
              <span class="ink2">{c.message}</span>
            </div>
          ))}
          {(r.warnings ?? []).map((p, i) => (
            <Problem key={'w' + i} problem={p} />
          ))}
        </div>
      </details>
    </li>
  );
}

/** AllowBreaking reloads once more, and takes changes that break clients. */
function AllowBreaking() {
  const [told, setTold] = useState('');
  const run = () =>
    void post<ReloadResponse>('/api/v1/reload', { allowBreaking: true }).then(
      (r) => setTold(reloadText(r.reload ?? {})),
      (e: ApiError) => setTold(e.message),
    );
  return (
    <div class="row wrap">
      <Sure small label="Put it in force all the same" ask="Sure: clients may break" onSure={run} />
      {told && <span class="ink2">{told}</span>}
    </div>
  );
}

function Validate() {
  const [yaml, setYaml] = useState('');
  const [told, setTold] = useState<{ result?: ValidateConfigResponse; diff?: DiffConfigResponse; error?: string }>({});
  const run = async (e: Event) => {
    e.preventDefault();
    try {
      const result = await post<ValidateConfigResponse>('/api/v1/config:validate', { yaml });
      const diff = result.valid ? await post<DiffConfigResponse>('/api/v1/config:diff', { yaml }) : undefined;
      setTold({ result, diff });
    } catch (err) {
      setTold({ error: (err as Error).message });
    }
  };
  const problems = told.result?.problems ?? [];
  return (
    <form class="pad col" onSubmit={run}>
      <textarea class="field mono" rows={14} spellcheck={false} aria-label="Configuration, as YAML" placeholder="Paste a configuration here. It is checked, and not put in force." value={yaml} onInput={(e) => setYaml(e.currentTarget.value)} />
      <div class="row">
        <button class="btn primary" type="submit" disabled={!yaml.trim()}>
          Validate
        </button>
      </div>
      {told.error && <Notice tone="err">{told.error}</Notice>}
      {told.result?.valid && (
        <Notice tone="ok">
          It would be put in force{problems.length ? ', with what is doubtful below' : ''}. {told.diff?.changes?.length ?? 0} settings would change.
        </Notice>
      )}
      {problems.map((p, i) => (
        <Problem key={i} problem={p} />
      ))}
      {told.diff?.changes?.length ? <Changes all={told.diff.changes} after="Pasted" /> : null}
    </form>
  );
}
