// Run as a program of its own: `node writer.js FILE`. Says `ID COUNT` of each change that is stored, until it is killed.
import { Collection } from '../../../lib/store/nedb/collection.js';

const IDS = 20;
/** Few, so that the file is written anew all the time. */
const COMPACT_AFTER = 20;

const counters = await Collection.open<number>(String(process.argv[2]), COMPACT_AFTER);

const count = async (id: string): Promise<never> => {
  for (;;) {
    const next = (counters.get(id) ?? 0) + 1;
    await counters.put(id, next);
    process.stdout.write(`${id} ${next}\n`);
  }
};

await Promise.all(Array.from({ length: IDS }, (_, index) => count(`counter-${index}`)));
