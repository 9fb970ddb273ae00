
// Calls any method of the API, in any protocol that a page can speak, with a form or as JSON, message by message.

import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

import { useResource } from '../api/resource';
import type { GetTypeResponse, ListServicesResponse, Method, MethodRoute } from '../api/types';
import { status } from '../live';
import { args, go, query, to } from '../router';
import { short } from '../format';
import { Answer, SideBySide } from '../try/answer';
import { Editor } from '../try/editor';
import { Environments, HeaderRows } from '../try/environments';
import { Form } from '../try/form';
import { HistoryList } from '../try/history';
import { build } from '../try/rest';
import { skeleton, typesOf, type Json } from '../try/schema';
import { open, protocolNames, streamsRequests, type Plan, type Protocol, type Session } from '../try/session';
import { environment, fields, remember, script, type Made } from '../try/store';
import { check } from '../try/validate';
import { Icon } from '../ui/icons';
import { Breakable, Choice, Empty, Notice, Panel, Search, Tabs, Tag } from '../ui/parts';
import { kindName } from './routes';
import { firstSentence } from './schemas';

type RequestPart = 'form' | 'json' | 'headers' | 'environment';

// What is being written outlives the page: one looks at a log and comes back.
const protocol = signal<Protocol>('rest');
const text = signal('{}');
const textOf = signal(''); // the method that it is for
const more = signal<[string, string][]>([]);
const deadline = signal('');
const part = signal<RequestPart>('form');
const session = signal<Session | undefined>(undefined);
const beside = signal<Session[]>([]);
const list = signal<'methods' | 'history'>('methods');
const filter = signal('');
// On a phone the list is folded away while a method is open; its tabs unfold it.
const folded = signal(true);

export function TryPage() {
  const services = useResource<ListServicesResponse>('/api/v1/schemas/services');
  const all = services.data?.services ?? [];
  const chosen = args.value[0] ?? all[0]?.methods?.[0]?.fullName ?? '';
  const method = all.flatMap((s) => s.methods ?? []).find((m) => m.fullName === chosen);
  const again = (m: Made) => {
    textOf.value = m.method;
    text.value = m.messages[m.messages.length - 1] ?? '{}';
    script.value = m.messages.length > 1 ? m.messages : [];
    protocol.value = m.protocol;
    deadline.value = m.deadline ? String(m.deadline) : '';
    session.value = undefined;
    beside.value = [];
    folded.value = true;
    go(to(['try', m.method], { route: m.route }));
  };
  return (
    <div class="try">
      <Panel flush class={'methods' + (folded.value && method ? ' folded' : '')} label="Methods and history">
        <Tabs
          label="What to choose from"
          value={list.value}
          onChange={(v) => {
            folded.value = v === list.value && !folded.value;
            list.value = v;
          }}
          tabs={[
            { value: 'methods', text: 'Methods' },
            { value: 'history', text: 'History' },
          ]}
        />
        {list.value === 'history' ? (
          <HistoryList choose={again} />
        ) : (
          <>
            <div class="pad">
              <Search label="Filter methods" value={filter.value} onInput={(v) => (filter.value = v)} />
            </div>
            <Methods services={all} chosen={chosen} />
          </>
        )}
      </Panel>
      {services.error && <Notice tone="err">{services.error.message}</Notice>}
      {method ? <Workbench key={method.fullName} method={method} /> : services.data && <Empty>{chosen ? `There is no method ${chosen}.` : 'There is no method to call.'}</Empty>}
    </div>
  );
}

function Methods({ services, chosen }: { services: NonNullable<ListServicesResponse['services']>; chosen: string }) {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  return (
    <div class="tree pad ruled">
      {services.map((s) => {
        const methods = (s.methods ?? []).filter((m) => words.every((w) => (m.fullName ?? '').toLowerCase().includes(w)));
        if (!methods.length) return null;
        return (
          <details key={s.name} open={services.length <= 4 || chosen.startsWith(s.name + '/') || words.length > 0}>
            <summary title={s.name}>
              <span class="chev">
                <Icon name="chevron" size={12} />
              </span>
              <span class="clip">{short(s.name!)}</span>
            </summary>
            <div>
              {methods.map((m) => (
                <a
                  key={m.fullName}
                  class="leaf"
                  href={'/console' + to(['try', m.fullName!])}
                  aria-current={m.fullName === chosen}
                  onClick={() => {
                    session.value = undefined;
                    beside.value = [];
                    script.value = [];
                    folded.value = true;
                  }}
                >
                  <span class="clip">{m.name}</span>
                  <Kind kind={m.kind} />
                </a>
              ))}
            </div>
          </details>
        );
      })}
    </div>
  );
}

/** Kind shows which side streams. */
function Kind({ kind }: { kind?: string }) {
  if (!kind || kind === 'unary') return null;
  return (
    <span class="dim mono nowrap" title={kindName(kind)}>
      {kind === 'bidi_stream' ? '⇄' : kind === 'client_stream' ? '⇉' : '⇇'}
      <span class="sr">{kindName(kind)}</span>
    </span>
  );
}

