// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What clients can call: services, methods and messages with their comments; where it is from; and what differs from another schema.

import { useState } from 'preact/hooks';

import { download, post, type ApiError } from '../api/client';
import { useResource } from '../api/resource';
import type { CompareSchemasResponse, Field, GetTypeResponse, ListReloadsResponse, ListServicesResponse, ListSourcesResponse, MessageType, Method, SchemaSource, Service } from '../api/types';
import { now, reloads, status } from '../live';
import { args, href, query, setQuery, to } from '../router';
import { ago, base64, clock, count, reflow, short } from '../format';
import { Icon } from '../ui/icons';
import { Breakable, Dot, Empty, Notice, Panel, Path, Scroll, Search, Tabs, Tag, Verb } from '../ui/parts';
import { place, Problem } from '../ui/problem';
import { ChangeTable } from './changes';
import { kindName } from './routes';
import { Declared } from './source';
import { Switches, SwitchNotes, switchPlace, useSwitches } from './switches';
import { Upload } from './upload';

type Part = 'browse' | 'sources' | 'changes' | 'switches';

export function SchemasPage() {
  const part = (query.value.get('part') ?? 'browse') as Part;
  const sources = useResource<ListSourcesResponse>('/api/v1/schemas');
  const switched = useSwitches().data?.switches?.length;
  const bad = (sources.data?.sources ?? []).filter((s) => !s.ok).length + (sources.data?.conflicts ?? []).filter((d) => d.level === 'LEVEL_ERROR').length;
  return (
    <>
      <Panel flush label="Parts">
        <div class="row tabbed plain">
          <Tabs
            label="Parts of the schemas"
            value={part}
            onChange={(v) => setQuery({ part: v === 'browse' ? '' : v })}
            tabs={[
              { value: 'browse', text: 'Services' },
              { value: 'sources', text: 'Sources', n: sources.data?.sources?.length },
              { value: 'changes', text: 'Changes' },
              { value: 'switches', text: 'Switches', n: switched },
            ]}
          />
          <Downloads />
        </div>
      </Panel>
      {part === 'browse' && bad > 0 && (
        <Notice tone="warn" actions={<button type="button" class="btn small" onClick={() => setQuery({ part: 'sources' })}>See them</button>}>
          {bad} {bad === 1 ? 'problem' : 'problems'} in the sources of schemas. What was good before still serves.
        </Notice>
      )}
      {part === 'browse' && <Browse />}
      {part === 'sources' && <Sources data={sources.data} error={sources.error} />}
      {part === 'changes' && <Changes />}
      {part === 'switches' && <Switches />}
    </>
  );
}

function Downloads() {
  const [problem, setProblem] = useState('');
  const fetchIt = (path: string, name: string) => {
    setProblem('');
    download(path, name).catch((e: Error) => setProblem(e.message));
  };
  return (
    <span class="row">
      {problem && <span class="t-err clip">{problem}</span>}
      <button type="button" class="btn small" title="All descriptors, with imports and comments" onClick={() => fetchIt('/api/v1/schemas/descriptors', 'descriptors.binpb')}>
        <Icon name="download" size={12} />
        Descriptors
      </button>
      <button type="button" class="btn small" title="OpenAPI 3.1 of the API" onClick={() => fetchIt('/try/openapi.json', 'openapi.json')}>
        <Icon name="download" size={12} />
        OpenAPI
      </button>
    </span>
  );
}

function Browse() {
  const services = useResource<ListServicesResponse>('/api/v1/schemas/services');
  const filter = query.value.get('q') ?? '';
  const chosen = args.value[0] ?? '';
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (...texts: (string | undefined)[]) => words.every((w) => texts.join(' ').toLowerCase().includes(w));
  const all = services.data?.services ?? [];
  const shown = all
    .map((s) => ({ ...s, methods: (s.methods ?? []).filter((m) => has(m.fullName, m.requestType, m.responseType)) }))
    .filter((s) => s.methods.length || has(s.name));
  return (
    <div class="browse">
      <Panel flush label="Services">
        <div class="pad">
          <Search label="Filter services and methods" value={filter} onInput={(v) => setQuery({ q: v })} />
        </div>
        <div class="tree pad ruled">
          {services.error && <Notice tone="err">{services.error.message}</Notice>}
          {services.data && !shown.length && <Empty>Nothing has that name.</Empty>}
          {shown.map((s) => (
            <details key={s.name} open={shown.length <= 4 || chosen.startsWith(s.name!) || !!filter}>
              <summary>
                <span class="chev">
                  <Icon name="chevron" size={12} />
                </span>
                <span class="clip" title={s.name}>
                  {short(s.name!)}
                </span>
                <span class="dim">{s.methods.length}</span>
              </summary>
              <div>
                <a class="leaf full" href={href(to(['schemas', s.name!], { q: filter }))} aria-current={chosen === s.name} title={firstSentence(s.comment)}>
                  <span class="mono clip">{s.name}</span>
                </a>
                {s.methods.map((m) => (
                  <MethodLeaf key={m.fullName} method={m} chosen={chosen} filter={filter} />
                ))}
              </div>
            </details>
          ))}
        </div>
      </Panel>
      {services.data && <Shown chosen={chosen} services={all} />}
    </div>
  );
}

