// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Hints on what is wrong with a message before it is sent: what its types and its rules of buf.validate say. The gateway and the backend have
// the last word; rules in CEL are theirs alone.

import type { Field, Rule } from '../api/types';
import { answersOnly, integers, isNumber, isObject, required, wellKnown, type Json, type Types } from './schema';

export interface Hint {
  path: string;
  text: string;
}

const most = 50;
const deepest = 20;

/** check returns what is wrong with a message. */
export function check(value: Json, message: string, types: Types): Hint[] {
  const hints: Hint[] = [];
  checkMessage(value, message, types, '', hints, 0);
  return hints.slice(0, most);
}

function checkMessage(value: Json, name: string, types: Types, path: string, hints: Hint[], depth: number): void {
  if (depth > deepest || hints.length >= most) return;
  const known = wellKnown[name];
  if (known) {
    if (!known.free && isObject(value)) hints.push({ path, text: `is written as ${known.hint || 'a value'}` });
    if (name === 'google.protobuf.Timestamp' && typeof value === 'string' && Number.isNaN(Date.parse(value))) hints.push({ path, text: 'is a time as 2026-01-31T12:00:00Z' });
    if (name === 'google.protobuf.Duration' && typeof value === 'string' && !/^-?\d+(\.\d+)?s$/.test(value)) hints.push({ path, text: 'is a duration as 1.5s' });
    return;
  }
  const type = types.messages.get(name);
  if (!type) return;
  if (!isObject(value)) {
    hints.push({ path, text: 'must be an object' });
    return;
  }
  const at = (n: string) => (path ? path + '.' + n : n);
  const fields = new Map<string, Field>();
  for (const f of type.fields ?? []) {
    fields.set(f.jsonName!, f);
    fields.set(f.name!, f);
  }
  for (const k of Object.keys(value)) if (!fields.has(k)) hints.push({ path: at(k), text: `is no field of ${name}` });
  for (const f of type.fields ?? []) {
    const v = value[f.jsonName!] ?? value[f.name!];
    if (v === undefined || v === null) {
      if (required(f) && !answersOnly(f)) hints.push({ path: at(f.jsonName!), text: 'is required' });
      continue;
    }
    checkField(v, f, types, at(f.jsonName!), hints, depth);
  }
  for (const o of type.oneofs ?? []) {
    const set = (o.fields ?? []).filter((n) => {
      const f = fields.get(n);
      return f && (value[f.jsonName!] ?? value[f.name!]) !== undefined;
    });
    if (set.length > 1) hints.push({ path: at(o.name!), text: `only one of ${set.join(', ')} may be set` });
    if (o.required && !set.length) hints.push({ path: at(o.name!), text: `one of ${(o.fields ?? []).join(', ')} must be set` });
  }
}

function checkField(v: Json, f: Field, types: Types, path: string, hints: Hint[], depth: number): void {
  const rules = f.rules ?? [];
  if (f.map) {
    if (!isObject(v)) hints.push({ path, text: 'must be an object' });
    else {
      sizes(rules, 'map.min_pairs', 'map.max_pairs', Object.keys(v).length, 'entries', path, hints);
      for (const [k, item] of Object.entries(v)) checkItem(item, f, [], types, `${path}[${JSON.stringify(k)}]`, hints, depth);
    }
    return;
  }
  if (f.repeated) {
    if (!Array.isArray(v)) hints.push({ path, text: 'must be a list' });
    else {
      if (required(f) && !v.length) hints.push({ path, text: 'is required' });
      sizes(rules, 'repeated.min_items', 'repeated.max_items', v.length, 'items', path, hints);
      if (rules.some((r) => r.name === 'repeated.unique') && new Set(v.map((x) => JSON.stringify(x))).size < v.length) hints.push({ path, text: 'must not have an item twice' });
      const items = rules.filter((r) => r.name?.startsWith('repeated.items.')).map((r) => ({ ...r, name: r.name!.slice('repeated.items.'.length) }));
      v.forEach((item, i) => checkItem(item, f, items, types, `${path}[${i}]`, hints, depth));
    }
    return;
  }
  if (required(f) && v === '') hints.push({ path, text: 'is required' });
  else checkItem(v, f, rules, types, path, hints, depth);
}

function checkItem(v: Json, f: Field, rules: Rule[], types: Types, path: string, hints: Hint[], depth: number): void {
  const say = (text: string) => hints.push({ path, text });
  switch (f.type) {
    case 'message':
    case 'group':
      checkMessage(v, f.typeName ?? '', types, path, hints, depth + 1);
      return;
    case 'bool':
      if (typeof v !== 'boolean') say('must be true or false');
      return;
    case 'enum': {
      const e = types.enums.get(f.typeName ?? '');
      if (typeof v === 'string' && e && !e.values?.some((x) => x.name === v)) say(`is no value of ${f.typeName}`);
      return;
    }
    case 'string':
      if (typeof v !== 'string') say('must be a text');
      else stringRules(v, rules, say);
      return;
    case 'bytes':
      if (typeof v !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(v)) say('must be base64');
      return;
    default:
      if (isNumber(f.type)) numberRules(v, f, rules, say);
  }
}

