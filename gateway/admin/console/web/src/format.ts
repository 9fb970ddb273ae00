// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// How figures, times and names are written.

/** count writes a number of things, shortened from ten thousand on. */
export function count(n: number | string | undefined): string {
  const v = Number(n ?? 0);
  if (v < 10_000) return v.toLocaleString('en-US');
  if (v < 1e6) return trim(v / 1e3) + 'k';
  if (v < 1e9) return trim(v / 1e6) + 'M';
  return trim(v / 1e9) + 'G';
}

/** many writes a number of things with their name. */
export function many(n: number | string | undefined, thing: string): string {
  return Number(n ?? 0) === 1 ? `one ${thing}` : `${count(n)} ${thing}s`;
}

/** rate writes so many per second. */
export function rate(n: number): string {
  if (n === 0) return '0';
  return n < 10 ? n.toFixed(1) : count(Math.round(n));
}

/** ms writes a duration that is given in milliseconds. */
export function ms(v: number | undefined): string {
  if (v === undefined || Number.isNaN(v)) return '–';
  if (v === 0) return '0 ms';
  if (v < 0.995) return Math.max(1, Math.round(v * 1000)) + ' µs';
  if (v < 10) return v.toFixed(1) + ' ms';
  if (v < 1000) return Math.round(v) + ' ms';
  if (v < 60_000) return trim(v / 1000) + ' s';
  return span(v / 1000);
}

/** percent writes a share of one. */
export function percent(v: number, of = 1): string {
  if (!of) return '–';
  const p = (100 * v) / of;
  if (p === 0) return '0 %';
  if (p < 0.1) return '<0.1 %';
  return (p < 10 && p !== Math.round(p) ? p.toFixed(1) : Math.round(p).toString()) + ' %';
}

/** bytes writes a size. */
export function bytes(n: number | string | undefined): string {
  const v = Number(n ?? 0);
  if (v < 1024) return v + ' B';
  if (v < 1 << 20) return trim(v / 1024) + ' KiB';
  if (v < 1 << 30) return trim(v / (1 << 20)) + ' MiB';
  return trim(v / (1 << 30)) + ' GiB';
}

/** span writes a long duration, in seconds, by its two largest units. */
export function span(s: number): string {
  if (s < 0) s = 0;
  if (s < 60) return Math.floor(s) + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min ' + Math.floor(s % 60) + ' s';
  if (s < 86_400) return Math.floor(s / 3600) + ' h ' + Math.floor((s % 3600) / 60) + ' min';
  return Math.floor(s / 86_400) + ' d ' + Math.floor((s % 86_400) / 3600) + ' h';
}

/** ago writes how long something is past, now the time of comparison. */
export function ago(at: string | number | undefined, now = Date.now()): string {
  if (!at) return '–';
  const t = typeof at === 'number' ? at : Date.parse(at);
  const s = (now - t) / 1000;
  if (s < 2) return 'now';
  if (s < 60) return Math.floor(s) + ' s ago';
  if (s < 3600) return Math.floor(s / 60) + ' min ago';
  if (s < 86_400) return Math.floor(s / 3600) + ' h ago';
  return Math.floor(s / 86_400) + ' d ago';
}

/** clock writes the time of the day. */
export function clock(at: string | number | undefined, millis = false): string {
  if (!at) return '–';
  const d = new Date(at);
  const p = (n: number, w = 2) => String(n).padStart(w, '0');
  return `${p(d.getHours())}:${p(d.getMinutes())}:${p(d.getSeconds())}` + (millis ? '.' + p(d.getMilliseconds(), 3) : '');
}

/** day writes a date, with the time of the day. */
export function day(at: string | undefined): string {
  if (!at) return '–';
  const d = new Date(at);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')} ${clock(at)}`;
}

/** short is the last part of a full name. */
export function short(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** reflow joins the lines of a comment that its writer broke for the width of a file; lists and paragraphs stay. */
export function reflow(comment: string | undefined): string {
  return (comment ?? '').replace(/(\S)[ \t]*\n(?![\s*\-\d|`]|$)/g, '$1 ');
}

/** cause takes from an error of a connection what libraries put around it. */
export function cause(error: string | undefined): string {
  const m = /^connection error: desc = "(?:transport: )?(?:(?:Error )?while dialing: )?(?:dial \w+ \S+: )?(.*?)"?$/s.exec(error ?? '');
  return m ? m[1] : (error ?? '');
}

/** seconds of a duration as protobuf's JSON writes it. */
export function seconds(d: string | undefined): number {
  return d ? parseFloat(d) : 0;
}

/** base64 writes bytes as JSON has them. */
export function base64(data: Uint8Array): string {
  let text = '';
  for (let i = 0; i < data.length; i += 0x8000) text += String.fromCharCode(...data.subarray(i, i + 0x8000));
  return btoa(text);
}

/** fromBase64 reads them; what is no base64 is nothing. */
export function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function trim(v: number): string {
  return v < 10 ? v.toFixed(1).replace(/\.0$/, '') : Math.round(v).toString();
}
