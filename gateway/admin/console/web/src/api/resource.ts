// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// What pages show of the admin API: fetched when a page opens, and again when the gateway tells that it has changed.

import { useEffect, useState } from 'preact/hooks';

import { generation } from '../live';
import { get } from './client';

export interface Resource<T> {
  data?: T;
  error?: Error;
  refresh: () => void;
}

const last = new Map<string, unknown>(); // by path: what a page shows until the answer is there

const most = 64;

/** useResource fetches a path, unless it is empty. What depends on the schemas or the configuration is fetched again after each reload. */
export function useResource<T>(path: string, params: Record<string, string | number | boolean | undefined | string[]> = {}, beat: unknown = 0): Resource<T> {
  const key = path + JSON.stringify(params);
  const [state, set] = useState<{ key: string; data?: T; error?: Error }>({ key, data: last.get(key) as T | undefined });
  const [again, setAgain] = useState(0);
  const reloads = generation.value;
  useEffect(() => {
    if (!path) return;
    let gone = false;
    get<T>(path, params).then(
      (data) => {
        last.delete(key);
        last.set(key, data);
        if (last.size > most) last.delete(last.keys().next().value!);
        if (!gone) set({ key, data });
      },
      (error: Error) => {
        if (!gone) set((s) => ({ key, data: s.key === key ? s.data : undefined, error }));
      },
    );
    return () => {
      gone = true;
    };
  }, [key, again, reloads, beat]);
  const known = state.key === key ? state : { key, data: last.get(key) as T | undefined, error: undefined };
  return { data: known.data, error: known.error, refresh: () => setAgain((n) => n + 1) };
}