function stringRules(v: string, rules: Rule[], say: (text: string) => void): void {
  const length = [...v].length;
  for (const r of rules) {
    const n = Number(r.value);
    const own = (text: string) => say(r.message || text);
    switch (r.name?.replace(/^string\./, '')) {
      case 'min_len':
        if (length < n) own(`must have ${n} characters or more`);
        break;
      case 'max_len':
        if (length > n) own(`must have ${n} characters or fewer, and has ${length}`);
        break;
      case 'len':
        if (length !== n) own(`must have ${n} characters`);
        break;
      case 'pattern':
        if (!matches(unquote(r.value), v)) own(`must match ${unquote(r.value)}`);
        break;
      case 'prefix':
        if (!v.startsWith(unquote(r.value))) own(`must begin with ${r.value}`);
        break;
      case 'suffix':
        if (!v.endsWith(unquote(r.value))) own(`must end with ${r.value}`);
        break;
      case 'contains':
        if (!v.includes(unquote(r.value))) own(`must have ${r.value} in it`);
        break;
      case 'const':
        if (v !== unquote(r.value)) own(`must be ${r.value}`);
        break;
      case 'in':
        if (!list(r.value).includes(v)) own(`must be one of ${r.value}`);
        break;
      case 'not_in':
        if (list(r.value).includes(v)) own(`must not be one of ${r.value}`);
        break;
      case 'email':
        if (!/^[^@\s]+@[^@\s]+$/.test(v)) own('must be an email address');
        break;
      case 'uuid':
        if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(v)) own('must be a UUID');
        break;
      case 'uri':
        if (!/^[a-z][a-z0-9+.-]*:/i.test(v)) own('must be a URI');
    }
  }
}

function numberRules(v: Json, f: Field, rules: Rule[], say: (text: string) => void): void {
  const n = Number(v);
  const text = String(v);
  if (text === 'NaN' || /^-?Infinity$/.test(text)) {
    if (integers.includes(f.type!)) say('must be a whole number');
    return;
  }
  if (v === '' || Number.isNaN(n) || typeof v === 'boolean' || typeof v === 'object') return say('must be a number');
  if (integers.includes(f.type!)) {
    if (!/^-?\d+$/.test(text)) return say('must be a whole number');
    if (/^u|^fixed/.test(f.type!) && n < 0) return say('must not be negative');
  }
  for (const r of rules) {
    const bound = Number(r.value);
    const own = (t: string) => say(r.message || t);
    switch (r.name?.split('.').pop()) {
      case 'gt':
        if (!(n > bound)) own(`must be more than ${r.value}`);
        break;
      case 'gte':
        if (!(n >= bound)) own(`must be ${r.value} or more`);
        break;
      case 'lt':
        if (!(n < bound)) own(`must be less than ${r.value}`);
        break;
      case 'lte':
        if (!(n <= bound)) own(`must be ${r.value} or less`);
        break;
      case 'const':
        if (n !== bound) own(`must be ${r.value}`);
        break;
      case 'in':
        if (!list(r.value).map(Number).includes(n)) own(`must be one of ${r.value}`);
    }
  }
}

function sizes(rules: Rule[], least: string, greatest: string, n: number, what: string, path: string, hints: Hint[]): void {
  for (const r of rules) {
    if (r.name === least && n < Number(r.value)) hints.push({ path, text: `must have ${r.value} ${what} or more` });
    if (r.name === greatest && n > Number(r.value)) hints.push({ path, text: `must have ${r.value} ${what} or fewer` });
  }
}

function unquote(text: string | undefined): string {
  try {
    const v = JSON.parse(text ?? '""') as unknown;
    return typeof v === 'string' ? v : (text ?? '');
  } catch {
    return text ?? '';
  }
}

function list(text: string | undefined): string[] {
  try {
    return (JSON.parse(text ?? '[]') as unknown[]).map(String);
  } catch {
    return [];
  }
}

function matches(pattern: string, v: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(v);
  } catch {
    return true; // RE2 has what JavaScript does not
  }
}

const signs: Record<string, string> = { gte: '≥', gt: '>', lte: '≤', lt: '<', const: '=', min_len: 'length ≥', max_len: 'length ≤', min_items: 'items ≥', max_items: 'items ≤', min_pairs: 'entries ≥', max_pairs: 'entries ≤' };

/** ruleText says a rule in a few words, for the side of a field. */
export function ruleText(r: Rule): string {
  const last = r.name?.split('.').slice(-1)[0] ?? '';
  const sign = signs[last];
  if (sign) return `${sign} ${r.value}`;
  const name = last.replace(/_/g, ' ');
  if (r.value === 'true' || !r.value) return name;
  return `${name} ${r.value.length > 40 ? r.value.slice(0, 38) + '…' : r.value}`;
}
