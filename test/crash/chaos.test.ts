import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { needsInTurn } from '../helpers/needs.js';
import { numberFrom } from '../helpers/property.js';
import { CHAOS_PARTS } from './chaos/parts.js';

// Guarantees: G1, G2, G3, G8, G14, G16, G18, G21, G26, G36, G42, G47, G54.

const test = needsInTurn(...CHAOS_PARTS);

/** A short run; CI runs 20 rounds, with `npm run torture -- chaos`. */
const ROUNDS = numberFrom('MISTIFY_CHAOS_ROUNDS') ?? 2;

const runChaos = async (t: ExecutionContext, ...options: string[]): Promise<void> => {
  t.timeout(3_600_000);
  const program = join(packageRoot, 'dist/test/crash/chaos/main.js');
  const args = [program, '--rounds', String(ROUNDS), ...options];
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, { reject: false });
  const lines = stdout.split('\n');
  for (const line of lines) t.log(line);
  const violations = lines.filter((line) => line.startsWith('VIOLATION'));
  t.is(exitCode, 0, [...violations, stderr].join('\n'));
};

test('what the agent says is what is there, whatever fails while clients change guests', (t) => runChaos(t));

test('every backup that is listed can be restored, and no guest is harmed, whatever fails while clients back guests up', (t) =>
  runChaos(t, '--backups', '--guests', '2', '--seconds', '15'));
