import { defaultMemory } from '../../../model/container/memory.js';
import type { ContainerChange } from '../../../model/container/spec-patch.js';
import type { Guest } from '../../../model/guest.js';
import { confinement } from '../confinement.js';
import type { EngineKind } from '../engine.js';
import { refusingMistakes } from '../errors.js';
import type { Guests } from '../guests.js';
import { sizeLimits } from '../limits.js';

const LIVE_KEYS: ReadonlySet<string> = new Set(['memory', 'cpu', 'container']);

/**
 * Whether an engine can change all of it while the container runs. Podman cannot: 4.3 forgets the change at the next
 * start, and later versions keep one that failed. Docker takes no limit away.
 */
export const isLive = (change: ContainerChange, kind: EngineKind): boolean =>
  kind === 'docker' &&
  Object.keys(change).every((key) => LIVE_KEYS.has(key)) &&
  change.cpu !== null &&
  change.container !== null &&
  Object.entries(change.container ?? {}).every(([key, value]) => key === 'pidsLimit' && value !== null);

/** Changes the memory, CPUs and processes that a container may have, while it runs. */
export const changeLive = async (guests: Guests, after: Guest): Promise<void> => {
  const { container = {} } = after;
  const memory = after.memory ?? defaultMemory(after);
  const { cpu } = after;
  const size = { ...(memory === undefined ? {} : { memory }), ...(cpu === undefined ? {} : { cpu }) };
  // Docker refuses memory beyond the swap of before. What it gives by itself is as much swap as memory.
  const { swap = memory } = container;
  const limits = sizeLimits(size, { ...(swap === undefined ? {} : { swap }) });
  const { PidsLimit } = confinement(container, guests.policy);
  await refusingMistakes(() =>
    guests.withContainer(after.id, (engine) => engine.update({ ...limits, PidsLimit })),
  );
};
