// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The certificates that the gateway shows and trusts, those that end first first.

import { useResource } from '../api/resource';
import type { AcmeDomain, AcmeEvent, AcmeEventKind, Certificate, ListCertificatesResponse } from '../api/types';
import { now, status } from '../live';
import { ago, clock, count, day } from '../format';
import { Breakable, Empty, Notice, Panel, Scroll, Tag, type Tone } from '../ui/parts';

/** Days before the end from which on a certificate is worth a look, and is urgent. */
const soon = 30;
const urgent = 7;

function tone(c: Certificate): Tone {
  const left = c.daysLeft ?? 0;
  return c.error || left < urgent ? 'err' : left < soon ? 'warn' : 'ok';
}

export function TLSPage() {
  // The status tells when there is another certificate, when the last event of ACME was, and when something is doubtful; then the list is another one.
  const s = status.value;
  const list = useResource<ListCertificatesResponse>('/api/v1/certificates', {}, JSON.stringify([s?.certificatesVersion, s?.listeners, s?.warnings?.map((w) => w.message)]));
  const domains = list.data?.domains ?? [];
  const all = list.data?.certificates ?? [];
  const own = all.filter((c) => !c.authority);
  const authorities = all.filter((c) => c.authority);
  return (
    <>
      {list.error && <Notice tone="err">{list.error.message}</Notice>}
      {list.data && !all.length && !domains.length && (
        <Panel>
          <Empty>
            <p>The gateway serves clear text, and no backend is reached over TLS.</p>
            <p class="mono">listeners: [{'{tls: {cert: …, key: …}}'}]</p>
          </Empty>
        </Panel>
      )}
      {own.length > 0 && <Table title="Shown" note="to clients, and to backends that ask for one" all={own} />}
      {domains.length > 0 && <Domains all={domains} />}
      {domains.length > 0 && <Log all={list.data?.events ?? []} />}
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
                  <div class="dim break">{c.file || (c.source === 'acme' && 'by ACME')}</div>
                </td>
                <td class="break">
                  {c.names?.length ? c.names.join(', ') : c.subject}
                  {c.error && <div class="t-err">{c.error}</div>}
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
                <td class="num">{c.notAfter && <Tag tone={tone(c)}>{(c.daysLeft ?? 0) < 0 ? 'ended' : `${c.daysLeft ?? 0} days`}</Tag>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function Domains({ all }: { all: AcmeDomain[] }) {
  const authorities = [...new Set(all.map((d) => d.authority).filter(Boolean))];
  return (
    <Panel title="By ACME" note={authorities.join(', ')} flush>
      <Scroll label="Domains that have their certificates by ACME">
        <table>
          <thead>
            <tr>
              <th>Domain</th>
              <th class="c2">Listener</th>
              <th>State</th>
              <th class="c2">Holds until</th>
              <th class="num c3">Issued</th>
              <th class="num c3">Failed</th>
            </tr>
          </thead>
          <tbody class="tops">
            {all.map((d) => (
              <tr key={d.listener + ' ' + d.name}>
                <td class="mono">
                  <Breakable text={d.name ?? ''} />
                </td>
                <td class="c2">{d.listener}</td>
                <td>
                  <Tag tone={d.error ? 'err' : d.hasCertificate ? 'ok' : 'warn'}>{d.error ? 'failing' : d.hasCertificate ? 'has one' : 'none yet'}</Tag>
                  {d.error && (
                    <div class="why ink2">
                      {own(d.error, d.name)}
                      {d.failedAt && `, ${ago(d.failedAt, now.value)}`}
                      {d.nextTry && Date.parse(d.nextTry) > now.value && `, tried again at ${clock(d.nextTry)}`}
                    </div>
                  )}
                </td>
                <td class="c2 nowrap">{d.notAfter ? day(d.notAfter) : <span class="dim">–</span>}</td>
                <td class="num c3">{count(d.issued)}</td>
                <td class={'num c3 ' + (Number(d.failed ?? 0) ? 't-err' : 'dim')}>{count(d.failed)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

/** own is a text without the name of the domain, where that stands beside it. */
function own(text: string, name: string | undefined): string {
  return text.startsWith(`[${name}] `) ? text.slice(name!.length + 3) : text;
}

const kinds: Record<AcmeEventKind, { text: string; tone: Tone }> = {
  ACME_EVENT_KIND_UNSPECIFIED: { text: 'unknown', tone: '' },
  ACME_EVENT_KIND_LOADED: { text: 'loaded', tone: '' },
  ACME_EVENT_KIND_ORDERED: { text: 'asked for', tone: 'accent' },
  ACME_EVENT_KIND_ISSUED: { text: 'issued', tone: 'ok' },
  ACME_EVENT_KIND_FAILED: { text: 'failed', tone: 'err' },
  ACME_EVENT_KIND_REVOKED: { text: 'revoked', tone: 'warn' },
};

function Log({ all }: { all: AcmeEvent[] }) {
  return (
    <Panel title="ACME log" note="newest first" flush>
      {!all.length ? (
        <Empty>Nothing has happened since the gateway began.</Empty>
      ) : (
        <Scroll label="ACME log">
          <table>
            <tbody class="tops">
              {all.map((e, i) => {
                const k = kinds[e.kind ?? 'ACME_EVENT_KIND_UNSPECIFIED'];
                return (
                  <tr key={i}>
                    <td class="fit dim mono" title={day(e.time)}>
                      {clock(e.time)}
                    </td>
                    <td class="fit">
                      <Tag tone={k.tone}>{k.text}</Tag>
                    </td>
                    <td>
                      <span class="mono break">{e.name}</span>
                      {e.renewal && <span class="dim"> renewal</span>}
                      {e.text && <div class="ink2 break">{own(e.text, e.name)}</div>}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}
