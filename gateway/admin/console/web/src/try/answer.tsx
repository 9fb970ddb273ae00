
// What came of a call: its messages as they come, its fields, all of it as it went over the wire, and the same call in other words.

import { useEffect, useRef, useState } from 'preact/hooks';

import type { Listener } from '../api/types';
import { href, to } from '../router';
import { ms } from '../format';
import { codeTone, pretty } from '../pages/traffic';
import { Code, paint } from '../ui/code';
import { Copy, Dot, Empty, Panel, Tabs, Tag } from '../ui/parts';
import { protocolNames, streamsAnswers, streamsRequests, type Plan, type Session } from './session';
import { snippet, snippetNames, type SnippetName } from './snippets';

type Part = 'messages' | 'headers' | 'raw' | 'code';

export function Answer({ session: s, plan, message, listener }: { session?: Session; plan: Plan; message: string; listener?: Listener }) {
  const [part, setPart] = useState<Part>('messages');
  const entries = s?.entries.value ?? [];
  return (
    <Panel flush label="Answer">
      <div class="row tabbed">
        <Tabs
          label="Parts of the answer"
          value={part}
          onChange={setPart}
          tabs={[
            { value: 'messages', text: 'Answer' },
            { value: 'headers', text: 'Fields' },
            { value: 'raw', text: 'Raw' },
            { value: 'code', text: 'Copy as' },
          ]}
        />
        {s && <State session={s} />}
      </div>
      <div class="pad col">
        {part === 'messages' && (s ? <Messages session={s} /> : <Empty>Nothing was sent yet.</Empty>)}
        {part === 'headers' && (s ? <Fields session={s} /> : <Empty>Nothing was sent yet.</Empty>)}
        {part === 'raw' && (s ? <Raw session={s} /> : <Empty>Nothing was sent yet.</Empty>)}
        {part === 'code' && <CopyAs plan={plan} messages={entries.filter((e) => e.kind === 'out').length && streamsRequests(plan.method) ? entries.filter((e) => e.kind === 'out').map((e) => e.text) : [message || '{}']} listener={listener} />}
      </div>
    </Panel>
  );
}

function State({ session: s }: { session: Session }) {
  const o = s.outcome.value;
  if (!o)
    return (
      <span class="row nowrap" role="status">
        <Dot tone="accent" />
        {s.state.value === 'open' ? (s.live ? 'open' : 'not sent yet') : 'waiting'}
      </span>
    );
  return (
    <span class="row nowrap" role="status">
      <Tag tone={codeTone(o.code)}>{o.code}</Tag>
      {o.http && <span class="dim">{o.http}</span>}
      <span class="dim">{ms(s.took.value)}</span>
    </span>
  );
}

function Messages({ session: s }: { session: Session }) {
  const o = s.outcome.value;
  const talk = streamsAnswers(s.plan.method) || streamsRequests(s.plan.method);
  const shown = talk ? s.entries.value : s.entries.value.filter((e) => e.kind !== 'out');
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = end.current?.parentElement;
    if (talk && box) box.scrollTop = box.scrollHeight;
  }, [shown.length]);
  return (
    <>
      {o && o.code !== 'OK' && (
        <div class="outcome">
          <b class="mono">{o.code}</b> {o.message}
          {o.details?.length ? <Code text={JSON.stringify(o.details, null, 2)} language="json" label="Details of the error" /> : null}
        </div>
      )}
      {talk ? (
        <div class="talk" role="log" tabIndex={0} aria-label="Messages of the call">
          {shown.map((e, i) => (
            <div key={i} class={'said ' + e.kind}>
              <div class="row dim">
                <span>{e.kind === 'out' ? 'sent' : 'received'}</span>
                <span>{ms(e.at)}</span>
              </div>
              <pre class="mono">{paint(e.text.length > 400 ? pretty(e.text) : spaced(e.text), 'json')}</pre>
            </div>
          ))}
          {!shown.length && <p class="dim">No message yet.</p>}
          <div ref={end} />
        </div>
      ) : (
        shown.map((e, i) => o?.code === 'OK' && <Code key={i} text={pretty(e.text) || '(empty)'} language="json" label="Message of the answer" />)
      )}
      {!shown.length && !talk && !o && <p class="dim">Waiting for the answer.</p>}
    </>
  );
}

/** spaced makes a short message readable in a line or a few. */
function spaced(text: string): string {
  try {
    const v = JSON.parse(text) as unknown;
    const line = JSON.stringify(v, null, 1).replace(/\n\s*/g, ' ');
    return line.length <= 90 ? line : JSON.stringify(v, null, 2);
  } catch {
    return text;
  }
}

function Fields({ session: s }: { session: Session }) {
  const a = s.answer.value;
  const table = (name: string, rows: [string, string][]) => (
    <div>
      <h3>{name}</h3>
      {rows.length ? (
        <table class="tight">
          <tbody>
            {rows.map(([k, v], i) => (
              <tr key={i}>
                <td class="mono ink2 nowrap top">{k}</td>
                <td class="mono break">{v}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p class="dim">None</p>
      )}
    </div>
  );
  return (
    <>
      <p class="mono">{a.status}</p>
      <Seen headers={a.headers} />
      {table('Header', a.headers)}
      {s.plan.protocol !== 'rest' && s.plan.protocol !== 'websocket' && table('Trailers', a.trailers)}
    </>
  );
}

/** Seen leads to what the gateway knows of the call. */
function Seen({ headers }: { headers: [string, string][] }) {
  const id = headers.find(([k]) => k === 'x-request-id')?.[1];
  if (!id) return null;
  return (
    <p>
      <a href={href(to(['traffic'], { id }))}>What the gateway did with it</a>
    </p>
  );
}

function Raw({ session: s }: { session: Session }) {
  return (
    <>
      <div class="row">
        <span class="grow dim">As the page knows it: the browser adds fields of its own.</span>
        <Copy text={() => s.raw.value} />
      </div>
      <Code wrap text={s.raw.value || '…'} label="Raw exchange" />
    </>
  );
}

function CopyAs({ plan, messages, listener }: { plan: Plan; messages: string[]; listener?: Listener }) {
  const [name, setName] = useState<SnippetName>('curl');
  let text: string;
  try {
    text = snippet(name, plan, messages, listener);
  } catch {
    text = '// the message is no JSON';
  }
  return (
    <>
      <div class="row wrap">
        <div class="seg grow0" role="group" aria-label="Language">
          {snippetNames.map((n) => (
            <button key={n} type="button" aria-pressed={n === name} onClick={() => setName(n)}>
              {n}
            </button>
          ))}
        </div>
        <Copy text={() => text} />
      </div>
      <Code wrap text={text} label={`The call as ${name}`} />
    </>
  );
}

/** SideBySide shows what each protocol makes of one message. */
export function SideBySide({ sessions }: { sessions: Session[] }) {
  return (
    <div class="beside" role="region" aria-label="Answers, side by side">
      {sessions.map((s) => (
        <Panel key={s.plan.protocol} title={protocolNames[s.plan.protocol]} actions={<State session={s} />} flush>
          <div class="pad">
            <Code wrap text={s.raw.value} label={'Raw exchange of ' + protocolNames[s.plan.protocol]} />
          </div>
        </Panel>
      ))}
    </div>
  );
}
