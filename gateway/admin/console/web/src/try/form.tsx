
// A form for a message, made from its descriptor. It edits the message as JSON, which the editor beside it shows.

import { useId, useState } from 'preact/hooks';

import type { Field, MessageType } from '../api/types';
import { Icon } from '../ui/icons';
import { Breakable } from '../ui/parts';
import { base64, bytes, short } from '../format';
import { answersOnly, emptyItem, emptyOf, isNumber, isObject, required, skeleton, wellKnown, type Json, type Obj, type Types } from './schema';
import { ruleText, type Hint } from './validate';

interface FormProps {
  message: string;
  value: Json;
  types: Types;
  hints: Hint[];
  path?: string;
  onChange: (v: Json) => void;
}

export function Form({ message, value, types, hints, path = '', onChange }: FormProps) {
  const type = types.messages.get(message);
  if (!type) return <p class="dim">There is no description of {message}.</p>;
  const object: Obj = isObject(value) ? value : {};
  const set = (f: Field, v: Json | undefined) => {
    const next: Obj = { ...object };
    delete next[f.name!];
    if (v === undefined) delete next[f.jsonName!];
    else next[f.jsonName!] = v;
    onChange(next);
  };
  const fields = (type.fields ?? []).filter((f) => !answersOnly(f));
  const hidden = (type.fields ?? []).length - fields.length;
  const done = new Set<string>();
  return (
    <div class="form">
      {fields.map((f) => {
        if (f.oneof && type.oneofs?.some((o) => o.name === f.oneof)) {
          if (done.has(f.oneof)) return null;
          done.add(f.oneof);
          return <OneOf key={f.oneof} type={type} name={f.oneof} object={object} types={types} hints={hints} path={path} onChange={onChange} />;
        }
        return <FieldForm key={f.name} field={f} value={object[f.jsonName!] ?? object[f.name!]} types={types} hints={hints} path={join(path, f.jsonName!)} onChange={(v) => set(f, v)} />;
      })}
      {!fields.length && <p class="dim">It has no fields.</p>}
      {hidden > 0 && <p class="dim">{hidden === 1 ? 'One field is' : `${hidden} fields are`} in answers only.</p>}
    </div>
  );
}

function join(path: string, name: string): string {
  return path ? path + '.' + name : name;
}

function OneOf({ type, name, object, types, hints, path, onChange }: { type: MessageType; name: string; object: Obj; types: Types; hints: Hint[]; path: string; onChange: (v: Json) => void }) {
  const id = useId();
  const members = (type.fields ?? []).filter((f) => f.oneof === name);
  const set = members.find((f) => object[f.jsonName!] !== undefined);
  const choose = (json: string) => {
    const next: Obj = { ...object };
    for (const f of members) delete next[f.jsonName!];
    const f = members.find((m) => m.jsonName === json);
    if (f) next[f.jsonName!] = emptyOf(f, types);
    onChange(next);
  };
  return (
    <div class="oneof">
      <div class="fieldrow">
        <label for={id}>
          {name} <span class="dim">one of</span>
        </label>
        <select id={id} class="field" value={set?.jsonName ?? ''} onChange={(e) => choose(e.currentTarget.value)}>
          <option value="">none</option>
          {members.map((f) => (
            <option key={f.name} value={f.jsonName}>
              {f.name}
            </option>
          ))}
        </select>
      </div>
      {set && <FieldForm field={set} value={object[set.jsonName!]} types={types} hints={hints} path={join(path, set.jsonName!)} onChange={(v) => onChange({ ...object, [set.jsonName!]: v ?? emptyOf(set, types) })} />}
    </div>
  );
}

interface FieldProps {
  field: Field;
  value: Json | undefined;
  types: Types;
  hints: Hint[];
  path: string;
  onChange: (v: Json | undefined) => void;
}

