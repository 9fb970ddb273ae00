
// The environments: for each the token, the header fields and the host that calls carry.

import { useState } from 'preact/hooks';

import { Icon } from '../ui/icons';
import { choose, environment, environments, remove, save, type Environment } from './store';

export function HeaderRows({ value, onChange }: { value: [string, string][]; onChange: (v: [string, string][]) => void }) {
  const set = (i: number, k: string, v: string) => onChange(value.map((row, n) => (n === i ? [k, v] : row)));
  return (
    <div class="col narrow">
      {value.map(([k, v], i) => (
        <div key={i} class="row">
          <input class="field mono name" aria-label={`Name of field ${i + 1}`} placeholder="name" value={k} spellcheck={false} onInput={(e) => set(i, e.currentTarget.value, v)} />
          <input class="field mono grow" aria-label={`Value of field ${i + 1}`} placeholder="value" value={v} spellcheck={false} onInput={(e) => set(i, k, e.currentTarget.value)} />
          <button type="button" class="btn quiet icon small" aria-label={`Remove field ${i + 1}`} onClick={() => onChange(value.filter((_, n) => n !== i))}>
            <Icon name="close" size={12} />
          </button>
        </div>
      ))}
      <div>
        <button type="button" class="btn small" onClick={() => onChange([...value, ['', '']])}>
          <Icon name="plus" size={12} />
          Add field
        </button>
      </div>
    </div>
  );
}

export function Environments() {
  const [name, setName] = useState('');
  const e = environment.value;
  const change = (part: Partial<Environment>) => save({ ...e, ...part });
  return (
    <div class="col">
      <div class="row wrap">
        <select class="field" aria-label="Environment" value={e.name} onChange={(ev) => choose(ev.currentTarget.value)}>
          {environments.value.map((o) => (
            <option key={o.name}>{o.name}</option>
          ))}
        </select>
        <form
          class="row"
          onSubmit={(ev) => {
            ev.preventDefault();
            if (!name.trim()) return;
            save({ ...e, name: name.trim() });
            choose(name.trim());
            setName('');
          }}
        >
          <input class="field" aria-label="Name of a new environment" placeholder="new, such as staging" value={name} onInput={(ev) => setName(ev.currentTarget.value)} />
          <button class="btn" type="submit" disabled={!name.trim()}>
            Add
          </button>
        </form>
        {environments.value.length > 1 && (
          <button type="button" class="btn quiet danger" onClick={() => remove(e.name)}>
            Remove {e.name}
          </button>
        )}
      </div>
      <label class="stack">
        <span>Bearer token</span>
        <input class="field mono" type="password" autocomplete="off" value={e.token} onInput={(ev) => change({ token: ev.currentTarget.value })} />
      </label>
      <label class="stack">
        <span>Host, where the API is told apart by hosts</span>
        <input class="field mono" placeholder="api.example.com" value={e.authority} spellcheck={false} onInput={(ev) => change({ authority: ev.currentTarget.value.trim() })} />
      </label>
      <div class="stack">
        <span>Header fields of every call</span>
        <HeaderRows value={e.headers} onChange={(headers) => change({ headers })} />
      </div>
      <p class="dim">Kept in this browser, tokens too, and sent to the gateway alone.</p>
    </div>
  );
}
