// Runs chaos on real guests: npm run torture -- chaos. It starts itself again in namespaces of its own, so that its faults
// reach nothing else on this host, and nothing is left when it ends.
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { execa } from 'execa';
import { missingParts } from '../../helpers/parts.js';
import { until } from '../../helpers/wait.js';
import { BACKUPS } from './backup-scenario.js';
import { GUESTS } from './guest-scenario.js';
import { CHAOS_PARTS } from './parts.js';
import { type ChaosOptions, runRounds } from './rounds.js';
import { World } from './world.js';

const INSIDE = 'MISTIFY_CHAOS_INSIDE';
const READY_MS = 60_000;

const count = (text: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('Give a whole number above 0.');
};

/** Runs this program in network, mount and process namespaces of its own: unshare(1). Returns its exit code. */
const enter = async (args: readonly string[]): Promise<number> => {
  const missing = missingParts(...CHAOS_PARTS);
  if (missing.length > 0) throw new Error(`chaos needs ${missing.join(', ')}`);
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  const program = [process.execPath, fileURLToPath(import.meta.url), ...args];
  // The shell is the first process of the namespace, and collects the orphans that die.
  const { exitCode = 1 } = await execa(
    'unshare',
    [...namespaces, '--propagation', 'private', 'bash', '-c', '"$@"; exit $?', 'chaos', ...program],
    { env: { [INSIDE]: '1' }, stdio: 'inherit', reject: false },
  );
  return exitCode;
};

/** The options of the command line. */
interface MainOptions extends ChaosOptions {
  backups?: true;
}

const run = async (options: MainOptions): Promise<number> => {
  const log = join(tmpdir(), `mistify-chaos-${options.seed}.log`);
  const print = (line: string): void => console.log(line);
  print(`seed ${options.seed}`);
  const world = await World.create(log);
  world.start();
  await until('the agent is ready', () => world.isReady(), READY_MS);
  await world.fetchImage();
  const { rounds, faults, violations, ...totals } = options.backups
    ? await runRounds(world, BACKUPS, options, print)
    : await runRounds(world, GUESTS, options, print);
  const actions = `${totals.accepted} actions accepted (${totals.completed} completed, ${totals.failed} failed), ${totals.refused} refused`;
  print(`${rounds} rounds, ${faults} faults, ${actions}, ${violations.length} violations`);
  if (violations.length === 0) {
    await rm(log, { force: true });
    return 0;
  }
  print(`the output of the agent: ${log}`);
  return 1;
};

/** A new seed, which is printed. */
const anySeed = (): number => 1 + (Date.now() % 1_000_000);

await new Command('torture -- chaos')
  .description(
    'Runs real guests while their agent, sub-agents, QEMUs, disk, clock and host fail at random, and compares what the agent says with what is there',
  )
  .option('--rounds <n>', 'number of rounds', count, 20)
  .option('--seed <n>', 'seed of the random choices', count, anySeed())
  .option('--seconds <n>', 'length of a round, without its comparison', count, 5)
  .option('--guests <n>', 'number of guests at a time', count, 3)
  .option('--backups', 'back guests up and restore them, rather than everything else')
  .action(async (options: MainOptions) => {
    process.exit(process.env[INSIDE] ? await run(options) : await enter(process.argv.slice(2)));
  })
  .parseAsync();