function FieldForm({ field: f, value, types, hints, path, onChange }: FieldProps) {
  const id = useId();
  const mine = hints.filter((h) => h.path === path);
  const compound = f.repeated || f.map || (f.type === 'message' && !wellKnown[f.typeName ?? '']) || wellKnown[f.typeName ?? '']?.free;
  const about = [...(f.rules ?? []).filter((r) => r.name !== 'required').map(ruleText)].join(', ');
  const type = f.map ? `map of ${f.keyType} to ${short(f.typeName || f.type || '')}` : (f.repeated ? 'list of ' : '') + short(f.typeName || f.type || '');
  return (
    <div class={compound ? 'fieldset' : 'fieldrow'} role={compound ? 'group' : undefined} aria-label={compound ? f.name : undefined}>
      <div class="fieldname">
        <label for={compound ? undefined : id} title={f.comment}>
          <span class={f.deprecated ? 'struck' : ''}>
            <Breakable text={f.name ?? ''} />
          </span>
          {required(f) && (
            <span class="must" title="required">
              {' '}
              *
            </span>
          )}
        </label>
        <span class="dim type">
          <Breakable text={type} />
        </span>
        {compound && <AddRemove field={f} value={value} types={types} onChange={onChange} />}
      </div>
      <div class="fieldvalue">
        {compound ? value !== undefined && <Compound field={f} value={value} types={types} hints={hints} path={path} onChange={onChange} /> : <Input id={id} field={f} value={value} types={types} invalid={mine.some((h) => h.text !== 'is required')} onChange={onChange} />}
        {(about || f.comment) && !compound && <div class="about">{about || f.comment}</div>}
        {mine.map((h) => (
          <div key={h.text} class="hint">
            {h.text}
          </div>
        ))}
      </div>
    </div>
  );
}

function AddRemove({ field: f, value, types, onChange }: { field: Field; value: Json | undefined; types: Types; onChange: (v: Json | undefined) => void }) {
  const add = () => {
    if (f.repeated) onChange([...(Array.isArray(value) ? value : []), emptyItem(f, types)]);
    else if (f.map) {
      const map = isObject(value) ? value : {};
      onChange({ ...map, [freeKey(map, f)]: emptyItem(f, types) });
    } else onChange(wellKnown[f.typeName ?? ''] ? emptyOf(f, types) : skeleton(f.typeName!, types));
  };
  const many = f.repeated || f.map;
  return (
    <span class="row end">
      {(many || value === undefined) && (
        <button type="button" class="btn quiet small" aria-label={'Add ' + f.name} onClick={add}>
          <Icon name="plus" size={12} />
          Add
        </button>
      )}
      {value !== undefined && (
        <button type="button" class="btn quiet small" aria-label={'Remove ' + f.name} onClick={() => onChange(undefined)}>
          <Icon name="minus" size={12} />
          Remove
        </button>
      )}
    </span>
  );
}

function freeKey(map: Obj, f: Field): string {
  for (let i = 1; ; i++) {
    const key = f.keyType === 'string' ? 'key' + (i > 1 ? i : '') : f.keyType === 'bool' ? String(i === 1) : String(i);
    if (!(key in map)) return key;
  }
}

