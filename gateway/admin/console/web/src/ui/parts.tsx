// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The parts that pages are made of.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Icon } from './icons';

export type Tone = 'ok' | 'warn' | 'err' | 'accent' | '';

/** Panel is a part of a page with a title, and what can be done there at its right. */
export function Panel(p: { title?: ComponentChildren; note?: ComponentChildren; actions?: ComponentChildren; flush?: boolean; class?: string; label?: string; children: ComponentChildren }) {
  return (
    <section class={'panel ' + (p.class ?? '')} aria-label={p.label}>
      {(p.title || p.actions) && (
        <header>
          <div class="grow">
            {p.title && <h2>{p.title}</h2>}
            {p.note && <span class="dim clip">{p.note}</span>}
          </div>
          {p.actions}
        </header>
      )}
      <div class={'body' + (p.flush ? ' flush' : '')}>{p.children}</div>
    </section>
  );
}

export function Tag({ tone = '', children, title }: { tone?: Tone; children: ComponentChildren; title?: string }) {
  return (
    <span class={'tag ' + tone} title={title}>
      {children}
    </span>
  );
}

export function Dot({ tone = '' }: { tone?: Tone }) {
  return <span class={'dot ' + tone} aria-hidden="true" />;
}

export function Notice({ tone = '', children, actions }: { tone?: Tone; children: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <div class={'notice ' + tone} role={tone === 'err' ? 'alert' : undefined}>
      <Icon name={tone === 'ok' ? 'check' : tone ? 'warn' : 'info'} />
      <div class="grow break">{children}</div>
      {actions}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** Scroll is a table that may be wider than its place; the keyboard reaches what is outside. */
export function Scroll({ children, label }: { children: ComponentChildren; label: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}

export function Figure({ name, value, unit, tone, title }: { name: string; value: ComponentChildren; unit?: string; tone?: Tone; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd class={tone ? 't-' + tone : ''}>
        {value}
        {unit && <small>{unit}</small>}
      </dd>
    </div>
  );
}

/** Choice is a row of buttons of which one is pressed. */
export function Choice<T extends string>(p: { label: string; value: T; options: readonly { value: T; text: ComponentChildren; off?: string }[]; onChange: (v: T) => void }) {
  return (
    <div class="seg" role="group" aria-label={p.label}>
      {p.options.map((o) => (
        <button key={o.value} type="button" aria-pressed={o.value === p.value} disabled={!!o.off} title={o.off} onClick={() => p.onChange(o.value)}>
          {o.text}
        </button>
      ))}
    </div>
  );
}

/** Tabs are names of parts of which one shows; arrows go from one to the next. */
export function Tabs<T extends string>(p: { label: string; value: T; tabs: readonly { value: T; text: string; n?: number }[]; onChange: (v: T) => void; id?: string }) {
  const keys = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    const i = p.tabs.findIndex((t) => t.value === p.value);
    p.onChange(p.tabs[(i + step + p.tabs.length) % p.tabs.length].value);
    const buttons = (e.currentTarget as Element).querySelectorAll('button');
    buttons[(i + step + p.tabs.length) % p.tabs.length].focus();
    e.preventDefault();
  };
  return (
    <div class="tabs" role="tablist" aria-label={p.label} onKeyDown={keys}>
      {p.tabs.map((t) => (
        <button key={t.value} type="button" role="tab" aria-selected={t.value === p.value} tabIndex={t.value === p.value ? 0 : -1} onClick={() => p.onChange(t.value)}>
          {t.text}
          {t.n !== undefined && <span class="n">{t.n}</span>}
        </button>
      ))}
    </div>
  );
}

/** Copy puts a text on the clipboard. */
export function Copy({ text, label = 'Copy', small = true }: { text: () => string; label?: string; small?: boolean }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1400);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button type="button" class={'btn quiet' + (small ? ' small' : '')} onClick={() => void navigator.clipboard?.writeText(text()).then(() => setDone(true), () => setDone(false))}>
      <Icon name={done ? 'check' : 'copy'} size={14} />
      <span aria-live="polite">{done ? 'Copied' : label}</span>
    </button>
  );
}

export function KV({ rows }: { rows: [ComponentChildren, ComponentChildren][] }) {
  return (
    <dl class="kv">
      {rows.map(([k, v], i) => (
        <>
          <dt key={'k' + i}>{k}</dt>
          <dd key={'v' + i}>{v}</dd>
        </>
      ))}
    </dl>
  );
}

/** Breakable is a name that may be broken behind its dots, slashes and underscores and before a capital, and nowhere else unless it must. */
export function Breakable({ text }: { text: string }) {
  return (
    <>
      {text.split(/(?<=[^/][./_,\]:])(?![.[])|(?<=[a-z0-9])(?=[A-Z])/).map((part, i) => (
        <>
          {i > 0 && <wbr />}
          {part}
        </>
      ))}
    </>
  );
}

/** Verb is a method of HTTP. */
export function Verb({ verb }: { verb: string }) {
  return <span class={'verb ' + verb}>{verb}</span>;
}

/** Path is the path of a route, with its variables set off. */
export function Path({ path }: { path: string }) {
  return <span class="path">{path.split(/(\{[^}]*\})/).map((part, i) => (part.startsWith('{') ? <var key={i}><Breakable text={part} /></var> : <Breakable key={i} text={part} />))}</span>;
}

/** Search is the field that filters what is below it. */
export function Search({ value, onInput, label }: { value: string; onInput: (v: string) => void; label: string }) {
  return <input class="field search" type="search" placeholder={label} aria-label={label} value={value} onInput={(e) => onInput(e.currentTarget.value)} spellcheck={false} />;
}

/** Bar is a share of something. */
export function Bar({ share, tone = '' }: { share: number; tone?: Tone }) {
  const ref = useRef<HTMLElement>(null);
  const width = Math.max(0, Math.min(1, share)) * 100 + '%';
  return (
    <div class="bar" aria-hidden="true">
      <i ref={ref} class={tone} style={{ width }} />
    </div>
  );
}

/** Sure is a button that asks once more before it does what cannot be taken back at once. */
export function Sure({ label, ask, tone = 'danger', small, disabled, onSure, name }: { label: string; ask: string; tone?: 'danger' | 'primary'; small?: boolean; disabled?: boolean; onSure: () => void; name?: string }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!asked) return;
    const timer = setTimeout(() => setAsked(false), 6000);
    return () => clearTimeout(timer);
  }, [asked]);
  const size = small ? ' small' : '';
  if (!asked)
    return (
      <button type="button" class={`btn ${tone === 'danger' ? 'danger' : 'primary'}${size}`} disabled={disabled} aria-label={name} onClick={() => setAsked(true)}>
        {label}
      </button>
    );
  return (
    <span class="row nowrap sure">
      <button
        type="button"
        class={`btn ${tone === 'danger' ? 'destroy' : 'primary'}${size}`}
        onClick={() => {
          setAsked(false);
          onSure();
        }}
      >
        {ask}
      </button>
      <button type="button" class={'btn quiet' + size} onClick={() => setAsked(false)}>
        No
      </button>
    </span>
  );
}
