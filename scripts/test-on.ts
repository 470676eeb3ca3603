// npm run test:on -- SYSTEM [PART...]: installs the agent on a fresh Debian of another release, in a root of its own, and
// runs the tests, the demo and the consoles there. docs/systems.md
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { errorMessage } from '../lib/errors.js';
import { isRoot } from '../lib/process/unprivileged.js';
import { cacheDirectory } from './guest-image.js';
import { baseRoot } from './test-on/base-root.js';
import { debianMirror } from './test-on/host.js';
import { tryLock } from './test-on/lock.js';
import { PART_NAMES, partsOf } from './test-on/parts.js';
import { hostNode, prepare } from './test-on/prepare.js';
import { countLine, type PartResult, summary, table } from './test-on/results.js';
import { openShell, type Runner, runInCheckout, runPart } from './test-on/run-part.js';
import { cleanUp, Session } from './test-on/session.js';
import { NotPrepared, SYSTEMS, type System } from './test-on/system.js';
import { readVersions } from './test-on/versions.js';

/** The exit code when nothing was tested, because no root could be made: EX_TEMPFAIL of sysexits.h. */
const EXIT_NOT_PREPARED = 75;

interface Options {
  cache: string;
  mirror?: string;
  shell: boolean;
  advisory: string[];
}

const say = (line: string): void => console.log(line);

/** What apt says of a package that the system's archive does not have. */
const UNKNOWN_PACKAGE = /Unable to locate package|no installation candidate/;

/**
 * Installs the agent as the README says.
 * @throws {NotPrepared} if packages could not be installed, though the archive has all of them
 */
const setUp = async (runner: Runner): Promise<boolean> => {
  const setup = await runInCheckout(runner, 'set-up', ['npm', 'run', 'setup', '--', '--tests'], 'host');
  if (!setup.passed || UNKNOWN_PACKAGE.test(setup.output)) return false;
  const check = ['sh', '-c', 'qemu-system-x86_64 --version && podman --version'];
  if (!(await runInCheckout(runner, 'check', check, 'own')).passed)
    throw new NotPrepared('apt-get could not install the packages for guests: its output is above');
  return (await runInCheckout(runner, 'guest-image', ['npm', 'run', 'guest-image'], 'host')).passed;
};

/** Runs the parts, and prints and writes what they came to. */
const runParts = async (
  runner: Runner,
  system: System,
  names: readonly string[],
  advisory: readonly string[],
): Promise<boolean> => {
  const results: PartResult[] = [];
  for (const part of partsOf(names)) {
    say(`\n${system.name}: ${part.name}`);
    results.push(await runPart(runner, part));
  }
  // The last of all, because parts install packages.
  const heading = `${system.name}: ${await readVersions(runner)}`;
  const path = join(runner.logs, 'results.md');
  await writeFile(path, table(heading, results));
  say(`\n${heading}\n\n${summary(results)}\n\nEach test: ${path}\n\n${countLine(results)}`);
  return results.every(({ part, passed }) => passed || advisory.includes(part));
};

const testOn = async (system: System, names: readonly string[], options: Options, signal: AbortSignal) => {
  const directory = join(options.cache, system.name);
  const logs = join(directory, 'logs');
  await mkdir(logs, { recursive: true });
  const npm = join(options.cache, 'npm');
  await mkdir(npm, { recursive: true });
  const unlock = await tryLock(join(directory, 'lock'));
  if (!unlock) throw new NotPrepared(`another run tests ${system.name} already: wait until it ends`);
  let session: Session | undefined;
  try {
    const mirror = options.mirror ?? (await debianMirror());
    const base = await baseRoot({ system, directory, mirror, signal, say });
    session = await Session.start({
      system,
      directory,
      base,
      shared: { ...(await hostNode()), '/root/.npm': npm },
    });
    say(`preparing ${system.name}: Node.js, git and a fresh checkout …`);
    const prepared = await prepare(session, mirror, system.name, signal);
    const runner = { system, session, prepared, logs, signal };
    if (!(await setUp(runner))) return false;
    return await (options.shell ? openShell(runner) : runParts(runner, system, names, options.advisory));
  } finally {
    await (session?.end() ?? cleanUp({ system, directory }));
    unlock();
  }
};

const main = async (): Promise<void> => {
  const abort = new AbortController();
  // Not `once`: execa's own listener ends this process when it finds no other.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => abort.abort(new Error(`interrupted by ${name}`)));
  const names = SYSTEMS.map(({ name }) => name);
  const program = new Command('test:on')
    .description('Installs the agent on a fresh system in a root of its own, and runs the tests there')
    .addArgument(new Argument('<system>', 'code name of a Debian release').choices(names))
    .argument(
      '[parts...]',
      `what to run: ${PART_NAMES.join(', ')}, or the path of a test; everything by default`,
    )
    .option('--cache <directory>', 'where roots and downloads are kept', join(cacheDirectory(), 'systems'))
    .option('--mirror <url>', "a mirror of Debian; by default the one in this host's apt sources")
    .option('--advisory <parts...>', 'parts whose failures are listed, but do not fail the run', [])
    .option('--shell', 'open a shell in the system in place of running anything', false)
    .parse();
  const [name, ...parts] = program.args;
  const system = SYSTEMS.find((candidate) => candidate.name === name);
  if (!system) throw new Error(`unknown system "${name}"`);
  partsOf(parts);
  if (!isRoot()) throw new NotPrepared('only root may make roots and namespaces: run it as root');
  process.exitCode = (await testOn(system, parts, program.opts<Options>(), abort.signal)) ? 0 : 1;
};

try {
  await main();
} catch (error) {
  console.error(errorMessage(error));
  process.exitCode = error instanceof NotPrepared ? EXIT_NOT_PREPARED : 1;
}
