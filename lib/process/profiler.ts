import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../errors.js';

type Pprof = typeof import('@datadog/pprof');

/** Bytes between two samples of the heap, the size that Go samples at. */
const HEAP_SAMPLE_BYTES = 512 * 1024;
const HEAP_STACK_DEPTH = 64;

const takeCpuProfile = ({ time }: Pprof, seconds: number): ReturnType<typeof time.profile> =>
  time.profile({ durationMillis: seconds * 1000 });

/** What was allocated during the time and is still alive at its end. */
const takeHeapProfile = async (
  { heap }: Pprof,
  seconds: number,
): Promise<ReturnType<typeof heap.profile>> => {
  heap.start(HEAP_SAMPLE_BYTES, HEAP_STACK_DEPTH);
  try {
    await delay(seconds * 1000);
    return heap.profile();
  } finally {
    heap.stop();
  }
};

const takers = { profile: takeCpuProfile, heap: takeHeapProfile };

export type ProfileName = keyof typeof takers;

/** The profiles there are, with what each one shows. */
export const PROFILES: Readonly<Record<ProfileName, string>> = {
  profile: 'where the CPU time goes',
  heap: 'what allocates the memory',
};

export const isProfileName = (name: string): name is ProfileName => Object.hasOwn(takers, name);

let taking = false;

/**
 * Profiles this process for some seconds.
 * @returns a gzipped `profile.proto`, as `go tool pprof` reads it
 * @throws {AgentError} `conflict` while another profile is being taken
 */
export const takeProfile = async (name: ProfileName, seconds: number): Promise<Buffer> => {
  if (taking) throw new AgentError('conflict', 'a profile is being taken already: try again when it is done');
  taking = true;
  try {
    // Loaded when first needed: the profiler is not worth its memory before that.
    const pprof = (await import('@datadog/pprof')).default as unknown as Pprof;
    return await pprof.encode(await takers[name](pprof, seconds));
  } finally {
    taking = false;
  }
};
