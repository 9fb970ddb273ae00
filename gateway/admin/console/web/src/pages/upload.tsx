// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// A file for a source of the kind upload: what it would change, and that it comes into force.

import { useState } from 'preact/hooks';

import { putFile } from '../api/client';
import type { Reload, UploadSchemaResponse } from '../api/types';
import { many } from '../format';
import { Code } from '../ui/code';
import { Notice, Sure } from '../ui/parts';
import { Problem } from '../ui/problem';
import { ChangeTable } from './changes';

interface Told {
  busy?: boolean;
  error?: string;
  reload?: Reload;
}

/** Upload asks first what a file would change, and puts it in force when told to. */
export function Upload({ source }: { source: string }) {
  const [file, setFile] = useState<File | undefined>();
  const [told, setTold] = useState<Told>({});
  const send = async (f: File | undefined, params: { dryRun?: boolean; allowBreaking?: boolean }) => {
    setFile(f);
    if (!f) return setTold({});
    setTold({ busy: true });
    try {
      const answer = await putFile<UploadSchemaResponse>('/api/v1/schemas/sources/' + encodeURIComponent(source), f, params);
      setTold({ reload: answer.reload });
    } catch (e) {
      setTold({ error: (e as Error).message });
    }
  };
  const r = told.reload;
  const breaking = r?.schemaChanges?.some((c) => c.breaking);
  const refused = r?.result === 'RELOAD_RESULT_REFUSED';
  return (
    <div class="col" role="group" aria-label={'Upload for ' + source}>
      <label class="row wrap">
        <span>Upload</span>
        <input class="file" type="file" disabled={told.busy} accept=".binpb,.pb,.desc,.protoset,.json,.gz" onChange={(e) => void send(e.currentTarget.files?.[0], { dryRun: true })} />
        <span class="dim">a descriptor set with all imports, in place of all that the source has</span>
      </label>
      {told.error && <Notice tone="err">{told.error}</Notice>}
      {r && file && <Answer name={file.name} reload={r} />}
      {r?.dryRun && !refused && !breaking && r.result !== 'RELOAD_RESULT_UNCHANGED' && (
        <div>
          <button type="button" class="btn" onClick={() => void send(file, {})}>
            Put it in force
          </button>
        </div>
      )}
      {breaking && (r?.dryRun || refused) && (
        <div>
          <Sure label={refused ? 'Put it in force all the same' : 'Put it in force'} ask="Sure: clients may break" onSure={() => void send(file, { allowBreaking: refused })} />
        </div>
      )}
    </div>
  );
}

/** Answer is what the gateway says of a file: what comes, what goes, what breaks clients, and each reason where it is refused. */
function Answer({ name, reload: r }: { name: string; reload: Reload }) {
  const changes = r.schemaChanges ?? [];
  const breaking = changes.filter((c) => c.breaking).length;
  const routes = [...(r.routesAdded ?? []).map((t) => '+ ' + t), ...(r.routesRemoved ?? []).map((t) => '− ' + t), ...(r.routesChanged ?? []).map((t) => '~ ' + t)];
  const counts = `${many(changes.length, 'change')}, ${breaking} of which break clients; ${many(r.routesAdded?.length, 'route')} more, ${many(r.routesRemoved?.length, 'route')} less`;
  return (
    <div class="col" role="status">
      {r.result === 'RELOAD_RESULT_REFUSED' ? (
        <Notice tone="err">
          {name} {r.dryRun ? 'would be refused' : 'is refused'}, and what was in force stays. {counts}
        </Notice>
      ) : r.result === 'RELOAD_RESULT_UNCHANGED' ? (
        <Notice tone="ok">{name} has nothing new</Notice>
      ) : (
        <Notice tone={r.dryRun ? (breaking ? 'warn' : '') : 'ok'}>
          {name} {r.dryRun ? 'would be put in force' : 'is in force'}: {counts}
        </Notice>
      )}
      {[...(r.problems ?? []), ...(r.warnings ?? [])].map((p, i) => (
        <Problem key={i} problem={p} />
      ))}
      {routes.length > 0 && <Code text={routes.join('\n')} label="Routes that change" />}
      <ChangeTable all={changes} />
    </div>
  );
}
