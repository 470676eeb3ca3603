import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../errors.js';
import { HeapSampler } from './heap-sampler.js';

type Pprof = typeof import('@datadog/pprof');
type Profile = ReturnType<Pprof['heap']['convertProfile']>;

const DEFAULT_CPU_SECONDS = 30;

let sampler: HeapSampler | undefined;

/** Starts to sample the heap. Call it early: objects allocated before are missing from heap profiles. */
export const startHeapSampling = (): HeapSampler => {
  sampler ??= new HeapSampler();
  return sampler;
};

const cpuProfile = ({ time }: Pprof, seconds = DEFAULT_CPU_SECONDS): Promise<Profile> =>
  time.profile({ durationMillis: seconds * 1000 });

const heapProfile = async ({ heap }: Pprof, seconds?: number): Promise<Profile> => {
  const samples = startHeapSampling();
  if (seconds === undefined) return heap.convertProfile(await samples.live());
  const mark = await samples.mark();
  await delay(seconds * 1000);
  return heap.convertProfile(await samples.live(mark));
};

const PROFILERS = { profile: cpuProfile, heap: heapProfile };

export type ProfileName = keyof typeof PROFILERS;

/** The profiles, with what each one shows. */
export const PROFILES: Readonly<Record<ProfileName, string>> = {
  profile: 'CPU time by function, over ?seconds= (30)',
  heap: 'live objects by allocating function, now; with ?seconds=, only those allocated in that time',
};

export const isProfileName = (name: string): name is ProfileName => Object.hasOwn(PROFILERS, name);

/** Loads the profiler, which takes 9 MB, on first use. */
const loadPprof = (): Pprof => createRequire(import.meta.url)('@datadog/pprof') as Pprof;

let isProfiling = false;

/**
 * Profiles this process.
 * @param seconds how long; by default 30 for the CPU, and the heap as it is now
 * @returns a gzipped `profile.proto`, the format of `go tool pprof`
 * @throws {AgentError} `conflict` while another profile is being taken
 */
export const takeProfile = async (name: ProfileName, seconds?: number): Promise<Buffer> => {
  if (isProfiling)
    throw new AgentError('conflict', 'another profile is being taken: try again when it has ended');
  isProfiling = true;
  try {
    const pprof = loadPprof();
    return await pprof.encode(await PROFILERS[name](pprof, seconds));
  } finally {
    isProfiling = false;
  }
};
