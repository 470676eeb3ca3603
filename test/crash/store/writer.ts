// Run as a program: `node writer.js FILE`. Prints `ID COUNT` after each stored change, until it is killed.
import { Collection } from '../../../lib/store/nedb/collection.js';

const IDS = 20;
/** Few changes, so that checkpoints run all the time. */
const CHECKPOINT_AFTER = 20;

const counters = await Collection.open<number>(String(process.argv[2]), CHECKPOINT_AFTER);

const count = async (id: string): Promise<never> => {
  for (;;) {
    const next = (counters.get(id) ?? 0) + 1;
    await counters.put(id, next);
    process.stdout.write(`${id} ${next}\n`);
  }
};

await Promise.all(Array.from({ length: IDS }, (_, index) => count(`counter-${index}`)));
