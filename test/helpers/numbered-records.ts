import type { AgentLinux } from './agent-linux.js';
import { until } from './wait.js';

const FILE = '/data/records';

/** Appends the next number as a line, and syncs it, again and again. */
const WRITER = `n=$(cat ${FILE} 2> /dev/null | wc -l); while true; do n=$((n+1)); echo $n >> ${FILE}; sync; done > /dev/null 2>&1 & echo $!`;

/** Prints the number of lines, or the first line that is not its own number. */
const READER = `awk '$1 != NR { print "gap at", NR, $1; gap = 1; exit } END { if (!gap) print NR }' ${FILE}`;

/** A program in a guest that writes numbered records, each synced before the next. */
export interface NumberedRecords {
  /** The number of records that are on the disk. */
  count: () => Promise<number>;
  /** Waits until it has written some more. */
  progress: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Reads the records of a guest; throws when one is missing. */
export const countRecords = async ({ run }: Pick<AgentLinux, 'run'>): Promise<number> => {
  const words = await run(READER);
  if (!/^\d+$/.test(words)) throw new Error(`the records have a ${words}`);
  return Number(words);
};

export const writeRecords = async (linux: AgentLinux): Promise<NumberedRecords> => {
  const pid = await linux.run(WRITER);
  // The last line may not be synced yet.
  const count = async (): Promise<number> => Math.max(0, (await countRecords(linux)) - 1);
  const progress = async (): Promise<void> => {
    const before = await count();
    await until('it has written more', async () => (await count()) > before + 3, 120_000);
  };
  const stop = async (): Promise<void> => void (await linux.run(`kill ${pid}; sync; echo stopped`));
  await progress();
  return { count, progress, stop };
};
