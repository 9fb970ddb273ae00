// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The frame around all pages.

import type { ComponentType } from 'preact';
import { signal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { locked } from './api/client';
import { backends, connect, connection, follow as followTopic, lost, status } from './live';
import { Lock } from './lock';
import { Palette, paletteOpen } from './palette';
import { BackendsPage } from './pages/backends';
import { ConfigPage } from './pages/config';
import { LogsPage } from './pages/logs';
import { Overview } from './pages/overview';
import { PoliciesPage } from './pages/policies';
import { RoutesPage } from './pages/routes';
import { SchemasPage } from './pages/schemas';
import { TLSPage } from './pages/tls';
import { TrafficPage } from './pages/traffic';
import { TryPage } from './pages/try';
import { follow, go, href, page, path } from './router';
import { choose, theme, type Theme } from './theme';
import { Icon, Mark, type IconName } from './ui/icons';
import { Dot, Empty, Tag } from './ui/parts';

interface View {
  name: string;
  title: string;
  icon: IconName;
  key: string;
  group: string;
  show: ComponentType;
}

export const views: View[] = [
  { name: '', title: 'Overview', icon: 'overview', key: 'o', group: 'Watch', show: Overview },
  { name: 'traffic', title: 'Traffic', icon: 'traffic', key: 't', group: 'Watch', show: TrafficPage },
  { name: 'logs', title: 'Logs', icon: 'logs', key: 'l', group: 'Watch', show: LogsPage },
  { name: 'routes', title: 'Routes', icon: 'routes', key: 'r', group: 'API', show: RoutesPage },
  { name: 'schemas', title: 'Services & schemas', icon: 'schemas', key: 's', group: 'API', show: SchemasPage },
  { name: 'try', title: 'Try it', icon: 'try', key: 'y', group: 'API', show: TryPage },
  { name: 'backends', title: 'Backends', icon: 'backends', key: 'b', group: 'Run', show: BackendsPage },
  { name: 'policies', title: 'Policies', icon: 'policies', key: 'p', group: 'Run', show: PoliciesPage },
  { name: 'config', title: 'Config', icon: 'config', key: 'c', group: 'Run', show: ConfigPage },
  { name: 'tls', title: 'TLS', icon: 'tls', key: 'e', group: 'Run', show: TLSPage },
];

const menuOpen = signal(false);

export function App() {
  useEffect(() => {
    connect();
    return keys();
  }, []);
  useSignalEffect(() => {
    followTopic(page.value === 'traffic' ? 'TOPIC_CALLS' : page.value === 'logs' ? 'TOPIC_LOGS' : '');
  });
  useSignalEffect(() => {
    void path.value;
    menuOpen.value = false;
  });
  const view = views.find((v) => v.name === page.value);
  const title = view?.title ?? 'Not found';
  useEffect(() => {
    document.title = title + ' – Dragoman';
  }, [title]);
  const Show = view?.show;
  return (
    <div class="shell" onClick={follow}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Side current={view} />
      {menuOpen.value && <button type="button" class="scrim" aria-label="Close the menu" onClick={() => (menuOpen.value = false)} />}
      <div class="main">
        <header class="top">
          <button type="button" class="btn quiet icon menu" aria-label="Menu" aria-expanded={menuOpen.value} onClick={() => (menuOpen.value = true)}>
            <Icon name="menu" />
          </button>
          <h1>{title}</h1>
          {status.value?.readOnly && <Tag title="Methods that change something are refused: admin.read_only">read-only</Tag>}
          <button type="button" class="find" aria-label="Search" aria-keyshortcuts="/" onClick={() => (paletteOpen.value = true)}>
            <Icon name="search" />
            <span>Search</span>
            <kbd>/</kbd>
          </button>
        </header>
        <main id="content" class="content" tabIndex={-1}>
          {locked.value ? <Lock /> : Show ? <Show key={view.name} /> : <Empty>There is no such page.</Empty>}
        </main>
      </div>
      {paletteOpen.value && <Palette />}
    </div>
  );
}

function Side({ current }: { current?: View }) {
  const groups = [...new Set(views.map((v) => v.group))];
  const bad = (backends.value ?? []).filter((b) => !b.ready).length;
  return (
    <nav class="side" data-open={menuOpen.value} aria-label="Pages">
      <a class="brand" href={href('/')}>
        <Mark />
        Dragoman
      </a>
      <div class="nav">
        {groups.map((g) => (
          <div key={g}>
            <h2>{g}</h2>
            {views
              .filter((v) => v.group === g)
              .map((v) => (
                <a key={v.name} href={href('/' + v.name)} aria-current={v === current ? 'page' : undefined} aria-keyshortcuts={'g ' + v.key}>
                  <Icon name={v.icon} />
                  {v.title}
                  {v.name === 'backends' && bad > 0 && (
                    <span class="count tag err" title={`${bad} without a ready endpoint`}>
                      {bad}
                    </span>
                  )}
                </a>
              ))}
          </div>
        ))}
      </div>
      <footer>
        <span class="live" role="status" title={lost.value}>
          <Dot tone={connection.value === 'live' ? 'ok' : connection.value === 'lost' ? 'err' : 'warn'} />
          {connection.value === 'live' ? 'Live' : connection.value === 'lost' ? 'Not connected' : 'Connecting'}
        </span>
        <span class="clip" title={status.value?.version}>
          {status.value?.version}
        </span>
        <Themes />
      </footer>
    </nav>
  );
}

function Themes() {
  const all: { value: Theme; icon: IconName; text: string }[] = [
    { value: 'light', icon: 'sun', text: 'Light' },
    { value: 'dark', icon: 'moon', text: 'Dark' },
    { value: 'system', icon: 'system', text: 'As the system' },
  ];
  return (
    <div class="themes" role="group" aria-label="Theme">
      {all.map((t) => (
        <button key={t.value} type="button" title={t.text} aria-label={t.text} aria-pressed={theme.value === t.value} onClick={() => choose(t.value)}>
          <Icon name={t.icon} size={14} />
        </button>
      ))}
    </div>
  );
}

/** keys are what the keyboard does everywhere: / searches, g and a letter go to a page. */
function keys(): () => void {
  let g = 0;
  const on = (e: KeyboardEvent) => {
    const at = e.target as HTMLElement;
    if (e.metaKey || e.ctrlKey || e.altKey || paletteOpen.value || at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return;
    if (e.key === '/') {
      paletteOpen.value = true;
      e.preventDefault();
    } else if (e.key === 'g') g = Date.now();
    else if (Date.now() - g < 1200) {
      g = 0;
      const view = views.find((v) => v.key === e.key);
      if (view) go('/' + view.name);
    } else if (e.key === 'Escape') menuOpen.value = false;
  };
  window.addEventListener('keydown', on);
  return () => window.removeEventListener('keydown', on);
}