/** MethodLeaf is a method in the tree; its messages stand below it while it, or one of them, is shown. */
function MethodLeaf({ method: m, chosen, filter }: { method: Method; chosen: string; filter: string }) {
  const types = [...new Set([m.requestType!, m.responseType!])];
  const open = chosen === m.fullName || types.includes(chosen);
  return (
    <>
      <a class="leaf" href={href(to(['schemas', m.fullName!], { q: filter }))} aria-current={chosen === m.fullName} title={firstSentence(m.comment)}>
        <span class={'clip' + (m.deprecated ? ' struck' : '')}>{m.name}</span>
        {m.kind !== 'unary' && <span class="dim nowrap">{kindName(m.kind)}</span>}
        {m.switchedOff && <Tag tone="err">off</Tag>}
      </a>
      {open && (
        <div class="twigs">
          {types.map((t) => (
            <a key={t} class="leaf" href={href(to(['schemas', t], { q: filter }))} aria-current={chosen === t} title={t}>
              <span class="mono clip">{short(t)}</span>
              <span class="dim nowrap">{t === m.requestType ? 'request' : 'answer'}</span>
            </a>
          ))}
        </div>
      )}
    </>
  );
}

function Shown({ chosen, services }: { chosen: string; services: Service[] }) {
  const service = services.find((s) => s.name === chosen);
  const method = services.flatMap((s) => s.methods ?? []).find((m) => m.fullName === chosen);
  if (method) return <OneMethod method={method} />;
  if (service) return <OneService service={service} />;
  if (chosen.includes('/')) return <Empty>There is no method {chosen}.</Empty>;
  if (chosen) return <OneType name={chosen} />;
  return services[0] ? <OneService service={services[0]} /> : <div />;
}