function Workbench({ method }: { method: Method }) {
  const type = useResource<GetTypeResponse>('/api/v1/schemas/types/' + encodeURIComponent(method.requestType!));
  const types = useMemo(() => typesOf(type.data), [type.data]);
  const wanted = query.value.get('route');
  const routes = method.routes ?? [];
  useEffect(() => {
    if (!type.data || textOf.value === method.fullName) return;
    textOf.value = method.fullName!;
    text.value = JSON.stringify(skeleton(method.requestType!, types), null, 2);
  }, [type.data]);

  let value: Json | undefined;
  let broken = '';
  try {
    value = JSON.parse(text.value || '{}') as Json;
  } catch (e) {
    broken = (e as Error).message;
  }
  const hints = useMemo(() => (value === undefined || !types.messages.size ? [] : check(value, method.requestType!, types)), [text.value, types]);

  const streams = streamsRequests(method);
  // Of several routes, without a choice, it is the first one whose path the message fills.
  const fits = (r: MethodRoute) => value !== undefined && !build(r, [value], method.requestType!, types, streams).problems.length;
  const route: MethodRoute | undefined = routes.find((r) => `${r.verb} ${r.path}` === wanted) ?? routes.find(fits) ?? routes[0];
  const off = (p: Protocol): string | undefined => (p === 'rest' && !routes.length ? 'it has no route of REST' : p === 'rest' && method.kind === 'bidi_stream' ? 'no browser can stream both ways over REST' : undefined);
  const spoken: Protocol = off(protocol.value) ? (streams ? 'websocket' : 'connect') : protocol.value;
  const e = environment.value;
  const plan = (p: Protocol): Plan => ({ protocol: p, method, route, types, headers: fields(e, more.value), deadline: Number(deadline.value) || 0, authority: e.authority });
  const s = session.value?.plan.method.fullName === method.fullName ? session.value : undefined;
  const going = s && s.state.value !== 'done' ? s : undefined;
  const message = value === undefined ? '' : JSON.stringify(value);

  const keep = (made: Session, messages: string[]) => {
    const stop = made.state.subscribe((state) => {
      if (state !== 'done') return;
      queueMicrotask(() => stop());
      remember({ at: Date.now(), method: method.fullName!, protocol: made.plan.protocol, route: made.plan.protocol === 'rest' && route ? `${route.verb} ${route.path}` : '', messages, deadline: made.plan.deadline, code: made.outcome.value?.code ?? '', took: made.took.value });
    });
  };
  const begin = (p: Protocol): Session => {
    const made = open(plan(p));
    const messages: string[] = [];
    const send = made.send;
    made.send = (m) => {
      messages.push(m);
      send(m);
    };
    keep(made, messages);
    return made;
  };
  const send = () => {
    if (!message) return;
    beside.value = [];
    if (!streams) {
      going?.cancel();
      const made = begin(spoken);
      session.value = made;
      made.send(message);
      made.halfClose();
      return;
    }
    const made = going ?? begin(spoken);
    session.value = made;
    made.send(message);
  };
  /** sendAll sends what a call of the history sent, and ends the request. */
  const sendAll = () => {
    beside.value = [];
    going?.cancel();
    const made = begin(spoken);
    session.value = made;
    script.value.forEach((m) => made.send(m));
    made.halfClose();
  };
  const compare = () => {
    session.value = undefined;
    beside.value = (['rest', 'connect', 'grpcweb', 'websocket'] as Protocol[])
      .filter((p) => !off(p))
      .map((p) => {
        const made = open(plan(p));
        (script.value.length ? script.value : [message]).forEach((m) => made.send(m));
        made.halfClose();
        return made;
      });
  };
  const format = () => {
    if (value !== undefined) text.value = JSON.stringify(value, null, 2);
  };
  return (
    <div class="bench col">
      <div class="benchhead">
        <div class="grow">
          <div class="row wrap">
            <h2 class="mono break">
              <Breakable text={method.name ?? ''} />
            </h2>
            {method.kind !== 'unary' && <Tag>{kindName(method.kind)}</Tag>}
            {method.deprecated && <Tag tone="warn">deprecated</Tag>}
            {method.switchedOff && <Tag tone="err">switched off</Tag>}
          </div>
          <p class="ink2 clip2">{firstSentence(method.comment)}</p>
        </div>
        <div class="target">
          {spoken === 'rest' && routes.length > 1 && (
            <select class="field mono" aria-label="Route" value={`${route!.verb} ${route!.path}`} onChange={(ev) => go(to(['try', method.fullName!], { route: ev.currentTarget.value }), true)}>
              {routes.map((r) => (
                <option key={`${r.verb} ${r.path}`}>{`${r.verb} ${r.path}`}</option>
              ))}
            </select>
          )}
          {spoken === 'rest' && routes.length === 1 && (
            <code class="ink2 break">
              {route!.verb} <Breakable text={route!.path ?? ''} />
            </code>
          )}
          {spoken !== 'rest' && <code class="ink2 break">/{method.fullName}</code>}
          <label class="row">
            <span class="dim">deadline</span>
            <input class="field slower" inputMode="numeric" placeholder="ms" value={deadline.value} onInput={(ev) => (deadline.value = ev.currentTarget.value.replace(/\D/g, ''))} disabled={spoken === 'websocket'} title={spoken === 'websocket' ? 'a page cannot say a deadline on a WebSocket' : undefined} />
          </label>
        </div>
      </div>
      <div class="toolbar">
        <Choice label="Protocol" value={spoken} onChange={(v) => (protocol.value = v)} options={(Object.keys(protocolNames) as Protocol[]).map((p) => ({ value: p, text: protocolNames[p], off: off(p) }))} />
        <span class="spacer" />
        <button type="button" class="btn" disabled={!message} onClick={compare} title="Makes the call in every protocol that a page can speak">
          Side by side
        </button>
        {streams && script.value.length > 0 && (
          <button type="button" class="btn" onClick={sendAll} title="Sends what the call of the history sent, and half-closes">
            Send all {script.value.length}
          </button>
        )}
        {going && (
          <button type="button" class="btn danger" onClick={() => going.cancel()}>
            Cancel
          </button>
        )}
        {streams && (
          <button type="button" class="btn" disabled={!going || going.state.value !== 'open'} onClick={() => going?.halfClose()} title="Says that no more messages come">
            {going && !going.live ? 'Send and half-close' : 'Half-close'}
          </button>
        )}
        <button type="button" class="btn primary" disabled={!message || going?.state.value === 'half-closed'} onClick={send} aria-keyshortcuts="Control+Enter">
          <Icon name="send" size={13} />
          {streams ? (going && !going.live ? 'Add message' : 'Send message') : 'Send'}
        </button>
      </div>
      {streams && spoken !== 'websocket' && <p class="dim">A browser cannot stream a request by fetch: messages wait here until you half-close. WebSocket sends each at once.</p>}
      <div class={'benchcols' + (beside.value.length ? ' over' : '')}>
        <Panel flush label="Request">
          <Tabs
            label="Parts of the request"
            value={part.value}
            onChange={(v) => (part.value = v)}
            tabs={[
              { value: 'form', text: 'Form' },
              { value: 'json', text: 'JSON' },
              { value: 'headers', text: 'Headers', n: more.value.length || undefined },
              { value: 'environment', text: 'Environment: ' + e.name },
            ]}
          />
          <div class="pad col" onKeyDown={(ev) => (ev.ctrlKey || ev.metaKey) && ev.key === 'Enter' && part.value !== 'json' && send()}>
            {type.error && <Notice tone="err">{type.error.message}</Notice>}
            {part.value === 'form' &&
              (broken ? (
                <Notice tone="warn" actions={<button type="button" class="btn small" onClick={() => (part.value = 'json')}>Open the editor</button>}>
                  The text is no JSON: {broken}
                </Notice>
              ) : (
                type.data && <Form message={method.requestType!} value={value!} types={types} hints={hints} onChange={(v) => (text.value = JSON.stringify(v, null, 2))} />
              ))}
            {part.value === 'json' && (
              <>
                <Editor value={text.value} message={method.requestType!} types={types} label={`Message ${method.requestType}, JSON`} onInput={(v) => (text.value = v)} onSend={send} />
                <div class="row">
                  <span class="dim grow">Ctrl+Space names what fits, Ctrl+Enter sends.</span>
                  <button type="button" class="btn quiet small" onClick={format} disabled={value === undefined}>
                    Format
                  </button>
                </div>
                {broken && <p class="hint">{broken}</p>}
                {hints.map((h) => (
                  <p key={h.path + h.text} class="hint">
                    <code>{h.path || 'message'}</code> {h.text}
                  </p>
                ))}
              </>
            )}
            {part.value === 'headers' && (
              <>
                <p class="dim">Of this call, beside those of the environment.{spoken === 'websocket' && ' A page can send none with a WebSocket; a bearer token goes as a subprotocol.'}</p>
                <HeaderRows value={more.value} onChange={(v) => (more.value = v)} />
              </>
            )}
            {part.value === 'environment' && <Environments />}
          </div>
          {part.value !== 'environment' && hints.length > 0 && part.value === 'form' && (
            <p class="pad ruled hint">
              {hints.length} {hints.length === 1 ? 'hint' : 'hints'}: the call can be sent all the same
            </p>
          )}
        </Panel>
        {beside.value.length > 0 && beside.value[0].plan.method === method ? <SideBySide sessions={beside.value} /> : <Answer session={s} plan={plan(spoken)} message={message} listener={status.value?.listeners?.[0]} />}
      </div>
    </div>
  );
}
