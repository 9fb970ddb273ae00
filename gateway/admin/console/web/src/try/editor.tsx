
// An editor for JSON: colours behind the text, and the names of fields and values as one types.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Field } from '../api/types';
import { paint } from '../ui/code';
import type { Types } from './schema';

interface Offer {
  text: string;
  more: string;
  from: number;
  to: number;
  put: string;
}

const lineHeight = 18;
const mostOffers = 12;

export function Editor({ value, message, types, label, onInput, onSend }: { value: string; message: string; types: Types; label: string; onInput: (v: string) => void; onSend: () => void }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const back = useRef<HTMLPreElement>(null);
  const caret = useRef<number | undefined>(undefined);
  const [offers, setOffers] = useState<Offer[]>([]);
  const [at, setAt] = useState(0);

  useLayoutEffect(() => {
    if (caret.current === undefined) return;
    area.current!.setSelectionRange(caret.current, caret.current);
    caret.current = undefined;
  });

  const look = (always: boolean) => {
    const el = area.current!;
    const all = el.selectionStart === el.selectionEnd ? offersAt(el.value, el.selectionStart, message, types, always) : [];
    setOffers(all.slice(0, mostOffers));
    setAt(0);
  };
  const take = (o: Offer) => {
    const next = value.slice(0, o.from) + o.put + value.slice(o.to);
    const end = o.from + o.put.length;
    // Behind what is opened, one goes on inside of it.
    caret.current = /(""|\{\}|\[\])$/.test(o.put) && o.put.includes(': ') ? end - 1 : end;
    onInput(next);
    setOffers([]);
    area.current!.focus();
  };
  const onKey = (e: KeyboardEvent) => {
    if ((e.ctrlKey || e.metaKey) && e.key === 'Enter') onSend();
    else if (e.ctrlKey && e.key === ' ') look(true);
    else if (!offers.length) return;
    else if (e.key === 'ArrowDown') setAt((at + 1) % offers.length);
    else if (e.key === 'ArrowUp') setAt((at + offers.length - 1) % offers.length);
    else if (e.key === 'Enter' || e.key === 'Tab') take(offers[at]);
    else if (e.key === 'Escape') {
      setOffers([]);
      e.stopPropagation();
    } else return;
    e.preventDefault();
  };
  const lines = value.split('\n').length;
  const before = area.current ? value.slice(0, area.current.selectionStart).split('\n') : [''];
  return (
    <div class="editor">
      <pre ref={back} class="mono" aria-hidden="true">
        {paint(value, 'json')}
        {'\n'}
      </pre>
      <textarea
        ref={area}
        class="mono"
        spellcheck={false}
        autocapitalize="off"
        aria-label={label}
        aria-autocomplete="list"
        aria-controls={offers.length ? 'offers' : undefined}
        aria-activedescendant={offers.length ? 'offer-' + at : undefined}
        rows={Math.min(30, Math.max(8, lines + 1))}
        value={value}
        onInput={(e) => {
          onInput(e.currentTarget.value);
          look(false);
        }}
        onKeyDown={onKey}
        onBlur={() => setTimeout(() => setOffers([]), 150)}
        onClick={() => setOffers([])}
        onScroll={(e) => {
          back.current!.scrollTop = e.currentTarget.scrollTop;
          back.current!.scrollLeft = e.currentTarget.scrollLeft;
        }}
      />
      {offers.length > 0 && (
        <ul id="offers" class="offers" role="listbox" aria-label="Names that fit here" style={{ top: before.length * lineHeight + 12 - (area.current?.scrollTop ?? 0) + 'px', left: `min(calc(${before[before.length - 1].length}ch * 0.92 + 14px), calc(100% - 300px))` }}>
          {offers.map((o, i) => (
            <li key={o.text} id={'offer-' + i} role="option" aria-selected={i === at} onMouseDown={(e) => e.preventDefault()} onClick={() => take(o)}>
              <span class="mono">{o.text}</span>
              <span class="dim clip">{o.more}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface Level {
  list: boolean;
  key: string;
  keys: Set<string>;
}

/** offersAt returns what may stand at a place of a text: names of fields where a name is begun, values of enums and of bool where a value is. */
export function offersAt(text: string, caret: number, message: string, types: Types, always: boolean): Offer[] {
  const stack: Level[] = [];
  let string = -1; // where the string begins that is open at the caret
  let expectKey = false;
  for (let i = 0; i < caret; i++) {
    const c = text[i];
    const top = stack[stack.length - 1];
    if (string >= 0) {
      if (c === '\\') i++;
      else if (c === '"') {
        if (expectKey && top) {
          top.key = text.slice(string + 1, i);
          top.keys.add(top.key);
        }
        string = -1;
      }
      continue;
    }
    if (c === '"') string = i;
    else if (c === '{') {
      stack.push({ list: false, key: '', keys: new Set() });
      expectKey = true;
    } else if (c === '[') {
      stack.push({ list: true, key: '', keys: new Set() });
      expectKey = false;
    } else if (c === '}' || c === ']') {
      stack.pop();
      expectKey = false;
    } else if (c === ':') expectKey = false;
    else if (c === ',') expectKey = !!top && !top.list;
  }
  const top = stack[stack.length - 1];
  if (!top) return [];
  const prefix = string >= 0 ? text.slice(string + 1, caret) : (/[\w.]*$/.exec(text.slice(0, caret))?.[0] ?? '');
  if (string < 0 && !prefix && !always) return [];
  const from = string >= 0 ? string : caret - prefix.length;
  const to = string >= 0 && text[caret] === '"' ? caret + 1 : caret;
  const here = fieldsAt(stack, message, types);
  if (expectKey && !top.list) {
    const after = /^\s*:/.test(text.slice(to));
    return (here ?? [])
      .filter((f) => !top.keys.has(f.jsonName!) && f.jsonName!.toLowerCase().startsWith(prefix.toLowerCase()))
      .map((f) => ({ text: f.jsonName!, more: typeText(f), from, to, put: JSON.stringify(f.jsonName!) + (after ? '' : ': ' + opening(f)) }));
  }
  const f = top.list ? fieldsAt(stack.slice(0, -1), message, types)?.find((x) => x.jsonName === stack[stack.length - 2]?.key) : here?.find((x) => x.jsonName === top.key || x.name === top.key);
  if (f?.type === 'enum')
    return (types.enums.get(f.typeName ?? '')?.values ?? []).filter((v) => v.name!.toLowerCase().includes(prefix.toLowerCase())).map((v) => ({ text: v.name!, more: v.comment ?? '', from, to, put: JSON.stringify(v.name!) }));
  if (f?.type === 'bool' && string < 0) return ['true', 'false'].filter((v) => v.startsWith(prefix)).map((v) => ({ text: v, more: '', from, to, put: v }));
  return [];
}

/** fieldsAt returns the fields of the message in which a stack of braces ends. */
function fieldsAt(stack: Level[], message: string, types: Types): Field[] | undefined {
  let fields = types.messages.get(message)?.fields;
  for (let i = 0; i + 1 < stack.length; i++) {
    if (stack[i].list) continue;
    const f = fields?.find((x) => x.jsonName === stack[i].key || x.name === stack[i].key);
    if (!f) return undefined;
    if (f.map) i++; // its own braces hold keys
    fields = types.messages.get(f.typeName ?? '')?.fields;
    if (f.map && i + 1 >= stack.length) return undefined;
  }
  return fields;
}

function typeText(f: Field): string {
  const name = (f.typeName || f.type || '').split('.').pop();
  return (f.map ? 'map to ' : f.repeated ? 'list of ' : '') + name + (f.comment ? ' – ' + f.comment.split('\n')[0] : '');
}

function opening(f: Field): string {
  if (f.map) return '{}';
  if (f.repeated) return '[]';
  if (f.type === 'message') return /google\.protobuf\.(Timestamp|Duration|FieldMask)$/.test(f.typeName ?? '') ? '""' : '{}';
  return f.type === 'string' || f.type === 'bytes' || f.type === 'enum' ? '""' : '';
}