function OneService({ service: s }: { service: Service }) {
  return (
    <Panel
      title={<span class="mono break"><Breakable text={s.name ?? ''} /></span>}
      actions={
        <span class="row">
          {s.deprecated && <Tag tone="warn">deprecated</Tag>}
          <SwitchLink match={s.name!} />
        </span>
      }
      flush
    >
      <div class="pad col">
        <SwitchNotes name={s.name!} />
        {s.comment && <p class="comment">{reflow(s.comment)}</p>}
        <p class="dim">
          From {s.source}
          {place(s.position) && (
            <>
              , <code>{place(s.position)}</code>
            </>
          )}
        </p>
      </div>
      <Scroll label={'Methods of ' + s.name}>
        <table>
          <thead>
            <tr>
              <th>Method</th>
              <th class="c2">Kind</th>
              <th>Routes</th>
            </tr>
          </thead>
          <tbody class="tops">
            {(s.methods ?? []).map((m) => (
              <tr key={m.fullName}>
                <td>
                  <a class="mono" href={href(to(['schemas', m.fullName!]))}>
                    {m.name}
                  </a>
                  <div class="ink2 clip2">{firstSentence(m.comment)}</div>
                </td>
                <td class="c2 nowrap">{kindName(m.kind) || 'unary'}</td>
                <td>
                  <Routes method={m} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

/** SwitchLink leads to where methods are switched off, or sent elsewhere. */
function SwitchLink({ match }: { match: string }) {
  if (status.value?.readOnly) return null;
  return (
    <a class="btn small" href={switchPlace(match)}>
      <Icon name="power" size={12} />
      Switch
    </a>
  );
}

export function firstSentence(comment: string | undefined): string {
  const text = (comment ?? '').replace(/\s+/g, ' ').trim();
  return /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}

function Routes({ method: m }: { method: Method }) {
  const all = m.routes ?? [];
  if (!all.length) return <span class="dim">by its name only</span>;
  return (
    <>
      {all.map((r) => (
        <div key={`${r.verb} ${r.path}`}>
          <a class="plain" href={href(to(['routes'], { open: `${r.verb} ${r.path}` }))}>
            <span class="row">
              <Verb verb={r.verb ?? ''} />
              <Path path={r.path ?? ''} />
            </span>
          </a>
        </div>
      ))}
    </>
  );
}

function OneMethod({ method: m }: { method: Method }) {
  const flags = [m.noSideEffects && 'no side effects', m.idempotent && 'idempotent'].filter(Boolean) as string[];
  return (
    <div class="col">
      <Panel
        title={<span class="mono break"><Breakable text={m.fullName ?? ''} /></span>}
        actions={
          <span class="row">
            <SwitchLink match={m.fullName!} />
            <a class="btn small" href={href(to(['try', m.fullName!]))}>
              <Icon name="try" size={12} />
              Try
            </a>
          </span>
        }
      >
        <div class="col">
          <SwitchNotes name={m.fullName!} />
          <div class="row wrap">
            <Tag>{kindName(m.kind) || 'unary'}</Tag>
            {flags.map((f) => (
              <Tag key={f}>{f}</Tag>
            ))}
            {m.deprecated && <Tag tone="warn">deprecated</Tag>}
            {m.switchedOff && <Tag tone="err">switched off</Tag>}
          </div>
          {m.comment && <p class="comment">{reflow(m.comment)}</p>}
          <Routes method={m} />
          <Declared element={m.fullName} position={m.position} around={8} />
        </div>
      </Panel>
      <TypePanel name={m.requestType!} role={'Request' + (m.kind === 'client_stream' || m.kind === 'bidi_stream' ? ', a stream' : '')} />
      <TypePanel name={m.responseType!} role={'Answer' + (m.kind === 'server_stream' || m.kind === 'bidi_stream' ? ', a stream' : '')} />
    </div>
  );
}

function OneType({ name }: { name: string }) {
  return (
    <div class="col">
      <TypePanel name={name} role="" />
    </div>
  );
}

function TypePanel({ name, role }: { name: string; role: string }) {
  const type = useResource<GetTypeResponse>('/api/v1/schemas/types/' + encodeURIComponent(name));
  const message = type.data?.messages?.find((m) => m.name === name);
  const enumeration = type.data?.enums?.find((e) => e.name === name);
  return (
    <Panel title={<span class="mono break"><Breakable text={name} /></span>} note={role} flush>
      {type.error && (
        <div class="pad">
          <Notice tone="err">{type.error.message}</Notice>
        </div>
      )}
      {message && <Message type={message} enums={type.data!.enums ?? []} />}
      {enumeration && (
        <table>
          <tbody class="tops">
            {(enumeration.values ?? []).map((v) => (
              <tr key={v.name}>
                <td class="mono">{v.name}</td>
                <td class="num dim">{v.number ?? 0}</td>
                <td class="ink2">{v.comment}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Message({ type: m, enums }: { type: MessageType; enums: NonNullable<GetTypeResponse['enums']> }) {
  return (
    <>
      {(m.comment || !!m.rules?.length) && (
        <div class="pad col">
          {m.comment && <p class="comment">{reflow(m.comment)}</p>}
          {(m.rules ?? []).map((r) => (
            <code key={r.name} class="ink2">
              {r.name}: {r.value}
            </code>
          ))}
        </div>
      )}
      {!m.fields?.length ? (
        <Empty>It has no fields.</Empty>
      ) : (
        <Scroll label={'Fields of ' + m.name}>
          <table class={m.comment ? 'ruled' : ''}>
            <thead>
              <tr>
                <th>Field</th>
                <th>Type</th>
                <th class="c2">What it is</th>
              </tr>
            </thead>
            <tbody class="tops">
              {m.fields.map((f) => {
                const values = enums.find((e) => e.name === f.typeName)?.values;
                return (
                  <tr key={f.name}>
                    <td class="break">
                      <span class={'mono' + (f.deprecated ? ' struck' : '')}>
                        <Breakable text={f.name ?? ''} />
                      </span>{' '}
                      <span class="dim">{f.number}</span>
                    </td>
                    <td>
                      <FieldType field={f} />
                      {f.oneof && <div class="dim">one of {f.oneof}</div>}
                    </td>
                    <td class="c2">
                      <div class="ink2 comment">{reflow(f.comment)}</div>
                      {values && values.length <= 12 && <div class="dim mono break">{values.map((v) => v.name).join(' ')}</div>}
                      <div class="row wrap">
                        {(f.behaviors ?? []).map((b) => (
                          <Tag key={b} tone={b === 'REQUIRED' ? 'accent' : ''}>
                            {b.toLowerCase().replace('_', ' ')}
                          </Tag>
                        ))}
                        {(f.rules ?? []).map((r) => (
                          <Tag key={r.name} title={r.message}>
                            {r.name} {r.value !== 'true' && r.value}
                          </Tag>
                        ))}
                      </div>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  );
}

function FieldType({ field: f }: { field: Field }) {
  const inner = f.typeName ? (
    <a class="mono" href={href(to(['schemas', f.typeName]))} title={f.typeName}>
      {short(f.typeName)}
    </a>
  ) : (
    <span class="mono">{f.type}</span>
  );
  if (f.map)
    return (
      <span>
        <span class="mono">map of {f.keyType} to </span>
        {inner}
      </span>
    );
  return (
    <span>
      {f.repeated && <span class="dim">list of </span>}
      {f.optional && <span class="dim">optional </span>}
      {inner}
    </span>
  );
}

function Sources({ data, error }: { data?: ListSourcesResponse; error?: Error }) {
  if (error) return <Notice tone="err">{error.message}</Notice>;
  return (
    <>
      {(data?.conflicts ?? []).length > 0 && (
        <Panel title="Doubtful" note="in all sources together">
          <div class="notices">
            {data!.conflicts!.map((d, i) => (
              <Problem key={i} problem={d} />
            ))}
          </div>
        </Panel>
      )}
      {(data?.sources ?? []).map((s) => (
        <Source key={s.name} source={s} />
      ))}
    </>
  );
}

function Source({ source: s }: { source: SchemaSource }) {
  const facts: [string, string][] = [
    ['Services', count(s.services)],
    ['Methods', count(s.methods)],
    ['Messages', count(s.messages)],
    ['Files', count(s.files)],
    ['Loaded', ago(s.loaded, now.value)],
    ['Checked', ago(s.checked, now.value)],
  ];
  return (
    <Panel
      title={
        <span class="row">
          <Dot tone={s.ok ? 'ok' : 'err'} />
          <span class="break">{s.name}</span>
        </span>
      }
      actions={
        <span class="row">
          <Tag>{(s.kind ?? '').replace('_', ' ')}</Tag>
          {s.watched && <Tag>watched</Tag>}
        </span>
      }
      flush
    >
      <div class="pad col">
        <p class="dim mono break">
          {s.location}
          {s.version && `, version ${s.version.slice(0, 12)}`}
        </p>
        <dl class="figures inset">
          {facts.map(([k, v]) => (
            <div key={k}>
              <dt>{k}</dt>
              <dd>{v}</dd>
            </div>
          ))}
        </dl>
        {!s.ok && <Notice tone="err">Its last load, {ago(s.checked, now.value)}, was refused. What is in force is that of {clock(s.loaded)}.</Notice>}
        {[...(s.problems ?? []), ...(s.unserved ?? [])].map((d, i) => (
          <Problem key={i} problem={d} />
        ))}
        {s.kind === 'upload' && !status.value?.readOnly && <Upload source={s.name!} />}
      </div>
    </Panel>
  );
}

function Changes() {
  const list = useResource<ListReloadsResponse>('/api/v1/reloads', {}, reloads.value.length);
  const [compared, setCompared] = useState<{ result?: CompareSchemasResponse; error?: string; name?: string }>({});
  const loads = (list.data?.reloads ?? []).filter((r) => r.schemaChanges?.length || (r.trigger === 'TRIGGER_SCHEMA' && r.result === 'RELOAD_RESULT_REFUSED'));
  const compare = async (file: File | undefined) => {
    if (!file) return;
    try {
      const descriptorSet = base64(new Uint8Array(await file.arrayBuffer()));
      setCompared({ name: file.name, result: await post<CompareSchemasResponse>('/api/v1/schemas:compare', { descriptorSet }) });
    } catch (e) {
      setCompared({ name: file.name, error: (e as ApiError).message });
    }
  };
  return (
    <>
      <Panel title="Compare" note="what is in force with a descriptor set">
        <div class="col">
          <label class="row wrap">
            <input class="file" type="file" accept=".binpb,.pb,.desc,.protoset" onChange={(e) => void compare(e.currentTarget.files?.[0])} />
            <span class="dim">
              as <code>buf build</code> and <code>protoc --include_imports</code> write it
            </span>
          </label>
          {compared.error && <Notice tone="err">{compared.error}</Notice>}
          {compared.result && (
            <>
              <Notice tone={compared.result.breaking ? 'err' : 'ok'}>
                {compared.name}: {compared.result.changes?.length ?? 0} changes, {compared.result.breaking ?? 0} of which break clients
              </Notice>
              <ChangeTable all={compared.result.changes ?? []} />
            </>
          )}
        </div>
      </Panel>
      {loads.length === 0 ? (
        <Panel title="Loads">
          <Empty>No load has changed the schemas since the gateway began.</Empty>
        </Panel>
      ) : (
        loads.map((r) => (
          <Panel key={r.id} title={`Load of ${clock(r.time)}`} note={r.sources?.join(', ')} flush actions={<Tag tone={r.result === 'RELOAD_RESULT_REFUSED' ? 'err' : 'ok'}>{r.result === 'RELOAD_RESULT_REFUSED' ? 'refused' : 'in force'}</Tag>}>
            {r.problems?.length ? (
              <div class="pad notices">
                {r.problems.map((p, i) => (
                  <Problem key={i} problem={p} />
                ))}
              </div>
            ) : null}
            <ChangeTable all={r.schemaChanges ?? []} />
          </Panel>
        ))
      )}
    </>
  );
}
