// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// How durations are spread over time: a column for each span, a row for each range, the slowest at the top; the darker, the more calls.

import { useState } from 'preact/hooks';

import type { Heat } from '../api/types';
import { clock, count, ms, seconds } from '../format';

const steps = 4;

/** HeatStrip draws it. What is under the pointer, or chosen by the arrows, is told in words below. */
export function HeatStrip({ heat, label }: { heat: Heat; label: string }) {
  const [at, setAt] = useState<[number, number] | undefined>();
  const bounds = heat.bounds ?? [];
  const columns = heat.columns ?? [];
  const rows = bounds.length + 1;
  const counts = columns.map((c) => (c.counts?.length ? c.counts : Array<number>(rows).fill(0)));
  const most = Math.max(1, ...counts.flat());
  const total = counts.flat().reduce((a, b) => a + b, 0);
  // Rows above the slowest call, and below the fastest, say nothing.
  const used = counts.reduce((all, c) => c.map((n, i) => all[i] || n > 0), Array<boolean>(rows).fill(false));
  const low = Math.max(0, Math.min(used.indexOf(true), rows - 4));
  const high = Math.min(rows - 1, Math.max(used.lastIndexOf(true), low + 3));
  const shown = Array.from({ length: high - low + 1 }, (_, i) => high - i);
  const span = seconds(heat.span);
  const begin = (x: number) => Date.parse(heat.current ?? '') - (columns.length - 1 - x) * span * 1000;
  const tone = (n: number) => (n === 0 ? 0 : Math.min(steps, 1 + Math.floor(((steps - 0.001) * Math.log1p(n)) / Math.log1p(most))));
  const range = (row: number) => (row === 0 ? `up to ${ms(bounds[0] * 1000)}` : row === bounds.length ? `over ${ms(bounds[row - 1] * 1000)}` : `${ms(bounds[row - 1] * 1000)} to ${ms(bounds[row] * 1000)}`);
  const move = (e: KeyboardEvent) => {
    const by: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const d = by[e.key];
    if (!d) return;
    e.preventDefault();
    const [x, y] = at ?? [columns.length - 1, low];
    setAt([Math.min(columns.length - 1, Math.max(0, x + (at ? d[0] : 0))), Math.min(high, Math.max(low, y + (at ? d[1] : 0)))]);
  };
  return (
    <figure class="heatstrip">
      <div class="heatscale" aria-hidden="true">
        {shown.map((row) => (
          <span key={row}>{row === bounds.length ? '' : ms(bounds[row] * 1000)}</span>
        ))}
      </div>
      <svg viewBox={`0 0 ${columns.length * 10} ${shown.length * 10}`} preserveAspectRatio="none" style={{ height: shown.length * 14 + 'px' }} role="img" tabIndex={0} aria-label={`${label}: ${total} calls`} onKeyDown={move} onMouseLeave={() => setAt(undefined)} onBlur={() => setAt(undefined)}>
        {counts.map((c, x) =>
          shown.map((row, y) => (
            <rect key={`${x}.${row}`} x={x * 10 + 0.5} y={y * 10 + 0.5} width="9" height="9" fill={`var(--heat-${tone(c[row] ?? 0)})`} stroke={at && at[0] === x && at[1] === row ? 'var(--ink)' : 'none'} vector-effect="non-scaling-stroke" onMouseEnter={() => setAt([x, row])} />
          )),
        )}
      </svg>
      <figcaption class="dim" aria-live="polite">
        {at ? (
          <>
            {clock(begin(at[0]))}, {range(at[1])}: <b>{count(counts[at[0]][at[1]])}</b>
          </>
        ) : (
          <>
            <span>{clock(begin(0)).slice(0, 5)}</span>
            <span>{span} s a column</span>
            <span>now</span>
          </>
        )}
      </figcaption>
    </figure>
  );
}
