import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { execa } from 'execa';
import { errorMessage } from '../lib/errors.js';

import { debianMirror } from './test-on/host.js';

/** Users of guests must be able to read it, which rules out a home directory. */
const CACHE = '/var/cache/mistify/qemu';
const PACKAGE = 'qemu-system-x86';
const PROGRAM = 'qemu-system-x86_64';
/** Directories of libraries. Before trixie, packages have some of them outside `usr`. */
const LIBRARIES = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'];
const LOADER = 'ld-linux-x86-64.so.2';
/** Directories of firmware, which a relocated QEMU does not find. */
const FIRMWARE = ['usr/share/seabios', 'usr/share/qemu', 'usr/lib/ipxe/qemu'];

/** Downloads the packages of a suite, whatever is installed on this host. */
const download = async (suite: string, dir: string): Promise<string[]> => {
  await Promise.all(['debs', 'lists'].map((name) => mkdir(join(dir, name, 'partial'), { recursive: true })));
  await writeFile(join(dir, 'status'), '');
  await writeFile(join(dir, 'sources.list'), `deb ${await debianMirror()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': join(dir, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State': dir,
    'Dir::State::status': join(dir, 'status'),
    'Dir::Cache': dir,
    'Dir::Cache::archives': join(dir, 'debs'),
    'Acquire::Retries': '5',
    'APT::Update::Error-Mode': 'any',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: string[]) =>
    execa('apt-get', ['-qq', '-y', '--no-install-recommends', ...options, ...args]);
  await apt('update');
  await apt('--download-only', 'install', PACKAGE);
  const names = await readdir(join(dir, 'debs'));
  return names.filter((name) => name.endsWith('.deb')).map((name) => join(dir, 'debs', name));
};

/** Writes a program that runs the QEMU in `root` with that suite's loader and libraries. */
const writeProgram = async (building: string, root: string): Promise<void> => {
  // QEMU looks for its modules beside its program, which is the loader here.
  const loaders = LIBRARIES.map((dir) => join(building, dir, LOADER));
  const found = loaders.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`its packages have no ${LOADER} in ${LIBRARIES.join(' or ')}`);
  await cp(found, join(building, 'usr/bin/ld-qemu'));
  await symlink('../..', join(building, 'usr/bin/qemu-bundle'));
  const firmware = FIRMWARE.map((dir) => `-L ${join(root, dir)}`).join(' ');
  const libraries = LIBRARIES.map((dir) => join(root, dir)).join(':');
  const loader = `${join(root, 'usr/bin/ld-qemu')} --library-path ${libraries}`;
  const script = `#!/bin/sh\nexec ${loader} ${join(root, 'usr/bin', PROGRAM)} ${firmware} "$@"\n`;
  await writeFile(join(building, PROGRAM), script, { mode: 0o755 });
};

/**
 * Unpacks the QEMU of another release of Debian into a directory; installs nothing. Later calls return the same program.
 * @returns the path of the program
 */
const otherQemu = async (suite: string, cache: string): Promise<string> => {
  const root = join(cache, suite);
  const program = join(root, PROGRAM);
  if (existsSync(program)) return program;
  const building = `${root}.${process.pid}`;
  try {
    const downloads = join(building, 'downloads');
    await mkdir(downloads, { recursive: true });
    for (const deb of await download(suite, downloads)) await execa('dpkg-deb', ['-x', deb, building]);
    await rm(downloads, { recursive: true });
    await writeProgram(building, root);
    await rm(root, { recursive: true, force: true });
    await rename(building, root);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return program;
};

const command = new Command('other-qemu')
  .description('Unpacks the QEMU of another release of Debian, for tests of upgrades, and prints its path')
  .argument('<suite>', 'the release, such as trixie')
  .option('--cache <dir>', 'where to unpack it; every user must be able to read it', CACHE)
  .action(async (suite: string, { cache }: { cache: string }) => {
    try {
      process.stdout.write(`${await otherQemu(suite, cache)}\n`);
    } catch (error) {
      process.stderr.write(`cannot unpack the QEMU of ${suite}: ${errorMessage(error)}\n`);
      process.exitCode = 1;
    }
  });

await command.parseAsync();
