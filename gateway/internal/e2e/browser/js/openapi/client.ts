// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// A client of the demo's API whose types are generated from its OpenAPI document. That it compiles is a case of its own.

import createClient from 'openapi-fetch';

import type { components, paths } from './api.ts';

type Book = components['schemas']['bookstore.v1.Book'];

export function clientCases(baseUrl: string): Record<string, () => Promise<string | undefined>> {
  const client = createClient<paths>({ baseUrl });
  return {
    'client: a list with query parameters': async () => {
      const { data, response } = await client.GET('/v1/shelves', { params: { query: { pageSize: 2 } } });
      const shelves = data?.shelves ?? [];
      if (shelves.length !== 2 || !data?.nextPageToken) return `${response.status} ${JSON.stringify(data)}; want two shelves and a token`;
    },
    'client: a variable of several segments': async () => {
      const { data } = await client.GET('/v1/shelves/{shelf}/books/{book}', { params: { path: { shelf: 'classics', book: 'odyssey' } } });
      const sold: string | undefined = data?.copiesSold; // 64 bits are strings
      if (data?.name !== 'shelves/classics/books/odyssey' || typeof sold !== 'string') return JSON.stringify(data);
    },
    'client: an error': async () => {
      const { error, response } = await client.GET('/v1/shelves/{shelf}', { params: { path: { shelf: 'nowhere' } } });
      if (response.status !== 404 || error?.code !== 5 || !error.message) return `${response.status} ${JSON.stringify(error)}`;
    },
    'client: created, changed and deleted': async () => {
      const created = await client.POST('/v1/shelves/{shelf}/books', {
        params: { path: { shelf: 'computing' }, query: { bookId: 'sketchpad' } },
        body: { title: 'Sketchpad', authors: ['Ivan Sutherland'], genre: 'GENRE_COMPUTING', print: { pages: 91 } } as Book,
      });
      if (created.data?.name !== 'shelves/computing/books/sketchpad') return `created ${JSON.stringify(created)}`;
      const path = { shelf: 'computing', book: 'sketchpad' };
      const changed = await client.PATCH('/v1/shelves/{shelf}/books/{book}', {
        params: { path, query: { updateMask: 'title' } },
        body: { title: 'Sketchpad, a man-machine graphical communication system' },
      });
      if (!changed.data?.title?.startsWith('Sketchpad, ') || changed.data.authors?.[0] !== 'Ivan Sutherland') return `changed ${JSON.stringify(changed)}`;
      const moved = await client.POST('/v1/shelves/{shelf}/books/{book}:move', { params: { path }, body: { destination: 'shelves/classics' } });
      if (moved.data?.name !== 'shelves/classics/books/sketchpad') return `moved ${JSON.stringify(moved)}`;
      const deleted = await client.DELETE('/v1/shelves/{shelf}/books/{book}', { params: { path: { shelf: 'classics', book: 'sketchpad' } } });
      if (!deleted.response.ok) return `deleted ${JSON.stringify(deleted)}`;
    },
    'client: a stream': async () => {
      const { data, response } = await client.GET('/v1/books:watch', { params: { query: { includeCurrent: true } }, parseAs: 'stream' });
      if (!data || response.headers.get('content-type') !== 'application/x-ndjson') return `${response.status} ${response.headers.get('content-type')}`;
      const reader = data.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
      const { value } = await reader.read();
      await reader.cancel();
      const event = JSON.parse((value ?? '').split('\n')[0] ?? '') as components['schemas']['bookstore.v1.WatchBooksResponse'];
      if (event.kind !== 'KIND_CURRENT') return JSON.stringify(event);
    },
  };
}
