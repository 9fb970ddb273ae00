// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Where something is written, with the lines around it where they can be had.

import { useResource } from '../api/resource';
import type { GetSourceResponse, Position } from '../api/types';
import { Source } from '../ui/code';
import { place } from '../ui/problem';

export function Declared({ element, position, around = 12 }: { element?: string; position?: Position; around?: number }) {
  // Only files have lines; what comes by reflection or from a descriptor set has a name.
  const wanted = !!element && !!position?.line && !!position.file?.endsWith('.proto');
  const source = useResource<GetSourceResponse>(wanted ? '/api/v1/schemas/source' : '', { element, around });
  const s = source.data;
  const at = place(position);
  return (
    <>
      {at && (
        <p class="dim break">
          Declared in <code>{at}</code>
          {s?.newer && ', which was written since it was loaded'}
        </p>
      )}
      {s && <Source text={s.text ?? ''} first={s.firstLine} hit={position?.line || s.line} label={'Source of ' + element} />}
    </>
  );
}
