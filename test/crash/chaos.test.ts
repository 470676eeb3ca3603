import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { needs } from '../helpers/needs.js';
import { numberFrom } from '../helpers/property.js';
import { CHAOS_PARTS } from './chaos/parts.js';

// Guarantees: G1, G2, G3, G8, G14, G16, G18, G21, G26, G36, G42, G47.

/** A short run; CI runs 20 rounds, with `npm run torture -- chaos`. */
const ROUNDS = numberFrom('MISTIFY_CHAOS_ROUNDS') ?? 2;

needs(...CHAOS_PARTS)(
  'what the agent says is what is there, whatever fails while clients change guests',
  async (t) => {
    t.timeout(3_600_000);
    const program = join(packageRoot, 'dist/test/crash/chaos/main.js');
    const { exitCode, stdout, stderr } = await execa(
      process.execPath,
      [program, '--rounds', String(ROUNDS)],
      {
        reject: false,
      },
    );
    for (const line of stdout.split('\n')) t.log(line);
    t.is(exitCode, 0, stderr);
  },
);
