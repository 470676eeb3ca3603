import type { ClockChange, Trim } from '../../../model/in-guest.js';
import { toMb } from '../../../model/units.js';
import type { GuestAgents, RunCommand } from './agents.js';

/** Trimming a large file system takes minutes, in which the agent does nothing else. */
const TRIM_TIMEOUT_MS = 590_000;
const NS_PER_MS = 1_000_000;
/** How far a clock that was set may be off: the call takes a moment. */
const TOLERANCE_MS = 2000;

/** The response to `guest-fstrim`; `trimmed` is in bytes. */
interface TrimResponse {
  paths: { path: string; trimmed?: number; error?: string }[];
}

/** Lets a guest give back the blocks that its file systems do not use: `guest-fstrim`. */
export const trim = (agents: GuestAgents, id: string, signal: AbortSignal): Promise<Trim> =>
  agents.use(
    id,
    async (run) => {
      const { paths } = await run<TrimResponse>('guest-fstrim', {}, TRIM_TIMEOUT_MS);
      const fileSystems = paths.map(({ path, trimmed, error }) => ({
        mountpoint: path,
        ...(trimmed === undefined ? {} : { trimmed: toMb(trimmed) }),
        ...(error === undefined ? {} : { error }),
      }));
      return { fileSystems };
    },
    signal,
  );

/** Returns how far the guest's clock is behind, in milliseconds: `guest-get-time`, in nanoseconds since 1970. */
const lagOf = async (run: RunCommand): Promise<number> =>
  Math.round(Date.now() - (await run<number>('guest-get-time')) / NS_PER_MS);

/** Sets a guest's clock to that of the host: `guest-set-time`. */
export const setClock = (agents: GuestAgents, id: string, signal: AbortSignal): Promise<ClockChange> =>
  agents.use(
    id,
    async (run) => {
      const before = await lagOf(run);
      try {
        await run('guest-set-time', { time: Date.now() * NS_PER_MS });
      } catch (error) {
        // The agent also fails when it has set the clock but cannot write that to the guest's hardware clock.
        if (Math.abs(await lagOf(run)) > TOLERANCE_MS) throw error;
      }
      return { lag: before / 1000 };
    },
    signal,
  );
