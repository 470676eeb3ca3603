import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { Collection } from '../../lib/store/nedb/collection.js';
import { numberFrom } from '../helpers/property.js';
import { tempDir } from '../helpers/temp.js';

// Guarantees: G13.

/** How often the writer is killed; raise it for a longer run. */
const ROUNDS = numberFrom('MISTIFY_CRASH_ROUNDS') ?? 5;
const WRITER = join(packageRoot, 'dist/test/crash/store/writer.js');

/** Runs the writer for a while, then kills it. @returns the last count that it acknowledged for each counter */
const writeUntilKilled = async (filename: string): Promise<Map<string, number>> => {
  const writer = execa(process.execPath, [WRITER, filename], { reject: false });
  await once(writer.stdout, 'data');
  await delay(randomInt(500));
  writer.kill('SIGKILL');
  const { stdout } = await writer;
  const whole = stdout.slice(0, stdout.lastIndexOf('\n')).split('\n');
  return new Map(whole.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
};

test(`loses no acknowledged write when the agent is killed ${ROUNDS} times during checkpoints`, async (t) => {
  const filename = join(await tempDir(t), 'counters.db');
  let stored = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const last = await writeUntilKilled(filename);
    const counters = await Collection.open<number>(filename);
    for (const [id, count] of last) t.true((counters.get(id) ?? 0) >= count, `${id}: ${count}`);
    stored = [...last.values()].reduce((sum, count) => sum + count, 0);
    await counters.close();
  }
  t.log(`${stored} writes`);
});
