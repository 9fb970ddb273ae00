// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What forms and hints know of messages: an index of the types that a method is made of, and the values that stand for nothing yet.

import type { EnumType, Field, GetTypeResponse, MessageType } from '../api/types';

export type Json = null | boolean | number | string | Json[] | { [k: string]: Json };
export type Obj = { [k: string]: Json };

export interface Types {
  messages: Map<string, MessageType>;
  enums: Map<string, EnumType>;
}

export function typesOf(r: GetTypeResponse | undefined): Types {
  return {
    messages: new Map((r?.messages ?? []).map((m) => [m.name!, m])),
    enums: new Map((r?.enums ?? []).map((e) => [e.name!, e])),
  };
}

export function isObject(v: Json | undefined): v is Obj {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}

/** wellKnown says how JSON writes the messages that it has a form of its own for. */
export const wellKnown: Record<string, { hint: string; empty: Json; free?: boolean }> = {
  'google.protobuf.Timestamp': { hint: '2026-01-31T12:00:00Z', empty: '' },
  'google.protobuf.Duration': { hint: '1.5s', empty: '' },
  'google.protobuf.FieldMask': { hint: 'title,authors', empty: '' },
  'google.protobuf.Empty': { hint: '', empty: {}, free: true },
  'google.protobuf.Struct': { hint: 'any object', empty: {}, free: true },
  'google.protobuf.Value': { hint: 'any value', empty: null, free: true },
  'google.protobuf.ListValue': { hint: 'any list', empty: [], free: true },
  'google.protobuf.Any': { hint: 'an object with @type', empty: { '@type': '' }, free: true },
  'google.protobuf.StringValue': { hint: 'string', empty: '' },
  'google.protobuf.BytesValue': { hint: 'base64', empty: '' },
  'google.protobuf.BoolValue': { hint: 'bool', empty: false },
  'google.protobuf.Int32Value': { hint: 'int32', empty: 0 },
  'google.protobuf.UInt32Value': { hint: 'uint32', empty: 0 },
  'google.protobuf.Int64Value': { hint: 'int64', empty: '0' },
  'google.protobuf.UInt64Value': { hint: 'uint64', empty: '0' },
  'google.protobuf.FloatValue': { hint: 'float', empty: 0 },
  'google.protobuf.DoubleValue': { hint: 'double', empty: 0 },
};

export const integers = ['int32', 'sint32', 'sfixed32', 'uint32', 'fixed32', 'int64', 'sint64', 'sfixed64', 'uint64', 'fixed64'];

export function isNumber(type: string | undefined): boolean {
  return type === 'float' || type === 'double' || integers.includes(type ?? '');
}

export function isLong(type: string | undefined): boolean {
  return /64$/.test(type ?? '');
}

/** emptyOf is the value with which a field begins when somebody adds it. */
export function emptyOf(f: Field, types: Types): Json {
  if (f.map) return {};
  if (f.repeated) return [];
  return emptyItem(f, types);
}

export function emptyItem(f: Field, types: Types): Json {
  switch (f.type) {
    case 'bool':
      return false;
    case 'enum':
      return types.enums.get(f.typeName ?? '')?.values?.[0]?.name ?? 0;
    case 'message':
    case 'group':
      return wellKnown[f.typeName ?? '']?.empty ?? {};
    default:
      return isNumber(f.type) ? (isLong(f.type) ? '0' : 0) : '';
  }
}

export function required(f: Field): boolean {
  return (f.behaviors ?? []).includes('REQUIRED') || (f.rules ?? []).some((r) => r.name === 'required' && r.value !== 'false');
}

export function answersOnly(f: Field): boolean {
  return (f.behaviors ?? []).includes('OUTPUT_ONLY');
}

/** skeleton is a message to begin with: what is required, and nothing else. */
export function skeleton(name: string, types: Types, depth = 0): Obj {
  const out: Obj = {};
  if (depth > 4) return out;
  for (const f of types.messages.get(name)?.fields ?? []) {
    if (!required(f) || answersOnly(f)) continue;
    const nested = f.type === 'message' && !f.repeated && !f.map && !wellKnown[f.typeName ?? ''];
    out[f.jsonName!] = nested ? skeleton(f.typeName!, types, depth + 1) : emptyOf(f, types);
  }
  return out;
}

/** fieldAt finds a field by its path of names as the schema has them, and the names that JSON has for them. */
export function jsonPath(path: string, message: string, types: Types): string[] {
  const out: string[] = [];
  let at: string | undefined = message;
  for (const name of path.split('.')) {
    const f: Field | undefined = types.messages.get(at ?? '')?.fields?.find((x) => x.name === name || x.jsonName === name);
    out.push(f?.jsonName ?? name);
    at = f?.typeName;
  }
  return out;
}