function Compound({ field: f, value, types, hints, path, onChange }: FieldProps) {
  if (f.repeated && Array.isArray(value))
    return (
      <ol class="items">
        {value.map((item, i) => (
          <li key={i}>
            <Item field={f} value={item} types={types} hints={hints} path={`${path}[${i}]`} label={`${f.name} ${i + 1}`} onChange={(v) => onChange(value.map((o, k) => (k === i ? v : o)))} />
            <button type="button" class="btn quiet icon small" aria-label={`Remove ${f.name} ${i + 1}`} onClick={() => onChange(value.filter((_, k) => k !== i))}>
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ol>
    );
  if (f.map && isObject(value))
    return (
      <ol class="items">
        {Object.entries(value).map(([k, item], i) => (
          <li key={i}>
            <input
              class="field mono mapkey"
              aria-label={`Key ${i + 1} of ${f.name}`}
              value={k}
              onChange={(e) => onChange(Object.fromEntries(Object.entries(value).map(([o, v]) => [o === k ? e.currentTarget.value : o, v])))}
            />
            <Item field={f} value={item} types={types} hints={hints} path={`${path}[${JSON.stringify(k)}]`} label={`${f.name} ${k}`} onChange={(v) => onChange({ ...value, [k]: v })} />
            <button type="button" class="btn quiet icon small" aria-label={`Remove ${k}`} onClick={() => onChange(Object.fromEntries(Object.entries(value).filter(([o]) => o !== k)))}>
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ol>
    );
  if (f.type === 'message') return <Item field={f} value={value ?? {}} types={types} hints={hints} path={path} label={f.name!} onChange={onChange} />;
  return <p class="dim">The editor has a value of another kind here.</p>;
}

function Item({ field: f, value, types, hints, path, label, onChange }: { field: Field; value: Json; types: Types; hints: Hint[]; path: string; label: string; onChange: (v: Json) => void }) {
  const known = wellKnown[f.typeName ?? ''];
  const mine = hints.filter((h) => h.path === path);
  if (known?.free) return known.hint ? <Free value={value} label={label} hint={known.hint} onChange={onChange} /> : <span class="dim">nothing to fill in</span>;
  if (f.type === 'message' && !known)
    return (
      <div class="nested grow">
        <Form message={f.typeName!} value={value} types={types} hints={hints} path={path} onChange={onChange} />
      </div>
    );
  return (
    <div class="grow">
      <Input field={f} value={value} types={types} invalid={mine.length > 0} label={label} onChange={(v) => onChange(v ?? emptyItem(f, types))} />
      {mine.map((h) => (
        <div key={h.text} class="hint">
          {h.text}
        </div>
      ))}
    </div>
  );
}

/** Free is any JSON. */
function Free({ value, label, hint, onChange }: { value: Json; label: string; hint: string; onChange: (v: Json) => void }) {
  return (
    <textarea
      class="field mono grow"
      rows={3}
      aria-label={label + ', JSON'}
      placeholder={hint}
      spellcheck={false}
      value={JSON.stringify(value)}
      onChange={(e) => {
        try {
          onChange(JSON.parse(e.currentTarget.value) as Json);
          e.currentTarget.setCustomValidity('');
        } catch {
          e.currentTarget.setCustomValidity('this is no JSON');
          e.currentTarget.reportValidity();
        }
      }}
    />
  );
}

function Input({ id, field: f, value, types, invalid, label, onChange }: { id?: string; field: Field; value: Json | undefined; types: Types; invalid: boolean; label?: string; onChange: (v: Json | undefined) => void }) {
  const known = wellKnown[f.typeName ?? ''];
  const type = known ? known.hint : f.type;
  if (type === 'bool')
    return (
      <select id={id} class="field" aria-label={label} value={value === undefined ? '' : String(value)} onChange={(e) => onChange(e.currentTarget.value === '' ? undefined : e.currentTarget.value === 'true')}>
        <option value="">not set</option>
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    );
  if (f.type === 'enum') {
    const values = types.enums.get(f.typeName ?? '')?.values ?? [];
    return (
      <select id={id} class="field" aria-label={label} aria-invalid={invalid} value={value === undefined ? '' : String(value)} onChange={(e) => onChange(e.currentTarget.value || undefined)}>
        <option value="">not set</option>
        {values.map((v) => (
          <option key={v.name} value={v.name} title={v.comment}>
            {v.name}
          </option>
        ))}
      </select>
    );
  }
  const number = isNumber(type);
  const placeholder = known ? known.hint : f.type === 'bytes' ? 'base64' : number ? '0' : '';
  const change = (text: string) => {
    if (text === '') return onChange(undefined);
    if (number && !/64$/.test(type ?? '') && /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && !text.endsWith('.')) return onChange(Number(text));
    onChange(text);
  };
  return (
    <span class="row">
      <input id={id} class={'field grow' + (number || known || f.type === 'bytes' ? ' mono' : '')} type="text" aria-label={label} aria-invalid={invalid} inputMode={number ? 'decimal' : undefined} placeholder={placeholder} spellcheck={false} value={value === undefined || value === null ? '' : String(value)} onInput={(e) => change(e.currentTarget.value)} />
      {f.type === 'bytes' && <FromFile label={f.name!} onChange={onChange} />}
      {f.typeName === 'google.protobuf.Timestamp' && (
        <button type="button" class="btn quiet small" onClick={() => onChange(new Date().toISOString())}>
          Now
        </button>
      )}
    </span>
  );
}

/** mostFile is the size of the largest file that a form takes: a message is text of the page. */
const mostFile = 2 << 20;

/** FromFile fills a field of bytes from a file. */
function FromFile({ label, onChange }: { label: string; onChange: (v: Json) => void }) {
  const [problem, setProblem] = useState('');
  const read = async (file: File | undefined) => {
    if (!file) return;
    setProblem(file.size > mostFile ? `${file.name} has ${bytes(file.size)}; a form takes ${bytes(mostFile)}` : '');
    if (file.size <= mostFile) onChange(base64(new Uint8Array(await file.arrayBuffer())));
  };
  return (
    <>
      <label class="btn small filepick">
        File
        <input class="sr" type="file" aria-label={'File for ' + label} onChange={(e) => void read(e.currentTarget.files?.[0])} />
      </label>
      {problem && <span class="hint">{problem}</span>}
    </>
  );
}
