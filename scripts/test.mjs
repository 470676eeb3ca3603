// npm test: sets up what is missing, builds, runs the tests, and prints their counts last. Where Docker is installed, the
// tests of containers run on it, too, after all others. Arguments go to ava:
// `npm test -- test/unit/config/load.test.ts`, `npm test -- --match '*snapshot*'`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setUp } from './setup.mjs';

setUp({ guestPackages: true, testPackages: true });
const { Parser } = await import('tap-parser');

const indent = (text) => text.trimEnd().replace(/^/gm, '    ');

const printFailure = ({ name, diag, tapError }) => {
  console.log(`✘ ${name}`);
  const { at: _at, ...details } = diag ?? {};
  for (const [key, value] of Object.entries(details))
    console.log(indent(`${key}: ${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}`));
  if (tapError) console.log(indent(String(tapError)));
};

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

/** @param engine the container engine of these tests, if it is not the usual one */
const noteAsserts = (engine) => (given) => {
  const result = engine === undefined ? given : { ...given, name: `${engine}: ${given.name}` };
  if (result.skip) {
    counts.skipped++;
    console.log(`- ${result.name} (skipped)`);
  } else if (result.ok) {
    counts.passed++;
    console.log(`✔ ${result.name}`);
  } else {
    counts.failed++;
    failures.push(result);
    printFailure(result);
  }
};

/** Maps the path of a test's source to that of its compiled form, and leaves other arguments alone. */
const toCompiled = (argument) => argument.replace(/^(?:\.\/)?(test\/.*\.test)\.ts$/, 'dist/$1.js');

/** Whether Docker can be run beside Podman, so that the tests of containers can run on each. */
const hasDocker = () =>
  process.env.MISTIFY_TEST_ENGINE === undefined &&
  process.getuid?.() === 0 &&
  process.env.PATH.split(':').some((directory) => existsSync(join(directory, 'dockerd')));

/**
 * What runs at the same time. Chromium drops all its connections when the host's addresses change, which tests of networks
 * do all the time, so the tests of pages come after all others.
 */
const allRuns = () => [
  { files: ['dist/test/api', 'dist/test/crash', 'dist/test/system', 'dist/test/unit'] },
  { files: ['dist/test/web'] },
  ...(hasDocker() ? [{ files: ['dist/test/system/container'], engine: 'docker' }] : []),
];

const makeParser = (onAssert) => {
  const parser = new Parser();
  parser.on('assert', onAssert);
  parser.on('comment', (comment) => {
    const isAvaCount = /^# (tests|pass|skip|todo|fail|crashed) /.test(comment);
    if (!isAvaCount) process.stdout.write(comment);
  });
  return parser;
};

// The tests' agents claim nothing from agents that run on this host.
const hostDir = mkdtempSync(join(tmpdir(), 'mistify-host-'));

/** Runs ava and resolves to its exit code. */
const run = async ({ files, engine }, options) => {
  const parser = makeParser(noteAsserts(engine));
  const ava = spawn(
    process.execPath,
    ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...options, ...files],
    {
      cwd: new URL('..', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        MISTIFY_HOST_DIR: hostDir,
        ...(engine === undefined ? {} : { MISTIFY_TEST_ENGINE: engine }),
      },
    },
  );
  ava.stdout.pipe(parser);
  const [status] = await Promise.all([
    new Promise((resolve) => ava.once('close', (code) => resolve(code ?? 1))),
    new Promise((resolve) => parser.once('complete', resolve)),
  ]);
  return status;
};

const args = process.argv.slice(2).map(toCompiled);
/** Tests wait for guests and programs for a third of their time. */
const concurrency = `--concurrency=${availableParallelism() + 1}`;
const options = args.some((arg) => arg.startsWith('--concurrency')) ? [] : [concurrency];
let status = 0;
for (const each of args.length > 0 ? [{ files: args }] : allRuns())
  status = (await run(each, options)) || status;

rmSync(hostDir, { recursive: true, force: true });
if (failures.length > 0) {
  console.log('\nFailed:\n');
  for (const failure of failures) printFailure(failure);
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = status;
