// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The certificates that the gateway shows and trusts, those that end first first.

import { useResource } from '../api/resource';
import type { Certificate, ListCertificatesResponse } from '../api/types';
import { day } from '../format';
import { Empty, Notice, Panel, Scroll, Tag, type Tone } from '../ui/parts';

/** Days before the end from which on a certificate is worth a look, and is urgent. */
const soon = 30;
const urgent = 7;

function tone(c: Certificate): Tone {
  const left = c.daysLeft ?? 0;
  return c.error || left < urgent ? 'err' : left < soon ? 'warn' : 'ok';
}

export function TLSPage() {
  const list = useResource<ListCertificatesResponse>('/api/v1/certificates');
  const all = list.data?.certificates ?? [];
  const own = all.filter((c) => !c.authority);
  const authorities = all.filter((c) => c.authority);
  return (
    <>
      {list.error && <Notice tone="err">{list.error.message}</Notice>}
      {list.data && !all.length && (
        <Panel>
          <Empty>
            <p>The gateway serves clear text, and no backend is reached over TLS.</p>
            <p class="mono">listeners: [{'{tls: {cert: …, key: …}}'}]</p>
          </Empty>
        </Panel>
      )}
      {own.length > 0 && <Table title="Shown" note="to clients, and to backends that ask for one" all={own} />}
      {authorities.length > 0 && <Table title="Trusted" note="authorities by which others are checked" all={authorities} />}
    </>
  );
}

function Table({ title, note, all }: { title: string; note: string; all: Certificate[] }) {
  return (
    <Panel title={title} note={note} flush>
      <Scroll label={title}>
        <table>
          <thead>
            <tr>
              <th>For</th>
              <th>Names</th>
              <th class="c2">Issuer</th>
              <th class="c3">Key</th>
              <th class="c2">Holds until</th>
              <th class="num">Left</th>
            </tr>
          </thead>
          <tbody class="tops">
            {all.map((c) => (
              <tr key={(c.usedBy ?? '') + c.fingerprint}>
                <td>
                  <span class="mono">{c.usedBy}</span>
                  <div class="dim break">{c.file}</div>
                </td>
                <td class="break">
                  {c.error ? <span class="t-err">{c.error}</span> : c.names?.length ? c.names.join(', ') : c.subject}
                  {c.fingerprint && (
                    <div class="dim mono clip print" title={`serial ${c.serial}, SHA-256 ${c.fingerprint}`}>
                      {c.fingerprint.slice(0, 16)}
                    </div>
                  )}
                </td>
                <td class="c2 break">{c.issuer}</td>
                <td class="c3 nowrap">{c.keyType}</td>
                <td class="c2 nowrap" title={`from ${day(c.notBefore)}`}>
                  {day(c.notAfter)}
                </td>
                <td class="num">{!c.error && <Tag tone={tone(c)}>{(c.daysLeft ?? 0) < 0 ? 'ended' : `${c.daysLeft ?? 0} days`}</Tag>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}
