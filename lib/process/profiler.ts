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

/** Waits, or throws the signal's reason when it aborts. */
const wait = async (seconds: number, signal: AbortSignal): Promise<void> => {
  await delay(seconds * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
};

const cpuProfile = async (
  { time }: Pprof,
  signal: AbortSignal,
  seconds = DEFAULT_CPU_SECONDS,
): Promise<Profile> => {
  time.start({ durationMillis: seconds * 1000 });
  try {
    await wait(seconds, signal);
  } catch (error) {
    time.stop();
    throw error;
  }
  return time.stop();
};

const heapProfile = async ({ heap }: Pprof, signal: AbortSignal, seconds?: number): Promise<Profile> => {
  const samples = startHeapSampling();
  if (seconds === undefined) return heap.convertProfile(await samples.live());
  const mark = await samples.mark();
  await wait(seconds, signal);
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
 * @param signal ends the profile early; it rejects with the signal's reason
 * @param seconds how long; by default 30 for the CPU, and the heap as it is now
 * @returns a gzipped `profile.proto`, the format of `go tool pprof`
 * @throws {AgentError} `conflict` while another profile is being taken
 */
export const takeProfile = async (
  name: ProfileName,
  signal: AbortSignal,
  seconds?: number,
): Promise<Buffer> => {
  if (isProfiling)
    throw new AgentError('conflict', 'another profile is being taken: try again when it has ended');
  isProfiling = true;
  try {
    const pprof = loadPprof();
    return await pprof.encode(await PROFILERS[name](pprof, signal, seconds));
  } finally {
    isProfiling = false;
  }
};
