import type { ExecutionContext } from 'ava';
import type { GuestSpec } from '../../lib/client/index.js';
import { type AgentLinux, bootLinux } from './agent-linux.js';
import type { RealAgent } from './real-agent.js';

/** Counts ten times in a second in the memory of the guest, and writes each number to its second disk. */
const COUNT =
  'n=0; while :; do n=$((n+1)); echo $n > /run/n; printf %-512s $n | dd of=/dev/vdb bs=512 conv=fsync; sleep 0.1; done > /dev/null 2>&1 &';

const TEST_MS = 600_000;

/** A guest in which a program counts. */
export interface CountingGuest extends AgentLinux {
  /** The number that the guest has come to, in its memory. */
  count: () => Promise<number>;
  /** The numbers on its second disk and in its memory, as close together as can be. */
  countBoth: () => Promise<number[]>;
}

export const bootCounting = async (
  t: ExecutionContext,
  agent: RealAgent,
  spec: GuestSpec = {},
): Promise<CountingGuest> => {
  t.timeout(TEST_MS);
  const guest = await bootLinux(agent, { disks: [{ image: 'tiny' }, { size: 8 }], ...spec });
  await guest.run(COUNT);
  const both = 'blockdev --flushbufs /dev/vdb; head -c 9 /dev/vdb; cat /run/n';
  return {
    ...guest,
    count: async () => Number(await guest.run('cat /run/n')),
    countBoth: async () => (await guest.run(both)).split(/\s+/).map(Number),
  };
};
