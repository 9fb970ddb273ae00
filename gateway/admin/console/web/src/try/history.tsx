
// The calls that were made from this browser.

import { now } from '../live';
import { ago, ms } from '../format';
import { codeTone } from '../pages/traffic';
import { Empty, Tag } from '../ui/parts';
import { protocolNames } from './session';
import { forget, made, type Made } from './store';

export function HistoryList({ choose }: { choose: (m: Made) => void }) {
  if (!made.value.length) return <Empty>No call was made from this browser.</Empty>;
  return (
    <>
      <ul class="history">
        {made.value.map((m, i) => (
          <li key={m.at + '.' + i}>
            <button type="button" onClick={() => choose(m)}>
              <span class="row">
                <span class="grow clip">{m.method.split('/')[1]}</span>
                <Tag tone={codeTone(m.code)}>{m.code}</Tag>
              </span>
              <span class="row dim">
                <span class="grow">{protocolNames[m.protocol]}</span>
                <span>{ms(m.took)}</span>
                <span>{ago(m.at, now.value)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <div class="pad">
        <button type="button" class="btn quiet small" onClick={forget}>
          Forget all
        </button>
      </div>
    </>
  );
}
