// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The icons, drawn on a grid of 16 with a line of 1.5, and the mark: a disc in two halves that are set off against each other.

const paths = {
  overview: 'M2 9.5h2.5L6.5 4l3 9 2-5.5H14',
  routes: 'M3 4h6.5a2.5 2.5 0 0 1 0 5h-3a2.5 2.5 0 0 0 0 5H13 M11 2l2 2-2 2',
  schemas: 'M5.5 3C4 3 4 4 4 5.5S4 8 2.5 8C4 8 4 9 4 10.5S4 13 5.5 13 M10.5 3C12 3 12 4 12 5.5S12 8 13.5 8C12 8 12 9 12 10.5S12 13 10.5 13',
  backends: 'M2.5 3h11v4h-11z M2.5 9h11v4h-11z M5 5h.01 M5 11h.01',
  try: 'M4.5 3l8 5-8 5z',
  traffic: 'M2 5h10 M9.5 2.5L12 5 9.5 7.5 M14 11H4 M6.5 8.5L4 11l2.5 2.5',
  policies: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4z',
  config: 'M3 4.5h10 M3 11.5h10 M6 3v3 M10 10v3',
  tls: 'M4 7h8v6.5H4z M5.5 7V5a2.5 2.5 0 0 1 5 0v2',
  logs: 'M3 3.5h10 M3 6.5h7 M3 9.5h10 M3 12.5h5',
  search: 'M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8z M10 10l3.5 3.5',
  sun: 'M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z M8 1.5v1.5 M8 13v1.5 M1.5 8H3 M13 8h1.5 M3.4 3.4l1 1 M11.6 11.6l1 1 M12.6 3.4l-1 1 M4.4 11.6l-1 1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
  system: 'M2.5 3h11v8h-11z M6 13.5h4',
  menu: 'M2.5 4.5h11 M2.5 8h11 M2.5 11.5h11',
  close: 'M4 4l8 8 M12 4l-8 8',
  chevron: 'M6 3.5L10.5 8 6 12.5',
  warn: 'M8 2.5l6 11H2z M8 6.5v3.5 M8 12v.01',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  copy: 'M5.5 5.5h8v8h-8z M10.5 5.5v-3h-8v8h3',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6 M13 2.5v2.5h-2.5',
  download: 'M8 2.5v7.5 M5 7l3 3 3-3 M3 13h10',
  pause: 'M5.5 3.5v9 M10.5 3.5v9',
  plus: 'M8 3.5v9 M3.5 8h9',
  minus: 'M3.5 8h9',
  info: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z M8 7.5v3.5 M8 5v.01',
  send: 'M2.5 8L13.5 3l-3 10.5-2.7-4.6z',
  power: 'M8 2.5v5 M4.7 4.7a4.7 4.7 0 1 0 6.6 0',
  record: 'M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z',
  clock: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z M8 4.5V8l2.5 1.5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {paths[name].split(' M').map((d, i) => (
        <path key={i} d={i ? 'M' + d : d} />
      ))}
    </svg>
  );
}

export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" fill="#0b6e7a" />
      <path d="M11 3.75a6.5 6.5 0 0 0 0 13z" fill="#fff" />
      <path d="M13 7.25a6.5 6.5 0 0 1 0 13z" fill="#8fe3e6" />
    </svg>
  );
}
