// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Lines over time (uPlot), and small ones without axes.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { colour, dark } from '../theme';

export interface Series {
  name: string;
  /** token of the colour, such as "data-1". */
  token: string;
  /** fill paints the area below the line. */
  fill?: boolean;
  dash?: boolean;
}

/** Chart draws series over a time axis, x in seconds. stacked puts them on top of each other; log has a step up be ten times as much. */
export function Chart(p: { x: number[]; ys: (number | null)[][]; series: Series[]; height?: number; format: (v: number) => string; stacked?: boolean; log?: boolean; label: string; seconds?: number }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const height = p.height ?? 168;
  const isDark = dark.value;
  const shape = p.series.map((s) => s.name + s.token).join();
  const latest = useRef(p);
  latest.current = p;

  useEffect(() => {
    const el = box.current!;
    const grid = { stroke: colour('line'), width: 1 };
    const axis = { stroke: colour('ink-3'), font: '11px system-ui, sans-serif', ticks: { show: false }, grid };
    const u = new uPlot(
      {
        width: el.clientWidth || 300,
        height,
        padding: [8, 4, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: {
          x: { time: true, range: () => range(latest.current.x, latest.current.seconds ?? 900) },
          y: p.log ? { distr: 3, range: (_u, min, max) => decades(min, max) } : { range: (_u, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
        },
        axes: [
          { ...axis, grid: { show: false }, size: 24, space: 90, values: (_u, splits) => splits.map((s) => (Number.isInteger(s) ? hour(s) : '')) },
          { ...axis, size: 52, space: 34, incrs: whole, splits: p.log ? (_u, _i, min, max) => powers(min, max) : undefined, filter: p.log ? (_u, splits) => splits : undefined, values: (_u, splits) => splits.map((v) => latest.current.format(v)) },
        ],
        series: [
          {},
          ...p.series.map((s, i) => ({
            label: s.name,
            stroke: colour(s.token),
            width: 1.5,
            dash: s.dash ? [4, 4] : undefined,
            fill: p.stacked ? colour(s.token, 0.7) : s.fill ? colour(s.token, 0.15) : undefined,
            points: { show: false, size: 4, fill: colour(s.token), filter: (u: uPlot, at: number) => lone(u.data[at]) },
            value: (_u: uPlot, v: number | null) => (v === null ? '–' : latest.current.format(v)),
            spanGaps: i < 0,
          })),
        ],
        hooks: { setCursor: [(u) => point(u, latest.current)] },
      },
      data(p),
      el,
    );
    plot.current = u;
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    u.over.appendChild(tip);
    const resize = new ResizeObserver(() => u.setSize({ width: el.clientWidth, height }));
    resize.observe(el);
    return () => {
      resize.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [isDark, shape, height, p.stacked, p.log]);

  useEffect(() => {
    plot.current?.setData(data(p));
  });

  return <div class="chart" ref={box} role="img" aria-label={p.label} style={{ height: height + 'px' }} />;
}

/** least is how many seconds a chart shows at least, however short there is something to show. */
const least = 120;

function range(x: number[], seconds: number): [number, number] {
  const end = x.length ? x[x.length - 1] : Math.floor(Date.now() / 1000);
  const known = x.length ? end - x[0] + 1 : 0;
  return [end - Math.min(seconds, Math.max(least, known)) + 1, end];
}

/** whole are the steps of an axis on which things are counted. */
const whole = Array.from({ length: 13 }, (_, e) => [1, 2, 5].map((n) => n * 10 ** e)).flat();

/** decades are the powers of ten around what there is to show. */
function decades(min: number | null, max: number | null): [number, number] {
  const top = max && max > 0 ? max : 10;
  const low = min && min > 0 ? Math.min(min, top / 10) : top / 100;
  return [10 ** Math.floor(Math.log10(low) + 0.05), 10 ** Math.ceil(Math.log10(top) - 0.05)];
}

function powers(min: number, max: number): number[] {
  const out: number[] = [];
  for (let e = Math.ceil(Math.log10(min) - 1e-9); e <= Math.log10(max) + 1e-9; e++) out.push(10 ** e);
  return out;
}

function data(p: { x: number[]; ys: (number | null)[][]; stacked?: boolean }): uPlot.AlignedData {
  if (!p.stacked) return [p.x, ...p.ys] as uPlot.AlignedData;
  // The first series lies on top, so that what is drawn later covers it from below.
  const sums: number[][] = [];
  const acc = p.x.map(() => 0);
  for (const y of [...p.ys].reverse()) {
    y.forEach((v, i) => (acc[i] += v ?? 0));
    sums.unshift([...acc]);
  }
  return [p.x, ...sums] as uPlot.AlignedData;
}

/** lone are the values beside which there are none: a line would not show them. */
function lone(ys: ArrayLike<number | null | undefined>): number[] | null {
  const out: number[] = [];
  for (let i = 0; i < ys.length; i++) if (ys[i] != null && ys[i - 1] == null && ys[i + 1] == null) out.push(i);
  return out.length ? out : null;
}

/** point writes the values where the pointer is. */
function point(u: uPlot, p: { ys: (number | null)[][]; series: Series[]; format: (v: number) => string }): void {
  const tip = u.over.querySelector<HTMLElement>('.tip');
  if (!tip) return;
  const i = u.cursor.idx;
  if (i === null || i === undefined || (u.cursor.left ?? -1) < 0) {
    tip.hidden = true;
    return;
  }
  tip.hidden = false;
  tip.textContent = hour(u.data[0][i], true) + '  ' + p.series.map((s, k) => `${s.name} ${p.ys[k]?.[i] == null ? '–' : p.format(p.ys[k][i]!)}`).join('  ');
  const left = Math.min(u.cursor.left! + 10, u.over.clientWidth - tip.offsetWidth - 2);
  tip.style.left = Math.max(0, left) + 'px';
}

function hour(s: number, full = false): string {
  const d = new Date(s * 1000);
  const t = String(d.getHours()).padStart(2, '0') + ':' + String(d.getMinutes()).padStart(2, '0');
  return full || d.getSeconds() ? t + ':' + String(d.getSeconds()).padStart(2, '0') : t;
}

/** Legend names the lines of a chart, with the latest value of each. */
export function Legend({ series, values }: { series: Series[]; values?: string[] }) {
  return (
    <div class="legend">
      {series.map((s, i) => (
        <span key={s.name}>
          <i style={{ background: `var(--${s.token})` }} />
          {s.name}
          {values?.[i] !== undefined && <b>{values[i]}</b>}
        </span>
      ))}
    </div>
  );
}

/** Spark is a small line without axes; bad, where it is given, is drawn over it. spans is how many values there are room for: what is missing was before the first. */
export function Spark({ values: known, bad: knownBad, spans = 0, width = 120, height = 24, label }: { values: number[]; bad?: number[]; spans?: number; width?: number; height?: number; label: string }) {
  const before = Array<number>(Math.max(0, spans - known.length)).fill(0);
  const values = [...before, ...known];
  const bad = knownBad && [...before, ...knownBad];
  const top = Math.max(1e-9, ...values);
  const line = (vs: number[]) => vs.map((v, i) => `${((i / Math.max(1, vs.length - 1)) * (width - 2) + 1).toFixed(1)},${(height - 2 - (v / top) * (height - 4)).toFixed(1)}`).join(' ');
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <line x1="1" x2={width - 1} y1={height - 1.5} y2={height - 1.5} stroke="var(--line)" />
      {values.length > 1 && (
        <>
          <polygon points={`1,${height - 2} ${line(values)} ${width - 1},${height - 2}`} fill="var(--data-1)" opacity="0.14" />
          <polyline points={line(values)} fill="none" stroke="var(--data-1)" stroke-width="1.25" stroke-linejoin="round" />
          {bad?.some((v) => v > 0) && <polyline points={line(bad)} fill="none" stroke="var(--err)" stroke-width="1.25" stroke-linejoin="round" />}
        </>
      )}
    </svg>
  );
}
