// npm run torture: runs the tests that try to break the promises of docs/guarantees.md, for hours.
import { join } from 'node:path';
import { Command } from 'commander';
import { execa } from 'execa';
import { packageRoot } from '../lib/files/package-root.js';

interface Part {
  name: string;
  tests: string[];
  /** Variables that lengthen the tests. */
  env: Record<string, string>;
}

interface Options {
  minutes: string;
  rounds: string;
  requests: string;
  times: string;
}

interface WarmOptions {
  starts: string;
}

const partsOf = ({ minutes, rounds, requests, times }: Options): Part[] => [
  {
    name: `failing disks, and queues against their model, ${times} times as often`,
    tests: ['test/unit/store/faults', 'test/unit/runtime/jobs/queue-model'],
    env: { MISTIFY_TIMES: times },
  },
  {
    name: `${requests} requests of every kind`,
    tests: ['test/api/fuzz'],
    env: { MISTIFY_FUZZ_REQUESTS: requests },
  },
  {
    name: `the agent killed ${rounds} times under load`,
    tests: ['test/crash/jobs'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `the writer of the state's files killed ${rounds} times`,
    tests: ['test/crash/store'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `the storage sub-agent killed ${rounds} times at work`,
    tests: ['test/crash/storage'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `restic and the backup sub-agent killed ${rounds} times at work`,
    tests: ['test/crash/backup'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `the agent killed ${rounds} times while schedules run`,
    tests: ['test/crash/schedules'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `${minutes} minutes of load`,
    tests: ['test/api/soak'],
    env: { MISTIFY_SOAK_SECONDS: String(Number(minutes) * 60) },
  },
];

/** @returns whether the tests passed */
const run = async ({ name, tests, env }: Part): Promise<boolean> => {
  console.log(`\n${name}`);
  const files = tests.map((path) => `dist/${path}.test.js`);
  // A part may be silent for hours. ava's default timeout is for tests that hang.
  const { failed } = await execa('npx', ['ava', '--timeout=6h', ...files], {
    cwd: packageRoot,
    env,
    stdio: 'inherit',
    reject: false,
  });
  return !failed;
};

const runAll = async (parts: readonly Part[]): Promise<void> => {
  const results: [string, boolean][] = [];
  for (const part of parts) results.push([part.name, await run(part)]);
  console.log();
  for (const [name, held] of results) console.log(`${held ? '✔' : '✘'} ${name}`);
  if (results.some(([, held]) => !held)) process.exitCode = 1;
};

const main = (options: Options): Promise<void> => runAll(partsOf(options));

const warm = ({ starts }: WarmOptions): Promise<void> =>
  runAll([
    {
      name: `${starts} warm starts and deletions in a row`,
      tests: ['test/system/agent/warm-leftovers'],
      env: { MISTIFY_WARM_STARTS: starts },
    },
  ]);

/** Runs test/crash/chaos, whose own options these are. */
const chaos = async (args: string[]): Promise<void> => {
  const program = join(packageRoot, 'dist/test/crash/chaos/main.js');
  const { exitCode = 1 } = await execa(process.execPath, [program, ...args], {
    stdio: 'inherit',
    reject: false,
  });
  process.exitCode = exitCode;
};

const torture = new Command('torture')
  .enablePositionalOptions()
  .description('Runs the reliability tests for longer than npm test does')
  .option('--minutes <n>', 'length of the load test', '60')
  .option('--rounds <n>', 'number of SIGKILLs in each crash test', '200')
  .option('--requests <n>', 'number of random requests', '100000')
  .option('--times <n>', 'multiplier for the tries of each property', '50')
  .action(main);
torture
  .command('warm')
  .summary('starts clones of a warm template and deletes them, and counts what is left')
  .option('--starts <n>', 'number of starts', '200')
  .action(warm);
torture
  .command('chaos')
  .summary('runs real guests while everything around them fails at random')
  .argument('[options...]', 'options of its own: chaos --help')
  .allowUnknownOption()
  .passThroughOptions()
  .helpOption(false)
  .action(chaos);
await torture.parseAsync();
