// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Makes a request of REST of a message and a binding, by the rules of google.api.http.

import type { MethodRoute } from '../api/types';
import { bytes, fromBase64 } from '../format';
import { isObject, jsonPath, type Json, type Obj, type Types } from './schema';

export interface RestRequest {
  verb: string;
  /** path has the query. */
  path: string;
  body?: string | Uint8Array<ArrayBuffer>;
  /** type is what the body is. */
  type?: string;
  /** problems are what keeps the request from being made. */
  problems: string[];
}

const variable = /\{([^}=]+)(?:=([^}]*))?\}/g;

/** build makes a request; bodies are the messages of a stream, of which the first one fills the path. */
export function build(route: MethodRoute, messages: Json[], request: string, types: Types, streams: boolean): RestRequest {
  const problems: string[] = [];
  const rest = structuredClone(isObject(messages[0]) ? messages[0] : {}) as Obj;
  let path = (route.path ?? '').replace(variable, (_m, name: string, pattern: string | undefined) => {
    const keys = jsonPath(name, request, types);
    const v = take(rest, keys);
    if (v === undefined || v === '') {
      problems.push(`the path needs ${name}`);
      return `{${name}}`;
    }
    const text = String(v);
    if (!pattern || pattern === '*') return encodeURIComponent(text);
    const form = new RegExp('^' + pattern.split('/').map((p) => (p === '**' ? '.*' : p === '*' ? '[^/]+' : p.replace(/[.+?^$()|[\]\\]/g, '\\$&'))).join('/') + '$');
    if (!form.test(text)) problems.push(`${name} must be like ${pattern}`);
    return text.split('/').map(encodeURIComponent).join('/');
  });
  let body: RestRequest['body'];
  let type = streams ? 'application/x-ndjson' : 'application/json';
  const raw = route.body && httpBody(route.body, request, types);
  if (raw) {
    const parts = [rest, ...messages.slice(1)].map((m) => (raw === '*' ? m : take(structuredClone(m) as Obj, raw)));
    type = String((isObject(parts[0]) && parts[0].contentType) || 'application/octet-stream');
    body = joined(parts.map((p) => fromBase64(String((isObject(p) && p.data) || ''))));
  } else if (route.body === '*') {
    body = streams ? [rest, ...messages.slice(1)].map((m) => JSON.stringify(m)).join('\n') + '\n' : JSON.stringify(rest);
  } else {
    if (route.body) {
      const keys = jsonPath(route.body, request, types);
      body = JSON.stringify(take(rest, keys) ?? {});
    }
    const query = new URLSearchParams();
    flatten(rest, '', query, problems);
    const text = query.toString();
    if (text) path += '?' + text;
  }
  return { verb: route.verb === '*' ? 'POST' : (route.verb ?? 'POST'), path, body, type: body === undefined ? undefined : type, problems };
}

/** httpBody returns where the bytes are that a body is as they are, "*" for the whole message; undefined where it is JSON. */
function httpBody(body: string, request: string, types: Types): string[] | '*' | undefined {
  if (body === '*') return request === 'google.api.HttpBody' ? '*' : undefined;
  const keys = jsonPath(body, request, types);
  const f = types.messages.get(request)?.fields?.find((x) => x.jsonName === keys[0]);
  return keys.length === 1 && f?.typeName === 'google.api.HttpBody' ? keys : undefined;
}

function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function take(from: Obj, keys: string[]): Json | undefined {
  let at: Json | undefined = from;
  for (const k of keys.slice(0, -1)) {
    if (!isObject(at)) return undefined;
    at = at[k];
  }
  if (!isObject(at)) return undefined;
  const last = keys[keys.length - 1];
  const v = at[last];
  delete at[last];
  return v;
}

function flatten(v: Json, name: string, query: URLSearchParams, problems: string[]): void {
  if (isObject(v)) {
    for (const [k, item] of Object.entries(v)) flatten(item, name ? name + '.' + k : k, query, problems);
  } else if (Array.isArray(v)) {
    for (const item of v) {
      if (isObject(item) || Array.isArray(item)) problems.push(`${name} is a list of messages, which a query cannot have`);
      else query.append(name, String(item));
    }
  } else if (v !== null) query.append(name, String(v));
}

/** shown is a body as one reads it. */
export function shown(r: RestRequest): string {
  if (r.body === undefined) return '';
  return typeof r.body === 'string' ? r.body : `(${bytes(r.body.length)} of ${r.type})`;
}
