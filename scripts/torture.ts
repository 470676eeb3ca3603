// npm run torture: the tests that try to break the promises of docs/reliability.md, for as long as it takes.
import { Command } from 'commander';
import { execa } from 'execa';
import { packageRoot } from '../lib/files/package-root.js';

interface Part {
  name: string;
  tests: string[];
  /** What makes a short test a long one. */
  env: Record<string, string>;
}

interface Options {
  minutes: string;
  rounds: string;
  requests: string;
  times: string;
}

const partsOf = ({ minutes, rounds, requests, times }: Options): Part[] => [
  {
    name: `disks that fail, and queues against their model, ${times} times as often`,
    tests: ['test/unit/store/faults', 'test/unit/runtime/queue-model'],
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
    name: `what writes the state's files killed ${rounds} times`,
    tests: ['test/crash/store'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `the storage sub-agent killed ${rounds} times at work`,
    tests: ['test/crash/storage'],
    env: { MISTIFY_CRASH_ROUNDS: rounds },
  },
  {
    name: `${minutes} minutes of load`,
    tests: ['test/api/soak'],
    env: { MISTIFY_SOAK_SECONDS: String(Number(minutes) * 60) },
  },
];

/** @returns whether it held */
const run = async ({ name, tests, env }: Part): Promise<boolean> => {
  console.log(`\n${name}`);
  const files = tests.map((path) => `dist/${path}.test.js`);
  // A part may be long and silent: ava's own limit is for tests that hang.
  const { failed } = await execa('npx', ['ava', '--timeout=6h', ...files], {
    cwd: packageRoot,
    env,
    stdio: 'inherit',
    reject: false,
  });
  return !failed;
};

const main = async (options: Options): Promise<void> => {
  const results: [string, boolean][] = [];
  for (const part of partsOf(options)) results.push([part.name, await run(part)]);
  console.log();
  for (const [name, held] of results) console.log(`${held ? '✔' : '✘'} ${name}`);
  if (results.some(([, held]) => !held)) process.exitCode = 1;
};

await new Command('torture')
  .description('Runs the tests of reliability for longer than npm test does')
  .option('--minutes <n>', 'of the soak', '60')
  .option('--rounds <n>', 'of SIGKILL', '200')
  .option('--requests <n>', 'of the fuzz', '100000')
  .option('--times <n>', 'as many tries of each property as in npm test', '50')
  .action(main)
  .parseAsync();
