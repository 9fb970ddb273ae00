// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Talks to the admin API, in JSON, on the listener that the page came from.

import { signal } from '@preact/signals';

/** tokenField carries the token of the admin API. Authorization belongs to the API that is tried. */
export const tokenField = 'x-dragoman-admin-token';

const kept = 'dragoman.token';

/** token is that of the admin API; it is kept for as long as the tab is open. */
export const token = signal(sessionStorage.getItem(kept) ?? '');

/** locked says that the admin API wants a token, or another one. */
export const locked = signal(false);

export function unlock(t: string): void {
  token.value = t;
  sessionStorage.setItem(kept, t);
  locked.value = false;
}

/** ApiError is an answer that is no good one: a google.rpc.Status, or what was there instead. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }

  /** missing says that the gateway does not have what was asked for. */
  get missing(): boolean {
    return this.code === 12 || (this.status === 404 && this.code !== 5);
  }
}

export function headers(): Record<string, string> {
  return token.value ? { [tokenField]: token.value } : {};
}

type Params = Record<string, string | number | boolean | undefined | string[]>;

function withParams(path: string, params: Params): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (Array.isArray(v)) v.forEach((one) => q.append(k, one));
    else if (v !== undefined && v !== '' && v !== false) q.set(k, String(v));
  }
  const text = q.toString();
  return text ? path + '?' + text : path;
}

export function get<T>(path: string, params: Params = {}): Promise<T> {
  return send<T>('GET', withParams(path, params));
}

export function post<T>(path: string, body: object): Promise<T> {
  return send<T>('POST', path, body);
}

export function put<T>(path: string, body: object): Promise<T> {
  return send<T>('PUT', path, body);
}

export function del<T>(path: string, params: Params = {}): Promise<T> {
  return send<T>('DELETE', withParams(path, params));
}

/** putFile sends a file as it is. */
export function putFile<T>(path: string, file: Blob, params: Params = {}): Promise<T> {
  return send<T>('PUT', withParams(path, params), file);
}

async function send<T>(method: string, path: string, body?: object): Promise<T> {
  const file = body instanceof Blob;
  const answer = await fetch(path, {
    method,
    headers: { ...headers(), accept: 'application/json', ...(body ? { 'content-type': file ? 'application/octet-stream' : 'application/json' } : {}) },
    body: file ? body : body && JSON.stringify(body),
    cache: 'no-store',
  });
  await check(answer);
  return (await answer.json()) as T;
}

/** check throws what an answer that is no good one says. */
export async function check(answer: Response): Promise<void> {
  if (answer.ok) return;
  if (answer.status === 401) locked.value = true;
  const text = await answer.text();
  let message = text.trim() || `the gateway answered ${answer.status}`;
  let code = 2;
  try {
    const status = JSON.parse(text) as { code?: number; message?: string; status?: string };
    message = status.message ?? status.status ?? message;
    code = status.code ?? code;
  } catch {
    // no status
  }
  throw new ApiError(answer.status, code, message);
}

/** download fetches a file and gives it to the browser's downloads. */
export async function download(path: string, name: string): Promise<void> {
  const answer = await fetch(path, { headers: headers() });
  await check(answer);
  const url = URL.createObjectURL(await answer.blob());
  const a = document.createElement('a');
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
