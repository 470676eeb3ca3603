import type { HostConfig } from 'dockerode';
import { defaultMemory } from '../../../model/container/memory.js';
import type { ContainerChange } from '../../../model/container/spec-patch.js';
import type { Guest } from '../../../model/guest.js';
import { confinement } from '../confinement.js';
import type { EngineKind, EngineProgram } from '../engine.js';
import { refusingMistakes } from '../errors.js';
import type { Guests } from '../guests.js';
import { sizeLimits } from '../limits.js';

const LIVE_KEYS: ReadonlySet<string> = new Set(['memory', 'cpu', 'container']);

/** Whether an engine can change all of it while the container runs. Docker takes no limit away. */
export const isLive = (change: ContainerChange, { updates }: EngineProgram): boolean =>
  updates &&
  Object.keys(change).every((key) => LIVE_KEYS.has(key)) &&
  change.cpu !== null &&
  change.container !== null &&
  Object.entries(change.container ?? {}).every(([key, value]) => key === 'pidsLimit' && value !== null);

const CPU_PERIOD_US = 100_000;

/** Podman reads no `NanoCpus` in an update. */
const cpuLimits = ({ NanoCpus, ...limits }: HostConfig, kind: EngineKind): HostConfig =>
  kind === 'docker' || NanoCpus === undefined
    ? { ...limits, ...(NanoCpus === undefined ? {} : { NanoCpus }) }
    : { ...limits, CpuPeriod: CPU_PERIOD_US, CpuQuota: Math.round((NanoCpus / 1e9) * CPU_PERIOD_US) };

const limit = async (guests: Guests, guest: Guest, { kind }: EngineProgram): Promise<void> => {
  const { container = {} } = guest;
  const memory = guest.memory ?? defaultMemory(guest);
  const { cpu } = guest;
  const size = { ...(memory === undefined ? {} : { memory }), ...(cpu === undefined ? {} : { cpu }) };
  // Docker refuses memory beyond the swap of before. What it gives by itself is as much swap as memory.
  const { swap = memory } = container;
  const limits = sizeLimits(size, { ...(swap === undefined ? {} : { swap }) });
  const { PidsLimit } = confinement(container, guests.policy);
  await refusingMistakes(() =>
    guests.withContainer(guest.id, (engine) => engine.update({ ...cpuLimits(limits, kind), PidsLimit })),
  );
};

/**
 * Changes the memory, CPUs and processes that a container may have, while it runs.
 * @param before the guest as its container is
 */
export const changeLive = async (
  guests: Guests,
  { before, after }: { before: Guest; after: Guest },
  program: EngineProgram,
): Promise<void> => {
  try {
    await limit(guests, after, program);
  } catch (error) {
    // Podman stores a change before it tries it, and would make it at the next start.
    if (program.kind === 'podman') await limit(guests, before, program).catch(() => undefined);
    throw error;
  }
};
